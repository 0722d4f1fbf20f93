// A stream decoder turns ids into text as they come, and lets only whole characters leave. The pieces
// together equal decode() of all ids.

import { cleanUp } from './clean-up.ts'
import type { TextFilter } from './clean-up.ts'
import { Utf8Stream } from './utf8.ts'
import type { Tokenizer } from './tokenizer.ts'

/**
 * Whether an id that a text begins with loses its first space. A space made of a byte token or by name is the text's own;
 * only the token's own text tells them apart.
 */
export function dropsSpace(tokenizer: Pick<Tokenizer, 'byteAt' | 'nameOf'>, id: number): boolean {
  return tokenizer.byteAt(id, 0) === 0x20 && /^[\u2581 ]/.test(tokenizer.nameOf(id))
}

export class TextStream {
  readonly #tokenizer: Tokenizer
  readonly #utf8: Utf8Stream
  readonly #clean: TextFilter | undefined
  #atStart: boolean

  /**
   * `continues`: the ids go on after text that is already shown (a completion after its prompt), so a leading
   * space stays. Otherwise the space that a SentencePiece tokenizer puts before every text is taken off, as
   * it does itself. `cleanUp` false: no space goes before punctuation, whatever the tokenizer's rules.
   */
  constructor(tokenizer: Tokenizer, options: { continues?: boolean; cleanUp?: boolean } = {}) {
    this.#tokenizer = tokenizer
    this.#utf8 = new Utf8Stream(tokenizer.decoding?.replaceEachByte ?? false)
    this.#clean = tokenizer.decoding?.cleanUp === true && options.cleanUp !== false ? cleanUp() : undefined
    this.#atStart = tokenizer.decoding?.stripLeadingSpace === true && options.continues !== true
  }

  /** The text that is complete with this id; may be empty. */
  push(id: number): string {
    return this.#cleaned(this.#utf8.push(this.#printed(id)))
  }

  /** The same with the name of a special token. */
  pushNamed(id: number): string {
    return this.#tokenizer.isSpecial(id)
      ? this.#cleaned(this.#utf8.push(new TextEncoder().encode(this.#tokenizer.nameOf(id))))
      : this.push(id)
  }

  #cleaned(text: string): string {
    return this.#clean === undefined ? text : this.#clean.push(text)
  }

  #printed(id: number): Uint8Array {
    const bytes = this.#tokenizer.tokenBytes(id)
    if (!this.#atStart || this.#tokenizer.isSpecial(id)) return bytes
    const rest = dropsSpace(this.#tokenizer, id) ? bytes.subarray(1) : bytes
    this.#atStart = rest.length === 0 && this.#tokenizer.decoding?.stripAllLeading === true
    return rest
  }

  /**
   * What is still held back: U+FFFD for an incomplete character, a space that might have gone, else empty.
   */
  flush(): string {
    return this.#cleaned(this.#utf8.flush()) + (this.#clean?.flush() ?? '')
  }
}
