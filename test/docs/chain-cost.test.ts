// What a chain costs: times are sums along its hops, the bill is what is billed, and the table says both.

import { describe, expect, it } from 'vitest'
import {
  billOf,
  hopsOf,
  timesOf,
  type ChainLink,
  type ChainShape,
  type Scene,
} from '../../bench/lib/chain-cost.ts'
import { linksOf, wholeOf } from '../../bench/lib/chain-links.ts'
import { CONFIGS, planned } from '../../bench/lib/chain-models.ts'
import { ratesOf } from '../../bench/lib/chain-rates.ts'
import { BILLED_GB, PRICES } from '../../bench/lib/prices.ts'
import { billBlock, costBlock } from '../../report/lib/chain-cost-table.ts'

const NONE: ChainLink = { layers: 0, head: 0, embeds: false, attends: 0, pageBytes: 0 }
const rates = { decodeByte: 1e-9, prefillByte: 1e-10, decodeLook: 0, prefillLook: 0 }
const scene: Scene = {
  ...{ prompt: 8, answer: 11, hopMs: 1, chunk: 2, calls: 2, awakeAfter: 3, kept: 3600 },
  workerMs: { request: 5, token: 0.1 },
  turns: 4,
}

/** The hub has a layer of 10 MB, two stages one of 20 MB each, two others half a head of 5 MB each. */
const shape: ChainShape = {
  links: [
    { ...NONE, layers: 10e6, attends: 1, pageBytes: 100 },
    { ...NONE, layers: 20e6, attends: 1, pageBytes: 100 },
    { ...NONE, layers: 20e6, attends: 1, pageBytes: 100 },
    { ...NONE, head: 5e6, embeds: true },
    { ...NONE, head: 5e6, embeds: true },
  ],
  width: 64,
  stagedPages: 1,
}

describe('times of a chain', () => {
  const times = timesOf(shape, rates, scene)

  it('are what all layers take and the slowest part of the head, and a hop for each stage of layers, the head and the embedding', () => {
    expect(hopsOf(shape.links)).toEqual({ layers: 2, concluding: 1, embedding: 1 })
    expect(times).toMatchObject({ isolates: 5, hops: 4 })
    expect(times.computing).toBeCloseTo(0.055)
    expect(times.token).toBeCloseTo(0.059)
  })

  it('have a prompt whose calls follow each other through the stages', () => {
    // Two steps of two calls: the first call passes 50 MB, the second waits for 20 MB, and each of two rows costs 0.1 ns a byte.
    expect(times.first).toBeCloseTo(2 * (0.01 + 0.002 + 0.004) + 0.005 + 0.002)
    expect(times.turn).toBeCloseTo(times.first + 10 * times.token)
  })

  it('are shared by turns as far as the busiest stage allows', () => {
    expect(times.shared).toBeCloseTo(8 * 20e6 * 1e-10 + 10 * 0.02)
    const two = timesOf(shape, rates, { ...scene, turns: 2 })
    expect(two.shared).toBeCloseTo(two.turn / 2)
  })

  it('are those of one object where there is no stage', () => {
    const one = { ...shape, links: [{ ...NONE, layers: 10e6, head: 5e6, embeds: true, attends: 1 }] }
    expect(timesOf(one, rates, scene)).toMatchObject({ isolates: 1, hops: 0 })
    expect(timesOf(one, rates, scene).token).toBeCloseTo(0.015)
  })
})

describe('the bill of a chain', () => {
  const times = timesOf(shape, rates, scene)
  const bill = billOf(shape, times, scene)
  const turns = 1e6 / scene.answer

  it('is for all isolates as long as a turn lasts', () => {
    expect(bill.duration).toBeCloseTo(turns * 5 * times.turn * BILLED_GB * PRICES.gigabyteSecond)
    expect(bill.alone - bill.total).toBeCloseTo(turns * 5 * 3 * BILLED_GB * PRICES.gigabyteSecond)
    expect(bill.shared).toBeLessThan(bill.total)
  })

  it('has a session with each isolate, and rows for each that has layers', () => {
    expect(bill.requests).toBeCloseTo(turns * 5 * PRICES.objectRequest)
    // Two pages in runs of one, and one that is stored once more: 3 runs, 2 rows in the lane and 4 in each of two stages.
    const written = 4 + 3 * (2 + 2 * 4)
    expect(bill.rows).toBeCloseTo(turns * (written * PRICES.rowWritten + 37 * PRICES.rowRead))
    const { duration, requests, rows, storage, worker, total } = bill
    expect(duration + requests + rows + storage + worker).toBeCloseTo(total)
  })
})

it('takes rates from two lengths of prompt', () => {
  const spec = { layers: 2, heads: 2, headDim: 8 }
  const kinds = [
    { kind: 'q8', bytes: 1e6 },
    { kind: 'q4n', bytes: 3e6 },
  ]
  const given = { decodeByte: 1e-9, prefillByte: 5e-10, decodeLook: 1e-8, prefillLook: 2e-8 }
  const seconds = (name: string): number => {
    const prompt = name.includes('1024') ? 1024 : 256
    return name.startsWith('decode')
      ? 4e6 * given.decodeByte + (prompt + 32) * 32 * given.decodeLook
      : 3e6 * given.prefillByte + (prompt / 2) * 32 * given.prefillLook + (1e6 * given.decodeByte) / prompt
  }
  const rates = ratesOf({ spec, kinds, weightBytes: 4e6 }, seconds)
  for (const [key, value] of Object.entries(given))
    expect(rates[key as keyof typeof rates] / value).toBeCloseTo(1)
})

describe('the isolates of real models', () => {
  const chainOf = (name: keyof typeof CONFIGS) => {
    const { spec, tensors, bytes } = planned(CONFIGS[name])
    return { spec, ...linksOf(wholeOf(spec, tensors, bytes)) }
  }

  it.each(['gemma-3-270m', 'llama-2-7b'] as const)('%s: have all of its layers and of its head', (name) => {
    const { spec, links, weightBytes, isServed } = chainOf(name)
    const sum = (of: (link: ChainLink) => number): number => links.reduce((all, link) => all + of(link), 0)
    expect(sum(({ attends }) => attends)).toBe(spec.layers)
    expect(isServed).toBe(name === 'gemma-3-270m')
    const tables = spec.head.tied ? 1 : 2
    expect(sum(({ layers }) => layers) + tables * sum(({ head }) => head)).toBeGreaterThan(0.99 * weightBytes)
    expect(sum(({ layers }) => layers) + tables * sum(({ head }) => head)).toBeLessThan(1.01 * weightBytes)
  })

  it('are one where one holds the model', () => {
    expect(chainOf('smollm2-135m').links).toHaveLength(1)
  })
})

it('has a line for each model in both tables', () => {
  const times = timesOf(shape, rates, scene)
  const model = {
    ...{
      name: 'llama-2-7b' as const,
      title: 'LLaMA 2 7B',
      isServed: false,
      weightBytes: 60e6,
      mostBytes: 100e6,
    },
    ...{ times, bill: billOf(shape, times, scene), here: 20, oneProcess: 15 },
  }
  const hops = { one: 1, two: 2 }
  const result = { rates, cpu: 'a CPU', commit: '0123456789', hops, scene, models: [model] }
  expect(costBlock(result)).toContain('| LLaMA 2 7B* | 60 | 5 | 4 | 55.0 | 16.9 | 20.0 | 0.0 |')
  expect(costBlock(result)).toContain('as measured here between two processes')
  expect(billBlock(result)).toMatch(/\| LLaMA 2 7B\* \| 5 \| 0\.\d\d /)
})
