// A pre-tokenizer cuts text before byte-level merging. They go by the names that GGUF files carry in
// `tokenizer.ggml.pre`.

import { IsletError } from '../lib/errors.ts'

/** Lowercase contractions only, runs of digits stay together. */
const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
// The later patterns ignore case in contractions; folding makes the long s (U+017F) an s too.
const ANY_CASE = String.raw`'(?:[sS\u017f]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])`
const AFTER_DIGITS = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
const QWEN2 = String.raw`${ANY_CASE}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|${AFTER_DIGITS}`
const LLAMA3 = String.raw`${ANY_CASE}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|${AFTER_DIGITS}`
const SINGLE_DIGITS = [String.raw`\p{N}`, GPT2]

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
export function preTokenizer(name: string): (text: string, emit: (piece: string) => void) => void {
  checkPreTokenizer(name)
  const patterns = PRE_TOKENIZERS[name].map(compilePattern)
  const cut = (text: string, level: number, emit: (piece: string) => void): void => {
    if (level === patterns.length) return emit(text)
    let done = 0
    for (const match of text.matchAll(patterns[level])) {
      if (match.index > done) cut(text.slice(done, match.index), level + 1, emit)
      cut(match[0], level + 1, emit)
      done = match.index + match[0].length
    }
    if (done < text.length) cut(text.slice(done), level + 1, emit)
  }
  return (text, emit) => cut(text, 0, emit)
}

/** The originals mean Unicode's White_Space; JavaScript's \s has U+FEFF and lacks U+0085. */
function compilePattern(source: string): RegExp {
  const exact = source.replaceAll(String.raw`\s`, String.raw`\p{White_Space}`)
  return new RegExp(exact.replaceAll(String.raw`\S`, String.raw`\P{White_Space}`), 'gu')
}
