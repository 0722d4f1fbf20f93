// safetensors headers: the honest ones are read, each lie is named.

import { describe, expect, it } from 'vitest'
import { parseSafetensors, safetensorsHeaderLength } from '../../src/formats/safetensors.ts'
import { buildSafetensors } from '../helpers/safetensors-builder.ts'

const tensors = [
  { name: 'a', shape: [2, 3], values: Float32Array.from([1, 2, 3, 4, 5, 6]) },
  { name: 'b', shape: [2], values: Float32Array.from([7, 8]) },
]

type Header = Record<string, { dtype: string; shape: unknown; data_offsets: unknown }>

function parsed(edit: (header: Header) => void = () => undefined): ReturnType<typeof parseSafetensors> {
  const file = buildSafetensors(tensors, (header) => edit(header as Header))
  const length = safetensorsHeaderLength(file, file.length)
  return parseSafetensors(file.subarray(8, 8 + length), file.length)
}

it('reads names, shapes and places', () => {
  const file = buildSafetensors(tensors)
  const [a, b] = parsed()
  expect(a).toMatchObject({ name: 'a', type: 'F32', shape: [2, 3], length: 24 })
  expect(new Float32Array(file.slice(b.offset, b.offset + b.length).buffer)).toEqual(
    Float32Array.from([7, 8]),
  )
})

describe('lies', () => {
  const cases: [string, (header: Header) => void, RegExp][] = [
    [
      'an end beyond the file',
      (h) => Object.assign(h.b, { data_offsets: [24, 32 + 8], shape: [4] }),
      /ends at byte/,
    ],
    ['a length that is not the shape', (h) => (h.b.shape = [3]), /takes 12 bytes, the header says 8/],
    ['a product that overflows', (h) => (h.b.shape = [2 ** 40, 2 ** 40]), /takes/],
    ['negative sizes', (h) => (h.b.shape = [-2, -1]), /no valid shape/],
    ['offsets the wrong way round', (h) => (h.b.data_offsets = [32, 24]), /takes 8 bytes/],
    ['overlapping tensors', (h) => (h.b.data_offsets = [16, 24]), /a and b overlap/],
    ['an entry that is no object', (h) => Object.assign(h, { b: 3 }), /no description/],
    ['another element type', (h) => (h.b.dtype = 'I64'), /I64; F32, F16 and BF16/],
  ]
  for (const [what, edit, message] of cases) {
    it(what, () => expect(() => parsed((header) => void edit(header))).toThrow(message))
  }

  it('a header longer than the file, or than any file', () => {
    const prefix = new Uint8Array(8)
    new DataView(prefix.buffer).setBigUint64(0, 1000n, true)
    expect(() => safetensorsHeaderLength(prefix, 900)).toThrow(/1000 bytes in a file of 900/)
    new DataView(prefix.buffer).setBigUint64(0, 1n << 63n, true)
    expect(() => safetensorsHeaderLength(prefix, 1e12)).toThrow(/at most/)
    expect(() => safetensorsHeaderLength(new Uint8Array(3), 3)).toThrow(/too short/)
  })

  it('a header that is not JSON', () => {
    expect(() => parseSafetensors(new TextEncoder().encode('{"a'), 100)).toThrow(/not JSON/)
    expect(() => parseSafetensors(new TextEncoder().encode('[]'), 100)).toThrow(/no JSON object/)
  })
})
