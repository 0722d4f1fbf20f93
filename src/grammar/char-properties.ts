// A property lookup finds the code points of a Unicode property in the host's own tables.

import { charRanges, MAX_CHAR, type CharRanges } from './char-ranges.ts'

const known = new Map<string, CharRanges>()
const MAX_KNOWN = 8

/** Characters with the property `name`, as it stands in `\p{name}`; undefined where there is none. */
export function propertyRanges(name: string): CharRanges | undefined {
  const ranges = known.get(name) ?? look(name)
  if (ranges === undefined) return undefined
  if (known.size >= MAX_KNOWN) known.clear()
  known.set(name, ranges)
  return ranges
}

function look(name: string): CharRanges | undefined {
  let property: RegExp
  try {
    property = new RegExp(`^\\p{${name}}$`, 'u')
  } catch {
    return undefined
  }
  const pairs: [number, number][] = []
  for (let char = 0; char <= MAX_CHAR; char++) {
    if (!property.test(String.fromCodePoint(char))) continue
    const last = pairs.at(-1)
    if (last !== undefined && last[1] === char - 1) last[1] = char
    else pairs.push([char, char])
  }
  return charRanges(pairs)
}
