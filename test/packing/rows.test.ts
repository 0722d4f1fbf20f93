// Rows out of a checkpoint by range equal a naive reordering of the whole tensor: slices, turned heads, heads that lie
// interleaved, vectors and what is computed; sizes that are no multiple of a tile or of a batch.

import { describe, expect, it } from 'vitest'
import { dequantize } from '../../src/formats/blocks.ts'
import { storedRowBytes, type TensorType } from '../../src/formats/dtype.ts'
import type { RoleTensor, RowOrder } from '../../src/models/family.ts'
import { heads, neighbours, slice } from '../../src/models/tensors.ts'
import { batchRows, readRows, readVector } from '../../src/packing/rows.ts'
import type { SourceTensor } from '../../src/packing/source.ts'
import { rng } from '../helpers/rng.ts'

/** Bytes in front of a tensor's own, so that an offset that is left out shows. */
const OFFSET = 96

type Stored = { tensor: SourceTensor; bytes: Uint8Array; reads: [number, number][] }

/** A matrix over bytes in memory. */
function stored(type: TensorType, storedRows: number, part: Partial<RoleTensor> & { cols: number }): Stored {
  return over(type, storedRows, part.cols, part)
}

/** `storedRows` rows of `width` values over bytes in memory; reads outside of them are refused. */
function over(type: TensorType, storedRows: number, width: number, part: Partial<RoleTensor>): Stored {
  const random = rng(storedRows * 31 + width)
  const length = storedRows * storedRowBytes(type, width)
  const bytes =
    type === 'F32'
      ? new Uint8Array(Float32Array.from({ length: storedRows * width }, () => random.uniform() - 0.5).buffer)
      : // Small bytes: half constants of blocks stay finite.
        Uint8Array.from({ length }, () => random.int(0x30))
  const reads: [number, number][] = []
  const file = {
    size: OFFSET + length,
    read(offset: number, count: number) {
      if (offset < OFFSET || offset + count > OFFSET + length || count <= 0)
        throw new RangeError(`${count} bytes from ${offset - OFFSET} of ${length}`)
      reads.push([offset - OFFSET, count])
      return Promise.resolve(bytes.slice(offset - OFFSET, offset - OFFSET + count))
    },
    name: 'x',
    close: () => Promise.resolve(),
  }
  const role = { role: 'x', name: 'x', rows: storedRows, cols: width, vector: false, ...part }
  return { tensor: { ...role, type, file, offset: OFFSET }, bytes, reads }
}

/** All rows in batches, as packing reads them. */
async function inBatches(tensor: SourceTensor, batch = batchRows(tensor)): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for (let first = 0; first < tensor.rows; first += batch) {
    const count = Math.min(batch, tensor.rows - first)
    const part = await readRows(tensor, first, count)
    expect(part.length).toBe(count * storedRowBytes(tensor.type, tensor.cols))
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts))
}

/** By one comparison: a difference is named by its first byte, not by a megabyte of them. */
function expectBytes(got: Uint8Array, wanted: Uint8Array): void {
  expect(got.length).toBe(wanted.length)
  if (!Buffer.from(got).equals(wanted)) expect(got.findIndex((byte, i) => byte !== wanted[i])).toBe(-1)
}

/** Row by row from the whole tensor, straight from what an order says. */
function naive({ tensor, bytes }: Stored): Uint8Array {
  const length = storedRowBytes(tensor.type, tensor.cols)
  return new Uint8Array(
    Buffer.concat(
      Array.from({ length: tensor.rows }, (_, row) => {
        const from = naiveRow(tensor.order, row)
        return bytes.subarray(from * length, (from + 1) * length)
      }),
    ),
  )
}

function naiveRow(order: RowOrder | undefined, row: number): number {
  if (order === undefined) return row
  const within = row % order.run
  const run = (row - within) / order.run
  return order.first + run * order.stride + (order.order === undefined ? within : order.order[within])
}

const shuffle = (count: number): number[] => {
  const random = rng(count)
  const order = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = random.int(i + 1)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return order
}

/** Each head's q, k and v side by side: part `index` of three. */
const interleaved = (count: number, dims: number, index: number, order?: number[]): RowOrder => ({
  of: 3 * count * dims,
  first: index * dims,
  run: dims,
  stride: 3 * dims,
  ...(order === undefined ? {} : { order }),
})

const CASES: [string, { type: TensorType; cols: number; rows: number; order?: RowOrder }][] = [
  ['as they lie', { type: 'F32', cols: 40, rows: 37 }],
  ['a slice in the middle', { type: 'F32', cols: 40, rows: 23, order: slice(90, 31, 23) }],
  ['a slice at the end, halves', { type: 'F16', cols: 7, rows: 33, order: slice(99, 66, 33) }],
  ['a slice of blocks', { type: 'Q8_0', cols: 64, rows: 21, order: slice(63, 21, 21) }],
  ['turned heads', { type: 'F32', cols: 24, rows: 60, order: heads(60, 0, 12, neighbours(12, 12)) }],
  [
    'half-turned heads behind others',
    { type: 'BF16', cols: 9, rows: 40, order: heads(100, 60, 20, neighbours(20, 10)) },
  ],
  [
    'turned heads of blocks',
    { type: 'Q4_0', cols: 32, rows: 30, order: heads(50, 20, 10, neighbours(10, 10)) },
  ],
  ['any order within heads', { type: 'F32', cols: 5, rows: 77, order: heads(77, 0, 11, shuffle(11)) }],
  [
    'q of interleaved heads, turned',
    { type: 'F32', cols: 16, rows: 36, order: interleaved(3, 12, 0, shuffle(12)) },
  ],
  [
    'k of interleaved heads, turned',
    { type: 'F32', cols: 16, rows: 36, order: interleaved(3, 12, 1, shuffle(12)) },
  ],
  ['v of interleaved heads', { type: 'F16', cols: 16, rows: 36, order: interleaved(3, 12, 2) }],
  ['interleaved heads of one row', { type: 'F32', cols: 3, rows: 19, order: interleaved(19, 1, 1) }],
]

describe.each(CASES)('%s', (_, { type, cols, rows, order }) => {
  const make = (): Stored => stored(type, order?.of ?? rows, { cols, rows, order })

  it('equals a naive reordering of the whole', async () => {
    const source = make()
    expectBytes(await inBatches(source.tensor), naive(source))
  })

  it('in the smallest batches too, which end inside the tensor', async () => {
    const source = make()
    const whole = order === undefined || (order.order === undefined && order.run === order.stride)
    // Whole runs where rows move: batchRows sees to it.
    const batch = whole ? 16 : order.run
    expectBytes(await inBatches(source.tensor, batch), naive(source))
  })

  it('a batch is whole tiles and whole heads, and reads about a megabyte', () => {
    const { tensor } = make()
    const batch = batchRows(tensor)
    expect(batch % 16).toBe(0)
    if (order?.order !== undefined) expect(batch % order.run).toBe(0)
    expect(batch * storedRowBytes(type, cols)).toBeLessThanOrEqual(1 << 20)
  })
})

it('large rows: a batch is one step, and several batches make a tensor', async () => {
  // Heads of 24 rows and tiles of 16 meet every 48 rows, of 48 KB each.
  const order = heads(120, 0, 24, neighbours(24, 24))
  const source = stored('F32', 120, { cols: 12288, rows: 120, order })
  expect(batchRows(source.tensor)).toBe(48)
  expectBytes(await inBatches(source.tensor), naive(source))
  const plain = stored('F32', 50, { cols: 12288, rows: 50 })
  expect(batchRows(plain.tensor)).toBe(16)
  expectBytes(await inBatches(plain.tensor), plain.bytes)
  expect(Math.max(...plain.reads.map(([, length]) => length))).toBeLessThanOrEqual(1 << 20)
})

describe('vectors', () => {
  const valuesOf = ({ bytes }: Stored): Float32Array => new Float32Array(bytes.slice().buffer)

  it('as they lie, from any float type', async () => {
    const source = over('F32', 1, 37, { vector: true, rows: 1, cols: 37 })
    expect(await readVector(source.tensor, 40)).toEqual(valuesOf(source))
    const half = over('F16', 1, 37, { vector: true, rows: 1, cols: 37 })
    const wanted = new Float32Array(37)
    dequantize('F16', half.bytes, wanted)
    expect(await readVector(half.tensor, 40)).toEqual(wanted)
  })

  it.each([
    ['a slice', slice(90, 30, 30)],
    ['turned heads', heads(90, 60, 10, neighbours(10, 4))],
    ['interleaved heads', interleaved(3, 10, 1, shuffle(10))],
  ])('%s goes as the rows of its matrix do', async (_, order) => {
    const source = over('F32', 1, 90, { vector: true, rows: 1, cols: 30, order })
    const all = valuesOf(source)
    const wanted = Float32Array.from({ length: 30 }, (_, i) => all[naiveRow(order, i)])
    expect(await readVector(source.tensor, 40)).toEqual(wanted)
  })

  it('plus one, rounded once', async () => {
    const source = over('F32', 1, 33, { vector: true, rows: 1, cols: 33, compute: 'plus-one' })
    expect(await readVector(source.tensor, 33)).toEqual(
      valuesOf(source).map((value) => Math.fround(value + 1)),
    )
  })
})

describe('lengths of rows', () => {
  const lengths = (type: TensorType, rows: number, hidden: number): Stored =>
    over(type, rows, hidden, { vector: true, rows: 1, cols: rows, compute: 'row-lengths' })

  it.each([
    ['F32', 37, 40],
    ['F16', 19, 33],
    ['F32', 70, 12288], // more than one batch
  ] as const)('%s, %i rows of %i', async (type, rows, hidden) => {
    const source = lengths(type, rows, hidden)
    const values = new Float32Array(rows * hidden)
    dequantize(type, source.bytes, values)
    const got = await readVector(source.tensor, hidden)
    expect(got).toHaveLength(rows)
    got.forEach((inverse, row) => {
      const exact = 1 / Math.hypot(...values.subarray(row * hidden, (row + 1) * hidden))
      expect(Math.abs(inverse / exact - 1)).toBeLessThan(1e-7)
    })
  })

  it('a row of zeros stays one: its factor is finite', async () => {
    const source = lengths('F32', 3, 8)
    source.bytes.fill(0, 32, 64)
    const [, zero] = await readVector(source.tensor, 8)
    expect(zero).toBe(Math.fround(1e12))
  })

  it('a row that is not finite is refused by number', async () => {
    const source = lengths('F32', 50, 8)
    new DataView(source.bytes.buffer).setFloat32((41 * 8 + 3) * 4, Infinity, true)
    await expect(readVector(source.tensor, 8)).rejects.toMatchObject({
      code: 'invalid_file',
      message: expect.stringMatching(/row 41/) as string,
    })
  })
})
