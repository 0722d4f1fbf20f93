// A meter bounds the steps, sizes and depth of a running template: a template is a program of strangers.

import { TemplateLimit } from './errors.ts'

/** About half a second. A turn takes 20 to 150, so 32 Ki positions are full of the shortest ones long before. */
export const MAX_TEMPLATE_STEPS = 2_000_000

/** Characters and entries of one value, with all that is inside: more than any context takes. */
export const MAX_VALUE = 1 << 22

/** Macros inside macros count MACRO_LEVELS, blocks inside blocks one. */
const MAX_DEPTH = 800

/** A call of a macro takes some ten frames of the stack, and an isolate has about a megabyte of it. */
export const MACRO_LEVELS = 4

const CHARACTERS_A_STEP = 64
/** Looking for a long text in a long one may take the product of their lengths. */
const COMPARISONS_A_STEP = 8192

export class Meter {
  /** The line of the statement that runs, for errors. */
  line = 1
  /** Inside `{% autoescape true %}`: what is printed gets escaped. */
  escapes = false
  readonly #most: number
  #left: number
  #depth = 0

  constructor(steps = MAX_TEMPLATE_STEPS) {
    this.#most = steps
    this.#left = steps
  }

  /** Counts steps before they are taken. Throws TemplateLimit where none are left. */
  take(steps: number): void {
    this.#left -= steps
    if (this.#left < 0) throw new TemplateLimit(`takes more than ${this.#most} steps`)
  }

  /** Counts a value of so many characters or entries before it is made. */
  make(size: number): void {
    if (size > MAX_VALUE) throw tooLarge(size)
    this.take(size / CHARACTERS_A_STEP)
  }

  /** Counts looking for a text in another, both in characters. */
  seek(text: number, what: number): void {
    this.take((text * what) / COMPARISONS_A_STEP + text / CHARACTERS_A_STEP)
  }

  enter(levels: number): void {
    this.#depth += levels
    if (this.#depth > MAX_DEPTH) throw new TemplateLimit(`is nested deeper than ${MAX_DEPTH} levels`)
  }

  leave(levels: number): void {
    this.#depth -= levels
  }
}

export function tooLarge(size: number): TemplateLimit {
  return new TemplateLimit(`makes a value of ${Math.ceil(size)} characters or entries, at most ${MAX_VALUE}`)
}
