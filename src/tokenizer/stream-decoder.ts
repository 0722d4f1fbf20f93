// Generated ids to text as they come. Only whole characters leave; the pieces together equal decode() of all ids.

import { Utf8Stream } from './utf8.ts'
import type { Tokenizer } from './tokenizer.ts'

export class TextStream {
  readonly #tokenizer: Tokenizer
  readonly #utf8: Utf8Stream
  #atStart: boolean

  /**
   * `continues`: the ids go on after text that is already shown (a completion after its prompt), so a leading space
   * stays. Otherwise the space that a SentencePiece tokenizer puts before every text is taken off, as it does itself.
   */
  constructor(tokenizer: Tokenizer, options: { continues?: boolean } = {}) {
    this.#tokenizer = tokenizer
    this.#utf8 = new Utf8Stream(tokenizer.decoding?.replaceEachByte ?? false)
    this.#atStart = tokenizer.decoding?.stripLeadingSpace === true && options.continues !== true
  }

  /** The text that is complete with this id; may be empty. */
  push(id: number): string {
    let bytes = this.#tokenizer.tokenBytes(id)
    if (this.#atStart && !this.#tokenizer.isSpecial(id)) {
      this.#atStart = false
      // A space made of a byte token is the text's own.
      if (bytes[0] === 0x20 && !this.#tokenizer.nameOf(id).startsWith('<0x')) bytes = bytes.subarray(1)
    }
    return this.#utf8.push(bytes)
  }

  /** What is still held back: U+FFFD for an incomplete character, else empty. */
  flush(): string {
    return this.#utf8.flush()
  }
}
