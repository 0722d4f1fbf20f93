// This file writes text as UTF-8 into a reused buffer, and reads UTF-8 without splitting a character.

/**
 * Writes text as UTF-8 into scratch.bytes, grown as needed (lone surrogates become U+FFFD); returns the
 * length.
 */
export function utf8Into(text: string, scratch: { bytes: Uint8Array }): number {
  if (scratch.bytes.length < text.length * 3) scratch.bytes = new Uint8Array(Math.max(256, text.length * 3))
  const { bytes } = scratch
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x80) return i + encoder.encodeInto(text.slice(i), bytes.subarray(i)).written
    bytes[i] = code
  }
  return text.length
}

const encoder = new TextEncoder()

/**
 * Bytes to text, as they come: a character is held back until it is complete. Invalid bytes become U+FFFD,
 * one for each maximal part of a character as TextDecoder does, or with `eachByte` one for every byte as
 * SentencePiece does.
 */
export class Utf8Stream {
  readonly #eachByte: boolean
  #held: number[] = [] // a valid beginning of a character, at most 3 bytes
  #needed = 0 // bytes of the whole character

  constructor(eachByte: boolean) {
    this.#eachByte = eachByte
  }

  push(bytes: Uint8Array): string {
    let text = ''
    for (const byte of bytes) text += this.#add(byte)
    return text
  }

  /** What the held bytes stand for at the end of the stream. */
  flush(): string {
    const held = this.#held
    this.#held = []
    if (held.length === 0) return ''
    return '\ufffd'.repeat(this.#eachByte ? held.length : 1)
  }

  #add(byte: number): string {
    const held = this.#held
    if (held.length === 0) {
      if (byte < 0x80) return String.fromCharCode(byte)
      this.#needed = lengthOf(byte)
      if (this.#needed === 0) return '\ufffd'
      held.push(byte)
      return ''
    }
    // What was held was a valid beginning, so its continuation bytes cannot begin anything themselves.
    if (!continues(held, byte)) return this.flush() + this.#add(byte)
    held.push(byte)
    if (held.length < this.#needed) return ''
    let code = held[0] & (0x7f >> held.length)
    for (let i = 1; i < held.length; i++) code = (code << 6) | (held[i] & 0x3f)
    this.#held = []
    return String.fromCodePoint(code)
  }
}

/** Bytes of a character by its first byte, 0 where none begins so. */
function lengthOf(byte: number): number {
  if (byte >= 0xc2 && byte <= 0xdf) return 2
  if (byte >= 0xe0 && byte <= 0xef) return 3
  return byte >= 0xf0 && byte <= 0xf4 ? 4 : 0
}

/**
 * Refuses overlong forms, surrogates and code points past U+10FFFF by the second byte, as the standard does.
 */
function continues(held: readonly number[], byte: number): boolean {
  if (held.length > 1) return byte >= 0x80 && byte <= 0xbf
  const low = held[0] === 0xe0 ? 0xa0 : held[0] === 0xf0 ? 0x90 : 0x80
  const high = held[0] === 0xed ? 0x9f : held[0] === 0xf4 ? 0x8f : 0xbf
  return byte >= low && byte <= high
}
