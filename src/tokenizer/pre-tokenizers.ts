// A pre-tokenizer cuts text before byte-level merging. They go by the names that GGUF files carry in
// `tokenizer.ggml.pre`.

import { IsletError } from '../lib/errors.ts'
import type { Budget, Sliced } from '../lib/sliced.ts'
import type { TakePart } from './plain-encoder.ts'
import { splitAtNames } from './special.ts'
import { characterBorder, WINDOW, WINDOW_UNITS } from './windows.ts'

/** Lowercase contractions only, runs of digits stay together. */
const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
// The later patterns ignore case in contractions; folding makes the long s (U+017F) an s too.
const ANY_CASE = String.raw`'(?:[sS\u017f]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])`
const AFTER_DIGITS = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
const QWEN2 = String.raw`${ANY_CASE}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|${AFTER_DIGITS}`
const LLAMA3 = String.raw`${ANY_CASE}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|${AFTER_DIGITS}`
const DIGIT = String.raw`\p{N}`
const SINGLE_DIGITS = [DIGIT, GPT2]

/** Patterns applied in turn, each to the pieces that the one before left. */
export const PRE_TOKENIZERS: Readonly<Record<string, readonly string[]>> = {
  'gpt-2': [GPT2],
  'phi-2': [GPT2],
  smollm: SINGLE_DIGITS,
  starcoder: SINGLE_DIGITS,
  refact: SINGLE_DIGITS,
  'command-r': SINGLE_DIGITS,
  qwen2: [QWEN2],
  'deepseek-r1-qwen': [QWEN2],
  'llama-bpe': [LLAMA3],
}

/** Throws unsupported_format, naming the pre-tokenizer, unless it is known. */
export function checkPreTokenizer(name: string): void {
  if (Object.hasOwn(PRE_TOKENIZERS, name)) return
  const known = Object.keys(PRE_TOKENIZERS).join(', ')
  throw new IsletError(
    'unsupported_format',
    `the pre-tokenizer ${JSON.stringify(name)} is not known; known are ${known}`,
  )
}

/** A function that calls `emit` with each piece of a text, in order. */
export function preTokenizer(name: string): (text: string, emit: TakePart, budget: Budget) => Sliced<void> {
  checkPreTokenizer(name)
  const sources = PRE_TOKENIZERS[name]
  const pattern = compilePattern(sources[sources.length - 1])
  if (sources.length === 1) return (text, emit, budget) => cutBy(pattern, text, emit, budget)
  // Digits first, each by itself.
  const digit = { pattern: compilePattern(DIGIT), longest: 2 }
  return (text, emit, budget) =>
    splitAtNames(text, digit, (part) => cutBy(pattern, part, emit, budget), emit, budget)
}

/** Cuts a text by a pattern that leaves nothing out, a window at a time. */
function* cutBy(pattern: RegExp, text: string, emit: TakePart, budget: Budget): Sliced<void> {
  let from = 0 // where the next piece begins
  for (let at = 0, width = WINDOW; from < text.length;) {
    const start = at
    const end = characterBorder(text, start + width)
    const window = start === 0 && end === text.length ? text : text.slice(start, end)
    const sure = end === text.length ? window.length : sureEnd(window)
    let isRun = false
    for (const { 0: found, index } of window.matchAll(pattern)) {
      const next = start + index + found.length
      if (next - start > sure) {
        isRun = found.length === window.length && sure === window.length - 2
        break
      }
      const piece = from === start + index ? found : text.slice(from, next)
      const rest = emit(piece)
      if (rest !== undefined) yield* rest
      from = at = next
      if (budget.spend(piece.length + PIECE_UNITS)) yield
    }
    // Characters of one class fill the window: where they end, their last ones tell as well. Of white space the
    // first ones count too, so it is looked for in twice as much.
    if (isRun) at = characterBorder(text, end - RUN_TAIL)
    width = isRun || at !== start ? WINDOW : 2 * width
    if (from < start + window.length && budget.spend(WINDOW_UNITS)) yield
  }
}

/** A few characters, so that none of them is taken for the one in front of a word. */
const RUN_TAIL = 8
/** What a piece costs beside its letters. */
const PIECE_UNITS = 2

/**
 * A piece of the window that ends here or before is one of all the text: the patterns read on through white
 * space, and at most two printed characters (of a contraction).
 */
function sureEnd(window: string): number {
  let { length } = window.trimEnd()
  // What JavaScript trims is White_Space but this, and U+FEFF besides.
  while (length > 0 && window[length - 1] === '\u0085') length = window.slice(0, length - 1).trimEnd().length
  return length - 2
}

/** The originals mean Unicode's White_Space; JavaScript's \s has U+FEFF and lacks U+0085. */
function compilePattern(source: string): RegExp {
  const exact = source.replaceAll(String.raw`\s`, String.raw`\p{White_Space}`)
  return new RegExp(exact.replaceAll(String.raw`\S`, String.raw`\P{White_Space}`), 'gu')
}
