// Char ranges are sets of code points, as sorted pairs of a lowest and a highest one that do not touch.

export type CharRanges = readonly (readonly [low: number, high: number])[]

export const MAX_CHAR = 0x10ffff
/** Halves of pairs are no characters: UTF-8 cannot say them. */
const SURROGATES: CharRanges = [[0xd800, 0xdfff]]
const ALL_NUMBERS: CharRanges = [[0, MAX_CHAR]]

/** Sorted, joined and without surrogates. */
export function charRanges(pairs: CharRanges): CharRanges {
  return subtract(joined(pairs), SURROGATES)
}

function joined(pairs: CharRanges): CharRanges {
  const out: [number, number][] = []
  for (const [low, high] of [...pairs].sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1)
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high)
    else out.push([low, high])
  }
  return out
}

/** What is in `ranges` and not in `taken`; both sorted. */
function subtract(ranges: CharRanges, taken: CharRanges): CharRanges {
  const out: [number, number][] = []
  for (const [low, high] of ranges) {
    let from = low
    for (const [first, last] of taken) {
      if (last < from || first > high) continue
      if (first > from) out.push([from, first - 1])
      from = last + 1
    }
    if (from <= high) out.push([from, high])
  }
  return out
}

export const ANY_CHAR = charRanges(ALL_NUMBERS)

/** All characters that are not in `ranges`. */
export function others(ranges: CharRanges): CharRanges {
  return charRanges(subtract(ALL_NUMBERS, ranges))
}

export function hasChar(ranges: CharRanges, char: number): boolean {
  return ranges.some(([low, high]) => char >= low && char <= high)
}

export function singleChar(char: number): CharRanges {
  return [[char, char]]
}
