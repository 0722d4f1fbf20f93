// NFC in windows composes a long text in parts that end where no character can join the next.

import type { Budget, Sliced } from '../lib/sliced.ts'
import { withMarksOrdered } from './mark-order.ts'
import { WINDOW } from './windows.ts'

/** The text in NFC. */
export function* composed(text: string, budget: Budget): Sliced<string> {
  if (text.length <= WINDOW) return (yield* withMarksOrdered(text, budget)).normalize('NFC')
  let out = ''
  for (let at = 0; at < text.length;) {
    const end = endOfPart(text, at)
    out += (yield* withMarksOrdered(text.slice(at, end), budget)).normalize('NFC')
    if (budget.spend((end - at) / 8)) yield
    at = end
  }
  return out
}

/** The last border of the window that begins at `start`, else the first one behind it. */
function endOfPart(text: string, start: number): number {
  const middle = start + WINDOW
  if (middle >= text.length) return text.length
  let end = middle
  while (end > start && !beginsAnew(text, end)) end--
  if (end > start) return end
  end = middle + 1
  while (end < text.length && !beginsAnew(text, end)) end++
  return end
}

/** A starter that composes with nothing before it; the standard keeps what it says of assigned characters. */
const STARTER = /^[\p{L}\p{N}\p{P}\p{S}\p{Z}]/u

function beginsAnew(text: string, at: number): boolean {
  const unit = text.charCodeAt(at)
  if (unit < 0x80) return true
  // Later parts of a syllable of Hangul compose.
  if ((unit >= 0x1160 && unit < 0x1200) || (unit >= 0xd7b0 && unit < 0xd800)) return false
  // Of the pairs emoji and ideographs: elsewhere a vowel may be a letter that composes.
  if (unit >= 0xd800 && unit < 0xe000) return unit >= 0xd83c && unit < 0xd880
  return STARTER.test(text[at])
}
