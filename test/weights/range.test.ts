// Weights of ranges: each comes to lie as in the whole model, every byte of a shard is checked, and ranges add up.

import { describe, expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { fastestKernels } from '../../src/kernels/choose.ts'
import { checksum } from '../../src/lib/checksum.ts'
import type { ModelSpec } from '../../src/models/spec.ts'
import type { Manifest, Shard } from '../../src/weights/manifest.ts'
import { CHECKSUM_SCRATCH } from '../../src/weights/placed-checksum.ts'
import { planTensors } from '../../src/weights/plan.ts'
import { checkRange, wholeRange, type LayerRange } from '../../src/weights/layer-range.ts'
import { rangeOf } from '../../src/weights/range.ts'
import { streamWeights, weightBytes } from '../../src/weights/stream.ts'
import { MOCK_SPEC } from '../helpers/mock-model.ts'
import { rng } from '../helpers/rng.ts'

const LAYERS = 5
const SHARD = 4096
const SCRATCH = 65536
const WEIGHTS = SCRATCH + Math.ceil(CHECKSUM_SCRATCH / 64) * 64

type Weights = Pick<Manifest, 'spec' | 'tensors' | 'shards'>

/** Random weights in shards of 4 KiB, whose borders lie anywhere in tensors. */
function packed(tied: boolean): { manifest: Weights; all: Uint8Array } {
  const { int } = rng(tied ? 1 : 2)
  const spec: ModelSpec = { ...MOCK_SPEC, layers: LAYERS, head: { ...MOCK_SPEC.head, tied } }
  const names = ['embedding']
  for (let layer = 0; layer < LAYERS; layer++)
    for (const role of ['attn_norm', 'q', 'down']) names.push(`layers.${layer}.${role}`)
  names.push('final_norm', ...(tied ? [] : ['head']))
  const { entries, bytes } = planTensors(
    names.map((name) => ({ name, kind: 'f32', rows: 1 + int(40), cols: 1 + int(30), source: '' })),
  )
  const all = new Uint8Array(bytes).map(() => int(256))
  const shards = Array.from({ length: Math.ceil(bytes / SHARD) }, (_, i): Shard => {
    const content = all.subarray(i * SHARD, (i + 1) * SHARD)
    const sum = checksum()
    sum.update(content)
    return { file: `${i}`, length: content.length, sha256: '', checksum: sum.hex() }
  })
  return { manifest: { spec, tensors: entries, shards }, all }
}

/** Streams a range, shards in pieces of `most` bytes; `all` is what the source has. */
async function streamed(manifest: Weights, range: LayerRange, all: Uint8Array, most = 1000) {
  const weights = rangeOf(manifest, range)
  const opened: string[] = []
  const memory = new WebAssembly.Memory({ initial: 8, maximum: 8 })
  const place = { memory, kernels: fastestKernels(nodeKernels(), memory), weights: WEIGHTS, scratch: SCRATCH }
  const open = async (file: string): Promise<ReadableStream<Uint8Array>> => {
    opened.push(file)
    const content = all.slice(Number(file) * SHARD, (Number(file) + 1) * SHARD)
    return new ReadableStream({
      start(controller) {
        for (let at = 0; at < content.length; at += most) controller.enqueue(content.slice(at, at + most))
        controller.close()
      },
    })
  }
  let progress = [0, 0]
  await streamWeights(weights, { open }, place, (...now) => (progress = now))
  return { weights, opened, progress, bytes: new Uint8Array(memory.buffer, WEIGHTS) }
}

const range = (from: number, to: number, embedding = from === 0, head = to === LAYERS): LayerRange => ({
  from,
  to,
  embedding,
  head,
})

const RANGES = [
  range(0, 2),
  range(2, 4),
  range(4, LAYERS),
  range(0, 0),
  range(LAYERS, LAYERS),
  range(1, 2),
  range(0, LAYERS),
  range(0, 3, false),
  range(3, LAYERS, false, false),
]

describe.each([true, false])('a head that is tied: %s', (tied) => {
  const { manifest, all } = packed(tied)

  it.each(RANGES)(
    '[$from, $to), embedding $embedding, head $head: in place as in the whole',
    async (part) => {
      for (const most of [1, 1000, SHARD]) {
        const { weights, opened, progress, bytes } = await streamed(manifest, part, all, most)
        expect(weights.tensors.length).toBeGreaterThan(0)
        let end = 0
        for (const { name, offset, length } of weights.tensors) {
          const original = manifest.tensors.find((tensor) => tensor.name === name)!
          expect(offset % 64).toBe(0)
          expect(offset).toBeGreaterThanOrEqual(end)
          end = offset + length
          const wanted = all.subarray(original.offset, original.offset + length)
          expect(Buffer.compare(bytes.subarray(offset, end), wanted), name).toBe(0)
        }
        const total = weightBytes(weights)
        expect(total).toBeGreaterThanOrEqual(end)
        expect(total - end).toBeLessThan(64)
        expect(
          bytes.subarray(total).every((byte) => byte === 0),
          'nothing lies behind',
        ).toBe(true)
        expect(opened).toEqual(weights.shards.map(({ file }) => file))
        const read = weights.shards.reduce((sum, { length }) => sum + length, 0)
        expect(progress).toEqual([read, read])
      }
    },
  )

  it('has the tensors of its layers and ends, and no others', () => {
    const names = (part: LayerRange): string[] => rangeOf(manifest, part).tensors.map(({ name }) => name)
    expect(names(range(1, 2))).toEqual(['layers.1.attn_norm', 'layers.1.q', 'layers.1.down'])
    expect(names(range(0, 0))).toEqual(['embedding'])
    expect(names(range(LAYERS, LAYERS))).toEqual(tied ? ['embedding', 'final_norm'] : ['final_norm', 'head'])
    expect(names(range(4, LAYERS, false, false))).toEqual(
      names(range(4, LAYERS)).filter((n) => /^layers/.test(n)),
    )
  })

  it('of the whole model is the manifest as it is', () => {
    const { tensors, shards } = manifest
    expect(rangeOf(manifest, wholeRange(manifest.spec))).toEqual({ tensors, shards })
  })

  it('disjoint ranges add up to the whole, but for a table that two of them hold', () => {
    const { offset } = manifest.tensors[1]
    for (const cuts of [
      [0, LAYERS],
      [0, 2, LAYERS],
      [0, 1, 3, LAYERS],
      [0, 0, LAYERS, LAYERS],
    ]) {
      const sizes = cuts.slice(1).map((to, i) => {
        const from = cuts[i]
        // An end goes to the first or the last of the ranges, where several begin or end there.
        const part = range(from, to, i === 0, i === cuts.length - 2)
        return weightBytes(rangeOf(manifest, part))
      })
      const twice = tied && sizes.length > 1 ? offset : 0
      expect(sizes.reduce((a, b) => a + b)).toBe(weightBytes(manifest) + twice)
    }
  })

  it('damage anywhere in a shard that is touched is noticed, and elsewhere not read', async () => {
    const part = range(2, 3)
    const { opened } = await streamed(manifest, part, all)
    const { int } = rng(7)
    for (let shard = 0; shard < manifest.shards.length; shard++) {
      const damaged = all.slice()
      damaged[shard * SHARD + int(manifest.shards[shard].length)] ^= 1
      const got = streamed(manifest, part, damaged)
      if (opened.includes(`${shard}`))
        await expect(got).rejects.toMatchObject({ code: 'checksum_mismatch', message: /^\d+ is not what/ })
      else await expect(got).resolves.toBeDefined()
    }
  })
})

describe('a range that is none', () => {
  const head = 'the head comes behind the last layer, or with the embedding'
  const rows = (first: number, end: number, part = range(0, 0)): LayerRange => ({
    ...part,
    rows: { first, end },
  })
  it.each([
    [range(-1, 2, false), 'layers [-1, 2) of 5 are no range'],
    [range(0, 6), 'layers [0, 6) of 5 are no range'],
    [range(3, 2), 'layers [3, 2) of 5 are no range'],
    [range(0.5, 2), 'layers [0.5, 2) of 5 are no range'],
    [range(0, NaN), 'layers [0, NaN) of 5 are no range'],
    [
      range(1, 5, true),
      'layers [1, 5) of 5: the embedding comes before layer 0, or with the head behind the last',
    ],
    [range(0, 4, false, true), `layers [0, 4) of 5: ${head}`],
    [range(1, 4, false, true), `layers [1, 4) of 5: ${head}`],
    [rows(0, 64, range(0, 1)), 'layers [0, 1) of 5: rows of a table come without layers'],
    [rows(32, 128), 'rows [32, 128) of 259 are not whole groups of 64'],
    [rows(64, 258), 'rows [64, 258) of 259 are not whole groups of 64'],
    [rows(64, 320), 'rows [64, 320) of 259 are not whole groups of 64'],
    [rows(64, 64), 'rows [64, 64) of 259 are not whole groups of 64'],
    [range(2, 2), 'layers [2, 2) of 5, without embedding and head, are nothing'],
    [range(0, 0, false), 'layers [0, 0) of 5, without embedding and head, are nothing'],
  ])('%o', (wrong, message) => {
    expect(() => checkRange({ layers: LAYERS, vocab: MOCK_SPEC.vocab }, wrong)).toThrow(
      new RangeError(message),
    )
    expect(() => rangeOf(packed(false).manifest, wrong)).toThrow(new RangeError(message))
  })
})
