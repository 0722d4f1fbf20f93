// SentencePiece's precompiled character map is a trie from byte strings to their replacements. Layout: bytes
// of the double-array trie (u32), the trie's units (u32 each), then the replacements, each ended by a zero
// byte.

/** Longest key that is tried; those of NFKC have at most 24 bytes. A hostile trie may have a cycle. */
const MAX_KEY_BYTES = 64
/** Longest replacement; U+FDFA becomes 33 bytes, the most of NFKC. */
const MAX_REPLACEMENT_BYTES = 256

/**
 * What is wrong with a character map, if it could make a lookup run outside of it or a text grow without
 * bound.
 */
export function damageOfCharsmap(map: Uint8Array): string | undefined {
  const units = map.length < 8 ? 0 : trieBytes(map)
  if (units === 0 || units % 4 !== 0 || units > map.length - 5)
    return `a character map of ${map.length} bytes has a trie of ${units}`
  if (map[map.length - 1] !== 0) return 'the character map does not end with a zero byte'
  for (let i = 4 + units, start = i; i < map.length; i++) {
    if (map[i] !== 0) continue
    if (i - start > MAX_REPLACEMENT_BYTES) return `a replacement of ${i - start} bytes in the character map`
    start = i + 1
  }
  return undefined
}

export class CharacterMap {
  /** Of the last match: its bytes in the text, and where its replacement stands in `bytes`. */
  length = 0
  start = 0
  end = 0
  readonly bytes: Uint8Array
  readonly #trie: Uint32Array
  readonly #replacements: number

  /** A map without damage, at a multiple of 4 in its buffer. */
  constructor(map: Uint8Array) {
    this.bytes = map
    this.#trie = new Uint32Array(map.buffer, map.byteOffset + 4, trieBytes(map) / 4)
    this.#replacements = 4 + trieBytes(map)
  }

  /** Finds the longest key at text[at, limit); false if none begins there. */
  match(text: Uint8Array, at: number, limit: number): boolean {
    const trie = this.#trie
    const last = Math.min(limit, at + MAX_KEY_BYTES)
    let value = -1
    let position = offsetOf(trie[0])
    for (let i = at; i < last; i++) {
      position ^= text[i]
      if (position >= trie.length) break
      const unit = trie[position]
      // The label, which is above 255 in a unit that holds a value.
      if ((unit & 0x800000ff) !== text[i]) break
      position ^= offsetOf(unit)
      if (position >= trie.length) break
      if ((unit & 0x100) === 0) continue
      value = trie[position] & 0x7fffffff
      this.length = i + 1 - at
    }
    if (value < 0 || this.#replacements + value >= this.bytes.length) return false
    this.start = this.#replacements + value
    this.end = this.bytes.indexOf(0, this.start)
    return true
  }
}

function trieBytes(map: Uint8Array): number {
  return new DataView(map.buffer, map.byteOffset, map.length).getUint32(0, true)
}

/** Distance from a unit to its children. */
function offsetOf(unit: number): number {
  return ((unit >>> 10) << ((unit & 0x200) >>> 6)) >>> 0
}
