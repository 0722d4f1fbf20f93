// Token names of a GGUF file as they are in the file. The parser drops a byte order mark at the start of a string, which
// makes Gemma's tokens U+FEFF + `#` and `#` look alike; the list is read again where names are empty or come twice.

import { IsletError } from '../lib/errors.ts'

const KEY = 'tokenizer.ggml.tokens'
const ARRAY = 9
const STRING = 8

/** True if the names could have lost a byte order mark. */
export function mayLackMarks(names: readonly unknown[]): boolean {
  return new Set(names).size < names.length || names.includes('')
}

/**
 * The names again, from the bytes of the file's metadata; `names` are the parser's, which these equal but for the marks.
 * Throws invalid_file where they do not.
 */
export function readTokenNames(
  header: Uint8Array,
  names: readonly unknown[],
  version: number,
  littleEndian: boolean,
): string[] {
  const size = version === 1 ? 4 : 8 // of a length
  const bytes = Buffer.from(header.buffer, header.byteOffset, header.length)
  const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
  const word = (at: number): number => {
    if (at + 4 > bytes.length) throw damaged()
    return littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
  }
  /** A length below 2^32; the parser has refused longer ones. */
  const length = (at: number): number => word(!littleEndian && size === 8 ? at + 4 : at)

  // The key's text may also be part of a value, so every place is tried until the whole list fits.
  for (let found = bytes.indexOf(KEY); found >= 0; found = bytes.indexOf(KEY, found + 1)) {
    let at = found + KEY.length
    if (at + 8 + size > bytes.length || word(at) !== ARRAY || word(at + 4) !== STRING) continue
    if (length(at + 8) !== names.length) continue
    at += 8 + size
    const read: string[] = []
    for (const name of names) {
      const end = at + size + length(at)
      const text = decoder.decode(bytes.subarray(at + size, end))
      if (end > bytes.length || text.replace(/^\ufeff/, '') !== name) break
      read.push(text)
      at = end
    }
    if (read.length === names.length) return read
  }
  throw damaged()
}

function damaged(): IsletError {
  return new IsletError('invalid_file', 'the token names of the GGUF file cannot be read again')
}
