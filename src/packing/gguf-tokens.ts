// This file reads the token names of a GGUF file again, as they are in the file. The parser drops a byte
// order mark at the start of a string, which makes Gemma's tokens U+FEFF + `#` and `#` look alike; the list
// is read again where names are empty or come twice.

import { IsletError } from '../lib/errors.ts'

const KEY = new TextEncoder().encode('tokenizer.ggml.tokens')
const ARRAY = 9
const STRING = 8

/** True if the names could have lost a byte order mark. */
export function mayLackMarks(names: readonly unknown[]): boolean {
  return new Set(names).size < names.length || names.includes('')
}

/**
 * The names again, from the bytes of the file's metadata; `names` are the parser's, which these equal but for
 * the marks. Throws invalid_file where they do not.
 */
export function readTokenNames(
  header: Uint8Array,
  names: readonly unknown[],
  version: number,
  littleEndian: boolean,
): string[] {
  const size = version === 1 ? 4 : 8 // of a length
  const view = new DataView(header.buffer, header.byteOffset, header.length)
  const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
  const word = (at: number): number => {
    if (at + 4 > header.length) throw damaged()
    return view.getUint32(at, littleEndian)
  }
  /** A length below 2^32; the parser has refused longer ones. */
  const length = (at: number): number => word(!littleEndian && size === 8 ? at + 4 : at)

  // The key's text may also be part of a value, so every place is tried until the whole list fits.
  for (let found = indexOf(header, KEY, 0); found >= 0; found = indexOf(header, KEY, found + 1)) {
    let at = found + KEY.length
    if (at + 8 + size > header.length || word(at) !== ARRAY || word(at + 4) !== STRING) continue
    if (length(at + 8) !== names.length) continue
    at += 8 + size
    const read: string[] = []
    for (const name of names) {
      const end = at + size + length(at)
      const text = decoder.decode(header.subarray(at + size, end))
      if (end > header.length || text.replace(/^\ufeff/, '') !== name) break
      read.push(text)
      at = end
    }
    if (read.length === names.length) return read
  }
  throw damaged()
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(wanted[0], from); at >= 0; at = bytes.indexOf(wanted[0], at + 1)) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return at
  }
  return -1
}

function damaged(): IsletError {
  return new IsletError('invalid_file', 'the token names of the GGUF file cannot be read again')
}
