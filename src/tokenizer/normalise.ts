// The SentencePiece normaliser applies the character map, drops extra spaces and adds the dummy prefix.
// U+2581, its mark for a space, comes out as a space, since tokens are stored that way.

import type { Budget, Sliced } from '../lib/sliced.ts'
import { CharacterMap } from './charsmap.ts'
import { nameMatcher, splitAtNames } from './special.ts'
import { utf8Into } from './utf8.ts'
import { replaced, utf8InWindows, WINDOW } from './windows.ts'

/** `prefix`: put a space before the text, unless it is empty. */
export type Normaliser = (text: string, prefix: boolean, budget: Budget) => Sliced<string>

/** `symbols`: names that stay as they are. `charsmap` may be empty. */
export function normaliser(
  charsmap: Uint8Array,
  removeExtraSpaces: boolean,
  symbols: readonly string[],
): Normaliser {
  if (charsmap.length === 0 && !removeExtraSpaces) {
    return function* (text, prefix, budget) {
      const spaced = yield* replaced(text, '\u2581', ' ', budget)
      return prefix && spaced !== '' ? ` ${spaced}` : spaced
    }
  }
  const map = charsmap.length === 0 ? undefined : new CharacterMap(charsmap)
  // A symbol with spaces is one with U+2581 in the original, which text has only after this.
  const kept = nameMatcher(symbols.filter((name) => !name.includes(' ')))
  return function* (text, prefix, budget) {
    const scratch = { bytes: new Uint8Array(0) }
    const out = new Output()
    if (prefix && text !== '') out.push(SPACE, 0, 1) // goes again with the trailing spaces if nothing follows
    let afterSpace = removeExtraSpaces
    /** Appends bytes[start, end); spaces after a space, or before the text, are dropped. */
    const append = (bytes: Uint8Array, start: number, end: number): void => {
      let from = start
      while (afterSpace && from < end && bytes[from] === 0x20) from++
      if (from === end) return
      out.push(bytes, from, end)
      afterSpace = removeExtraSpaces && bytes[end - 1] === 0x20
    }
    const plain = function* (part: string): Sliced<void> {
      const length = yield* utf8InWindows(part, scratch, budget)
      const { bytes } = scratch
      for (let at = 0, counted = 0; at < length;) {
        if (at - counted >= WINDOW) {
          if (budget.spend(at - counted)) yield
          counted = at
        }
        if (map?.match(bytes, at, length) === true) {
          append(map.bytes, map.start, map.end)
          at += map.length
        } else {
          const end = characterEnd(bytes, at, length)
          append(bytes, at, end)
          at = end
        }
      }
    }
    const name = (symbol: string): undefined => {
      const length = utf8Into(symbol, scratch)
      append(scratch.bytes, 0, length)
    }
    yield* splitAtNames(text, kept, plain, name, budget)
    const spaced = yield* replaced(out.take(), '\u2581', ' ', budget)
    return removeExtraSpaces ? withoutSpacesBehind(spaced) : spaced
  }
}

/** A pattern would try each of a run of spaces inside the text as the first of those behind it. */
function withoutSpacesBehind(text: string): string {
  let end = text.length
  while (end > 0 && text.charCodeAt(end - 1) === 0x20) end--
  return text.slice(0, end)
}

/** End of the character that begins at `at`. */
export function characterEnd(bytes: Uint8Array, at: number, limit: number): number {
  let end = at + 1
  while (end < limit && (bytes[end] & 0xc0) === 0x80) end++
  return end
}

const SPACE = Uint8Array.of(0x20)
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

/** Bytes that grow. */
class Output {
  length = 0
  #bytes = new Uint8Array(256)

  push(from: Uint8Array, start: number, end: number): void {
    if (this.length + end - start > this.#bytes.length) {
      const grown = new Uint8Array(2 * (this.length + end - start))
      grown.set(this.#bytes.subarray(0, this.length))
      this.#bytes = grown
    }
    for (let i = start; i < end; i++) this.#bytes[this.length++] = from[i]
  }

  take(): string {
    return decoder.decode(this.#bytes.subarray(0, this.length))
  }
}
