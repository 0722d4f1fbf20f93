// The checksum of shards has 128 bits and notices damage and mix-ups while weights stream in. It takes a
// tenth of what SHA-256 takes there. It proves nothing against somebody who wants to deceive; that is what
// SHA-256 in the manifest is for. docs/decisions/0014 says why.
//
// Bytes are taken in blocks of 64, the last one filled up with zeros; a block is four vectors of four 32-bit
// words, little-endian. The state is four such vectors too, at first word i = (i + 1) M. Each vector d of a
// block goes into the state's vector v of its place:
//
//   v = mix(v ^ d) + turn(d),   mix(x) = y ^ (y >>> 15) with y = x M,   turn(d): its 16 bytes moved down by five, the first five to the end
//
// in 32-bit words. At the end the four vectors, then the length in bytes as a 64-bit number with eight bytes
// of zeros behind it, go one after the other into one more vector, which is zeros at first: its words as hex
// are the checksum. `v ^ d` and `mix` are one-to-one, so what changes within one word is always noticed; and
// every byte goes into two words of the state, by different ways.

export const CHECKSUM_BLOCK = 64
export const CHECKSUM_WORDS = 16

/** The odd number next to 2^32 divided by the golden ratio. */
export const CHECKSUM_MULTIPLIER = 0x9e3779b1

export type Checksum = { update(bytes: Uint8Array): void; hex(): string }

/** The checksum of bytes that come in pieces of any size. */
export function checksum(): Checksum {
  const state = new Uint32Array(CHECKSUM_WORDS)
  const rest = new Uint8Array(CHECKSUM_BLOCK)
  let length = 0
  startChecksum(state)
  return {
    update(bytes) {
      const held = length % CHECKSUM_BLOCK
      const filled = held === 0 ? 0 : Math.min(CHECKSUM_BLOCK - held, bytes.length)
      rest.set(bytes.subarray(0, filled), held)
      if (filled > 0 && held + filled === CHECKSUM_BLOCK) absorbBlocks(state, rest, 0, 1)
      const blocks = Math.floor((bytes.length - filled) / CHECKSUM_BLOCK)
      absorbBlocks(state, bytes, filled, blocks)
      const end = filled + blocks * CHECKSUM_BLOCK
      if (end < bytes.length) rest.set(bytes.subarray(end), 0)
      length += bytes.length
    },
    hex() {
      const whole = state.slice()
      const held = length % CHECKSUM_BLOCK
      if (held > 0) absorbBlocks(whole, rest.slice().fill(0, held), 0, 1)
      return finishChecksum(whole, length)
    },
  }
}

/** Sets the CHECKSUM_WORDS of a state to what they are before the first block. */
export function startChecksum(state: Uint32Array): void {
  for (let i = 0; i < CHECKSUM_WORDS; i++) state[i] = Math.imul(i + 1, CHECKSUM_MULTIPLIER)
}

/** Takes `blocks` blocks of `bytes` from `at` into the state: what the kernel of the same name does. */
export function absorbBlocks(state: Uint32Array, bytes: Uint8Array, at: number, blocks: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let end = at + blocks * CHECKSUM_BLOCK; at < end; at += CHECKSUM_BLOCK) {
    for (let word = 0; word < CHECKSUM_WORDS; word += 4) {
      const from = at + word * 4
      absorb(
        state,
        word,
        view.getUint32(from, true),
        view.getUint32(from + 4, true),
        view.getUint32(from + 8, true),
        view.getUint32(from + 12, true),
      )
    }
  }
}

/**
 * The checksum as 32 hex digits, from the state after the last block and the length in bytes without zeros.
 */
export function finishChecksum(state: Uint32Array, length: number): string {
  const out = new Uint32Array(4)
  for (let word = 0; word < CHECKSUM_WORDS; word += 4)
    absorb(out, 0, state[word], state[word + 1], state[word + 2], state[word + 3])
  absorb(out, 0, length, Math.floor(length / 2 ** 32), 0, 0)
  return Array.from(out, (word) => word.toString(16).padStart(8, '0')).join('')
}

/** One vector, as its four words, into the state's vector at `word`. */
function absorb(state: Uint32Array, word: number, a: number, b: number, c: number, d: number): void {
  state[word] = mix(state[word] ^ a) + ((b >>> 8) | (c << 24))
  state[word + 1] = mix(state[word + 1] ^ b) + ((c >>> 8) | (d << 24))
  state[word + 2] = mix(state[word + 2] ^ c) + ((d >>> 8) | (a << 24))
  state[word + 3] = mix(state[word + 3] ^ d) + ((a >>> 8) | (b << 24))
}

function mix(x: number): number {
  const y = Math.imul(x, CHECKSUM_MULTIPLIER)
  return y ^ (y >>> 15)
}
