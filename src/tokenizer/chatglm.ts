// ChatGLM-1 has tokens of its own for white space: newlines, tabs and runs of spaces become names. That
// happens before the text is normalised.

import type { Budget, Sliced } from '../lib/sliced.ts'
import { WINDOW, WINDOW_UNITS } from './windows.ts'

const NEWLINE = '<n>'
const TAB = '<|tab|>'
/** Longest run of spaces that has a token. */
const LONGEST_BLANK = 80

function blankName(spaces: number): string {
  return `<|blank_${spaces}|>`
}

/** The names of white space but the newline, in the order of their ids. */
export const BLANK_NAMES: readonly string[] = [
  TAB,
  ...Array.from({ length: LONGEST_BLANK - 1 }, (_, i) => blankName(i + 2)),
]

/** Text with its white space as names: long runs are cut into the longest blanks from the left. */
export function* nameWhiteSpace(text: string, budget: Budget): Sliced<string> {
  if (text.length <= WINDOW) return named(text)
  let out = ''
  for (let at = 0; at < text.length;) {
    const end = blankBorder(text, at, at + WINDOW)
    out += named(text.slice(at, end))
    at = end
    if (budget.spend(WINDOW_UNITS)) yield
  }
  return out
}

/** A place at or before `end` that leaves the blanks of a run as they are; `start` is such a place too. */
function blankBorder(text: string, start: number, end: number): number {
  if (end >= text.length) return text.length
  if (text[end] !== ' ') return end
  let run = end
  while (run > start && text[run - 1] === ' ') run--
  return run + Math.floor((end - run) / LONGEST_BLANK) * LONGEST_BLANK
}

function named(text: string): string {
  return text
    .replaceAll('\n', NEWLINE)
    .replaceAll('\t', TAB)
    .replace(/ {2,}/g, (run) => {
      const rest = run.length % LONGEST_BLANK
      const whole = blankName(LONGEST_BLANK).repeat((run.length - rest) / LONGEST_BLANK)
      return whole + (rest > 1 ? blankName(rest) : ' '.repeat(rest))
    })
}

/** The bytes that these names print as, by the ids that `idOf` gives. */
export function whiteSpaceBytes(idOf: (name: string) => number | undefined): Map<number, Uint8Array> {
  const found = new Map<number, Uint8Array>()
  const add = (name: string, text: string): void => {
    const id = idOf(name)
    if (id !== undefined) found.set(id, new TextEncoder().encode(text))
  }
  add(NEWLINE, '\n')
  add(TAB, '\t')
  for (let spaces = 2; spaces <= LONGEST_BLANK; spaces++) add(blankName(spaces), ' '.repeat(spaces))
  return found
}
