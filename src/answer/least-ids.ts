// The least number of ids follows from a text's characters, so a prompt far too long is refused unread.

import { atOnce, Budget, type Sliced } from '../lib/sliced.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { characterBorder, WINDOW } from '../tokenizer/windows.ts'

/**
 * Most letters of one id, where a vocabulary is not looked at: texts with fewer for each id that fits are not
 * measured.
 */
export const LETTERS_OF_AN_ID = 16

/**
 * A number of ids that `text` has at least, as plain text or rendered with names of special tokens: what is
 * in it for certain, over what one token holds at most. It is 0 where the tokenizer lacks letters.
 */
export function leastIds(tokenizer: Tokenizer, text: string): number {
  return atOnce(leastIdsSliced(tokenizer, text, new Budget(Infinity)))
}

/** The same number, in slices. */
export function* leastIdsSliced(tokenizer: Tokenizer, text: string, budget: Budget): Sliced<number> {
  const measure = measureOf(tokenizer)
  let [letters, all] = [0, 0]
  for (let at = 0; at < text.length;) {
    const end = characterBorder(text, at + WINDOW)
    const counts = countsOf(text.slice(at, end), measure)
    letters += counts.letters
    all += counts.all
    at = end
    if (budget.spend(WINDOW / 2)) yield
  }
  return Math.max(Math.ceil(letters / measure.letters), Math.ceil(all / measure.all))
}

/** Letters: ASCII letters and digits, and whatever is not ASCII. */
type Counts = { letters: number; all: number }

type Measure = Counts & {
  /**
   * Which characters are in some token for certain, whatever stands around them; the counts are the most of
   * one token.
   */
  keeps: 'nothing' | 'ascii' | 'letters' | 'everything'
}

/** A vocabulary is walked once. */
const measures = new WeakMap<Tokenizer, Measure>()

const ASCII = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
/** For private use: known to those tokenizers alone that write an unknown character as its bytes. */
const UNKNOWN = String.fromCodePoint(0x10fffd)
/** What normalisers drop, join or replace; no NFC does. */
const ODD = `a  b\n\n\t \r\nx\u0001\u200b\ufeff \ufb01 \uff21 \u2460 \u00bd \ufffd . ,;! ${UNKNOWN} e`

/** SentencePiece reads the first as a space, and NFC the others as ASCII. */
const NO_LETTERS = [0x2581, 0x37e, 0x1fef]

function measureOf(tokenizer: Tokenizer): Measure {
  const known = measures.get(tokenizer)
  if (known !== undefined) return known
  const measure = { keeps: keptBy(tokenizer), ...mostOf(tokenizer) }
  measures.set(tokenizer, measure)
  return measure
}

function keptBy(tokenizer: Tokenizer): Measure['keeps'] {
  const isKept = (text: string): boolean => tokenizer.decode(tokenizer.encode(text)) === text
  // A letter may be kept at the beginning of a text alone: it must be a token by itself.
  const isToken = (letter: string): boolean => {
    const id = tokenizer.idOf(letter)
    return id !== undefined && tokenizer.tokenBytes(id).length === 1
  }
  if (![...ASCII].every((letter) => isToken(letter) && isKept(letter))) return 'nothing'
  if (!isKept(UNKNOWN)) return 'ascii'
  return isKept(ODD) ? 'everything' : 'letters'
}

function mostOf(tokenizer: Tokenizer): Counts {
  const most = { letters: LETTERS_OF_AN_ID, all: LETTERS_OF_AN_ID }
  for (const { length } of tokenizer.guardedNames ?? []) {
    most.letters = Math.max(most.letters, length)
    most.all = Math.max(most.all, length)
  }
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    const bytes = tokenizer.tokenBytes(id)
    if (bytes.length <= LETTERS_OF_AN_ID) continue
    let [letters, all] = [0, 0]
    for (const byte of bytes) {
      if (byte >= 0x80 && byte < 0xc0) continue
      all++
      if (byte >= 0xc0 || isAsciiLetter(byte)) letters++
    }
    most.letters = Math.max(most.letters, letters)
    most.all = Math.max(most.all, all)
  }
  return most
}

function countsOf(text: string, { keeps }: Measure): Counts {
  let [letters, others] = [0, 0]
  if (keeps === 'nothing') return { letters, all: 0 }
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (isAsciiLetter(unit)) {
      letters++
    } else if (unit < 0x80 || NO_LETTERS.includes(unit)) {
      others++
    } else if (keeps !== 'ascii') {
      const wide = unit >= 0xd800 && unit < 0xdc00 && i + 1 < text.length
      if (isLoneLetter(unit) || (keeps === 'everything' && !joins(wide ? text.slice(i, i + 2) : text[i])))
        letters++
      if (wide) i++
    }
  }
  return { letters, all: keeps === 'everything' ? letters + others : letters }
}

function isAsciiLetter(unit: number): boolean {
  return (unit >= 0x30 && unit <= 0x39) || ((unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a)
}

/**
 * Letters that no normalisation joins with what stands before them: Cyrillic, kana, ideographs, syllables of
 * Hangul.
 */
function isLoneLetter(unit: number): boolean {
  if (unit < 0x3041) return unit >= 0x410 && unit <= 0x44f
  if (unit < 0x4e00) return unit <= 0x3096 || (unit >= 0x30a1 && unit <= 0x30fa)
  return unit <= 0x9fff || (unit >= 0xac00 && unit <= 0xd7a3)
}

/**
 * Whether a character may become one with those before it: marks, and the later parts of a syllable of
 * Hangul.
 */
function joins(character: string): boolean {
  return /^[\p{M}\u1160-\u11ff]/u.test(character)
}
