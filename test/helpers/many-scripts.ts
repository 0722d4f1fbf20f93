// A seed gives text in many scripts: words, runs of white space, joined emoji, stacked marks, controls, any plane.

import { rng, type Rng } from './rng.ts'

type Range = readonly [first: number, last: number]

/** Where words come from; a code point that is not assigned is as valid as any. */
const SCRIPTS: Readonly<Record<string, readonly Range[]>> = {
  ascii: [[0x21, 0x7e]],
  latin: [[0x61, 0x7a], [0xc0, 0x24f], [0x1e00, 0x1eff]],
  greek: [[0x370, 0x3ff], [0x1f00, 0x1fff]],
  cyrillic: [[0x400, 0x52f]],
  hebrew: [[0x591, 0x5f4]],
  arabic: [[0x600, 0x6ff], [0xfb50, 0xfdff], [0xfe70, 0xfefc]],
  devanagari: [[0x900, 0x97f]],
  thai: [[0xe01, 0xe5b]],
  georgian: [[0x10a0, 0x10ff]],
  jamo: [[0x1100, 0x11ff]],
  hangul: [[0xac00, 0xd7a3]],
  kana: [[0x3041, 0x30ff], [0xff66, 0xff9f]],
  han: [[0x4e00, 0x9fff], [0x3400, 0x4dbf], [0xf900, 0xfaff]],
  symbols: [[0xa1, 0xbf], [0x2010, 0x2bff], [0x3000, 0x303f], [0xff01, 0xff60]],
  astral: [[0x10000, 0x107ff], [0x12000, 0x123ff], [0x1d400, 0x1d7ff], [0x20000, 0x2a6df]],
  private: [[0xe000, 0xf8ff], [0xf0000, 0x10ffff]],
} // prettier-ignore

const NAMES = Object.keys(SCRIPTS)
const MARKS: readonly Range[] = [[0x300, 0x36f], [0x1ab0, 0x1ace], [0x20d0, 0x20f0], [0xfe20, 0xfe2f]] // prettier-ignore
const CONTROLS: readonly Range[] = [[0, 0x1f], [0x7f, 0x9f], [0x200b, 0x200f], [0x2028, 0x202e], [0xfeff, 0xfeff]] // prettier-ignore
const FACES: readonly Range[] = [[0x1f300, 0x1f64f], [0x1f680, 0x1f6ff], [0x1f900, 0x1f9ff]] // prettier-ignore
const TONES: readonly Range[] = [[0x1f3fb, 0x1f3ff], [0xfe0e, 0xfe0f]] // prettier-ignore
const FLAGS: readonly Range[] = [[0x1f1e6, 0x1f1ff]]
const LINE_ENDS = ['\n', '\r\n', '\r', '\n\n', '\n\n\n\n', '\u0085', '\u2028']
const SPACES = [' ', '  ', '\t', '\u00a0', '\u3000', '\u2003', '\u2581']
const JOINER = '\u200d'

/** `bytes` of well-formed UTF-8 as a string; about a third of its words are some of `words`. */
export function manyScripts(seed: number, bytes: number, words: readonly string[]): string {
  const random = rng(seed)
  const parts: string[] = []
  let left = bytes
  while (left > 0) {
    const part = piece(random, words)
    const length = Buffer.byteLength(part)
    parts.push(length > left ? '.'.repeat(left) : part)
    left -= length
  }
  return parts.join('')
}

function piece(random: Rng, words: readonly string[]): string {
  const kind = random.int(24)
  if (kind < 7) return words[random.int(words.length)] + (random.int(5) > 0 ? ' ' : '')
  if (kind < 16) return word(random) + (random.int(3) > 0 ? ' ' : '')
  if (kind < 18) return emoji(random)
  if (kind < 19) return repeated(random, 4, () => of(random, CONTROLS))
  if (kind < 21) return LINE_ENDS[random.int(LINE_ENDS.length)]
  if (kind < 22) return SPACES[random.int(SPACES.length)].repeat(1 + random.int(40))
  if (kind < 23) return repeated(random, 9, () => String(random.int(10)))
  return of(random, [[0, 0x10ffff]])
}

/** Of one script, some of its letters under marks; some words change the script within. */
function word(random: Rng): string {
  let script = SCRIPTS[NAMES[random.int(NAMES.length)]]
  const marked = random.int(4) === 0
  return repeated(random, 9, () => {
    if (random.int(20) === 0) script = SCRIPTS[NAMES[random.int(NAMES.length)]]
    const letter = of(random, script)
    return marked ? letter + repeated(random, 3, () => of(random, MARKS)) : letter
  })
}

/** Faces with tones, joined; or flags. */
function emoji(random: Rng): string {
  if (random.int(5) === 0) return repeated(random, 4, () => of(random, FLAGS))
  const faces = Array.from(
    { length: 1 + random.int(4) },
    () => of(random, FACES) + (random.int(3) === 0 ? of(random, TONES) : ''),
  )
  return faces.join(random.int(3) > 0 ? JOINER : '')
}

function repeated(random: Rng, most: number, part: () => string): string {
  return Array.from({ length: 1 + random.int(most) }, part).join('')
}

/** A code point of the ranges, each range as likely as another; no surrogate. */
function of(random: Rng, ranges: readonly Range[]): string {
  const [first, last] = ranges[random.int(ranges.length)]
  const code = first + random.int(last - first + 1)
  return String.fromCodePoint(code >= 0xd800 && code <= 0xdfff ? code - 0x800 : code)
}
