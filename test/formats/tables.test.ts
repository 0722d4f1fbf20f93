// The tables of tensors in model files: names once, places at their alignment, headers no longer than their file.

import { describe, expect, it } from 'vitest'
import { ggufTensors, type ParsedGguf } from '../../src/formats/gguf.ts'
import { safetensorsHeaderLength } from '../../src/formats/safetensors.ts'

type Info = ParsedGguf['tensorInfos'][number]

const info = (name: string, offset: bigint, changes: Partial<Info> = {}): Info => ({
  name,
  shape: [32n, 2n],
  dtype: 0,
  offset,
  ...changes,
})

/** A table of a file whose data begins at byte 128. */
const table = (tensorInfos: Info[], metadata: object = {}): ParsedGguf => ({
  metadata,
  tensorInfos,
  tensorDataOffset: 128n,
  littleEndian: true,
  tensorInfoByteRange: [24, 100],
})

describe('a table of GGUF', () => {
  it('has rows first and columns last, in order of place', () => {
    const tensors = ggufTensors(table([info('b', 256n), info('a', 0n, { shape: [64n, 1n] })]), 640)
    expect(tensors).toEqual([
      { name: 'a', type: 'F32', shape: [1, 64], offset: 128, length: 256 },
      { name: 'b', type: 'F32', shape: [2, 32], offset: 384, length: 256 },
    ])
  })

  it.each<[string, Info[], RegExp]>([
    ['one name twice', [info('a', 0n), info('a', 256n)], /two tensors are called a/],
    ['a place off the alignment', [info('a', 16n)], /starts at 16, not at a multiple of 32/],
    ['an overlap of one place', [info('a', 0n), info('b', 224n)], /a and b overlap/],
    ['an end behind the file', [info('a', 416n)], /ends at byte 800 of a file of 799/],
  ])('with %s is refused', (_, infos, message) => {
    expect(() => ggufTensors(table(infos), 799)).toThrow(message)
  })

  it('may name another alignment, a power of two', () => {
    expect(ggufTensors(table([info('a', 16n)], { 'general.alignment': 16 }), 799)).toHaveLength(1)
    expect(() => ggufTensors(table([info('a', 32n)], { 'general.alignment': 64 }), 799)).toThrow(
      'multiple of 64',
    )
    for (const bad of [0, 24, 131_072, 'x'])
      expect(() => ggufTensors(table([], { 'general.alignment': bad }), 799)).toThrow('power of two')
  })

  it('may end with its file', () => {
    expect(ggufTensors(table([info('a', 416n)]), 800)).toHaveLength(1)
  })
})

describe('a header of safetensors', () => {
  const prefix = (length: number): Uint8Array => {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true)
    return bytes
  }

  it('may end with its file, and not a byte behind', () => {
    expect(safetensorsHeaderLength(prefix(92), 100)).toBe(92)
    expect(() => safetensorsHeaderLength(prefix(93), 100)).toThrow('93 bytes in a file of 100')
  })
})
