// The checksum of shards: held against its definition byte by byte, whole and in pieces, and against what it must notice.

import { describe, expect, it } from 'vitest'
import { checksum } from '../../src/lib/checksum.ts'
import { rng } from '../helpers/rng.ts'

function random(length: number, seed: number): Uint8Array {
  const { int } = rng(seed)
  return new Uint8Array(length).map(() => int(256))
}

function sumOf(...pieces: Uint8Array[]): string {
  const sum = checksum()
  for (const piece of pieces) sum.update(piece)
  return sum.hex()
}

/** The comment of src/lib/checksum.ts once more, in big integers and lists of bytes. */
function byDefinition(bytes: Uint8Array): string {
  const word = (value: bigint): bigint => BigInt.asUintN(32, value)
  const M = 0x9e3779b1n
  const wordsOf = (vector: number[]): bigint[] =>
    [0, 4, 8, 12].map((at) =>
      vector.slice(at, at + 4).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n),
    )
  const bytesOf = (words: bigint[]): number[] =>
    words.flatMap((w) => [0n, 8n, 16n, 24n].map((shift) => Number((w >> shift) & 255n)))
  const take = (v: bigint[], d: number[]): bigint[] => {
    const turned = wordsOf([...d.slice(5), ...d.slice(0, 5)])
    return wordsOf(d).map((x, i) => {
      const y = word((v[i] ^ x) * M)
      return word((y ^ (y >> 15n)) + turned[i])
    })
  }
  const filled = [...bytes, ...new Uint8Array((64 - (bytes.length % 64)) % 64)]
  const state = [0, 1, 2, 3].map((v) => [1, 2, 3, 4].map((i) => word(BigInt(4 * v + i) * M)))
  for (let at = 0; at < filled.length; at += 16) {
    const v = (at / 16) % 4
    state[v] = take(state[v], filled.slice(at, at + 16))
  }
  let out = [0n, 0n, 0n, 0n]
  for (const v of state) out = take(out, bytesOf(v))
  const length = Array.from({ length: 8 }, (_, i) => Number((BigInt(bytes.length) >> BigInt(8 * i)) & 255n))
  out = take(out, [...length, ...new Uint8Array(8)])
  return out.map((w) => w.toString(16).padStart(8, '0')).join('')
}

describe('the checksum', () => {
  it.each([0, 1, 3, 15, 16, 63, 64, 65, 127, 128, 1000, 4096])('of %i bytes is as defined', (length) => {
    const bytes = random(length, length)
    expect(sumOf(bytes)).toBe(byDefinition(bytes))
  })

  it('stays what it was: packed models hold it', () => {
    const ascending = Uint8Array.from({ length: 1000 }, (_, i) => i & 255)
    expect(
      ['', 'a', 'the same bits everywhere'].map((text) => sumOf(new TextEncoder().encode(text))),
    ).toEqual([
      'fdcc9808e181a6af9807cd64bbbd519a',
      '6b91a968e0a1f77df113f9d0dfebb103',
      '88f62b8739fb12ade7e46c984d69b93e',
    ])
    expect(sumOf(ascending)).toBe('fba355ee0611dd57f14056913532a79a')
  })

  it('does not depend on how the bytes are cut, nor on where they lie', () => {
    const { int } = rng(7)
    for (let round = 0; round < 200; round++) {
      const bytes = random(int(500), round)
      const pieces: Uint8Array[] = []
      for (let at = 0; at < bytes.length;) {
        const length = Math.min(int(150), bytes.length - at)
        const moved = new Uint8Array(length + 8).subarray(int(8))
        moved.set(bytes.subarray(at, at + length))
        pieces.push(moved.subarray(0, length))
        at += length
      }
      expect(sumOf(...pieces)).toBe(sumOf(bytes))
    }
  })

  it('can be asked on the way', () => {
    const bytes = random(200, 1)
    const sum = checksum()
    sum.update(bytes.subarray(0, 70))
    expect(sum.hex()).toBe(sumOf(bytes.subarray(0, 70)))
    sum.update(bytes.subarray(70))
    expect(sum.hex()).toBe(sumOf(bytes))
  })

  it('notices every flipped bit', () => {
    for (const bytes of [random(333, 2), new Uint8Array(333)]) {
      const seen = new Set([sumOf(bytes)])
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        bytes[bit >> 3] ^= 1 << (bit & 7)
        seen.add(sumOf(bytes))
        bytes[bit >> 3] ^= 1 << (bit & 7)
      }
      expect(seen.size).toBe(bytes.length * 8 + 1)
    }
  })

  it('notices two flipped bits of one column, near and far', () => {
    const bytes = random(64 * 5, 3)
    const seen = new Set<string>()
    let tried = 0
    for (let first = 0; first < 32; first++) {
      for (let block = 1; block < 5; block++) {
        for (let second = 0; second < 32; second++) {
          const flip = (): void => {
            bytes[first >> 3] ^= 1 << (first & 7)
            bytes[block * 64 + (second >> 3)] ^= 1 << (second & 7)
          }
          flip()
          seen.add(sumOf(bytes))
          tried += 1
          flip()
        }
      }
    }
    expect(seen.size).toBe(tried)
    expect(seen.has(sumOf(bytes))).toBe(false)
  })

  it('notices flips that cancel in the word that they belong to', () => {
    // Bit 31 comes out of a step as bits 31 and 16, whatever the state; the next block's would take them away.
    for (let word = 0; word < 16; word++) {
      const bytes = random(192, word)
      const whole = sumOf(bytes)
      bytes[4 * word + 3] ^= 0x80
      bytes[64 + 4 * word + 3] ^= 0x80
      bytes[64 + 4 * word + 2] ^= 0x01
      expect(sumOf(bytes)).not.toBe(whole)
    }
  })

  it.each([4, 16, 64, 256])('notices two swapped runs of %i bytes', (size) => {
    const bytes = random(2048, 4)
    const seen = new Set([sumOf(bytes)])
    let tried = 1
    for (let a = 0; a < bytes.length; a += size) {
      for (let b = a + size; b < Math.min(bytes.length, a + 12 * size); b += size) {
        const swapped = bytes.slice()
        swapped.copyWithin(a, b, b + size)
        swapped.set(bytes.subarray(a, a + size), b)
        seen.add(sumOf(swapped))
        tried += 1
      }
    }
    expect(seen.size).toBe(tried)
  })

  it('notices what is missing or too much, zeros too', () => {
    for (const bytes of [random(300, 5), new Uint8Array(300)]) {
      const sums = Array.from({ length: 301 }, (_, length) => sumOf(bytes.subarray(0, length)))
      expect(new Set(sums).size).toBe(301)
    }
  })
})
