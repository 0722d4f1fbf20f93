// A JSON call is read while it is written: its name once that is whole, then its arguments as they come.
//
// For answers whose grammar holds each call to `{"name": ..., "arguments": {...}}`; elsewhere a block may turn out to be none.

import type { CallPiece } from '../../protocol/generation.ts'

const HEAD = /^\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"(?:arguments|parameters)"\s*:\s*(?=\{)/

/** Takes the text of one call in pieces, from its brace on. */
export class JsonCallReader {
  /** What has no place yet. */
  #text = ''
  #depth = 0
  #isNamed = false
  #isInString = false
  #isEscaped = false

  /** The arguments are whole; what follows is not read. */
  get isWhole(): boolean {
    return this.#isNamed && this.#depth === 0
  }

  /** Pieces that are sure, and the text behind the arguments once they are whole. */
  push(text: string): { pieces: CallPiece[]; rest: string } {
    this.#text += text
    const pieces: CallPiece[] = []
    if (!this.#isNamed) {
      const head = HEAD.exec(this.#text)
      if (head === null) return { pieces, rest: '' }
      this.#isNamed = true
      pieces.push({ name: JSON.parse(head[1]) as string, arguments: '' })
      this.#text = this.#text.slice(head[0].length)
    }
    const length = this.#argumentsIn(this.#text)
    const rest = this.#text.slice(length)
    if (length > 0) pieces.push({ arguments: this.#text.slice(0, length) })
    this.#text = ''
    return { pieces, rest }
  }

  /** What was taken without a piece of it. */
  get unread(): string {
    return this.#text
  }

  /** How much of the text belongs to the arguments. */
  #argumentsIn(text: string): number {
    for (let i = 0; i < text.length; i++) {
      const char = text[i]
      if (this.#isInString) {
        if (this.#isEscaped) this.#isEscaped = false
        else if (char === '\\') this.#isEscaped = true
        else if (char === '"') this.#isInString = false
      } else if (char === '"') this.#isInString = true
      else if (char === '{' || char === '[') this.#depth++
      else if ((char === '}' || char === ']') && --this.#depth === 0) return i + 1
    }
    return text.length
  }
}
