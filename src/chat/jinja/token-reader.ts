// A token reader walks along the tokens of a template, and says what it expected where something else comes.

import { TemplateSyntax } from './errors.ts'
import type { Token } from './lexer.ts'

/** Each level takes some fifteen frames of the stack here, and a few when it runs. */
const MAX_NESTED = 200

export class TokenReader {
  readonly #tokens: readonly Token[]
  #at = 0
  #nested = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  protected get token(): Token {
    return this.#tokens[this.#at]
  }

  protected next(): Token {
    const { token } = this
    if (token.type !== 'eof') this.#at++
    return token
  }

  protected look(): Token {
    return this.#tokens[Math.min(this.#at + 1, this.#tokens.length - 1)]
  }

  protected fail(says: string, line = this.token.line): never {
    throw new TemplateSyntax(line, says)
  }

  protected is(type: Token['type'], text: string): boolean {
    return this.token.type === type && this.token.text === text
  }

  protected skip(type: Token['type'], text: string): boolean {
    const here = this.is(type, text)
    if (here) this.next()
    return here
  }

  protected expect(type: Token['type'], text?: string): Token {
    const { token } = this
    if (token.type !== type || (text !== undefined && token.text !== text))
      this.fail(`expected ${described(text ?? type, type)}, got ${described(token.text, token.type)}`)
    return this.next()
  }

  protected nest<T>(inner: () => T): T {
    if (++this.#nested > MAX_NESTED) this.fail(`nested deeper than ${MAX_NESTED} levels`)
    const result = inner()
    this.#nested--
    return result
  }
}

/** A token for people. */
export function described(text: string, type: Token['type']): string {
  if (type === 'eof') return 'the end of the template'
  if (type === 'end') return 'the end of the tag'
  if (type === 'begin') return 'a tag'
  return type === 'data' ? 'text' : `'${text}'`
}
