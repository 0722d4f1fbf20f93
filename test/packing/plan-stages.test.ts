// The plan of stages: it fits, it is whole, its slowest script is as fast as can be, and it says why there is none.

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { planConfig } from '../../cli/lib/config-plan.ts'
import { planWindow, tokenizerBytesOf } from '../../cli/lib/memory-table.ts'
import type { IsletError } from '../../src/lib/errors.ts'
import { ISOLATE_BYTES } from '../../src/lib/limits.ts'
import { factsOf } from '../../src/models/facts.ts'
import { evenCut, type Works } from '../../src/packing/cut-layers.ts'
import { planStages, type PlannedShare, type StageCount } from '../../src/packing/plan-stages.ts'
import type { PackedWhole, PlanSettings } from '../../src/packing/stage-memory.ts'
import { checkRange, isHub, isTable, wholeRange } from '../../src/weights/layer-range.ts'
import { rng } from '../helpers/rng.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { ROOT } from '../../tools/root.ts'

const LARGE = { isolateBytes: 200e6, linearBytes: 190e6 }

/** What a config in docs/families would be packed to. */
function wholeOf(name: string): PackedWhole {
  const config = JSON.parse(readFileSync(`${ROOT}docs/families/${name}.json`, 'utf8')) as object
  const { spec, tensors, bytes } = planConfig(factsOf(config), 'q4')
  const shards = [{ file: 'weights-000.bin', length: bytes, sha256: '', checksum: '' }]
  return {
    spec,
    tensors,
    shards,
    tokenizer: { file: 'tokenizer.bin', length: tokenizerBytesOf(spec), sha256: '' },
  }
}

function plan(
  whole: PackedWhole,
  stages: StageCount,
  settings: Partial<PlanSettings> = {},
  window = 1024,
): PlannedShare[] {
  const seen = planWindow(whole.spec, { window, sinks: 4 })
  return planStages(whole, stages, { ...seen, chunk: 32, logitRows: 4, ...settings })
}

/** `E0-4H`, and rows behind it. */
const words = (shares: readonly PlannedShare[]): string[] =>
  shares.map(({ range: { from, to, embedding, head, rows } }) => {
    const some = rows === undefined ? '' : `[${rows.first},${rows.end})`
    return `${embedding ? 'E' : ''}${from}-${to}${head ? 'H' : ''}${some}`
  })

/** Every layer and every row of each table once, in order, within the budget. */
function expectWhole({ spec }: PackedWhole, shares: readonly PlannedShare[], budget = ISOLATE_BYTES): void {
  const [hub, ...others] = shares.map(({ range }) => range)
  for (const { range, isolateBytes } of shares) {
    checkRange(spec, range)
    expect(isolateBytes).toBeLessThanOrEqual(budget)
  }
  const layers = [hub, ...others.filter((range) => !isTable(spec, range))]
  expect(layers.map(({ from }) => from)).toEqual([0, ...layers.slice(0, -1).map(({ to }) => to)])
  expect(layers[layers.length - 1].to).toBe(spec.layers)
  expect(others.slice(0, layers.length - 1)).toEqual(layers.slice(1))
  for (const end of ['embedding', 'head'] as const) {
    if (isHub(spec, hub)) continue
    const rows = others.filter((range) => range[end]).map(({ rows }) => rows!)
    expect(rows.map(({ first }) => first)).toEqual([0, ...rows.slice(0, -1).map(({ end: last }) => last)])
    expect(rows[rows.length - 1].end).toBe(spec.vocab)
  }
}

describe('as few scripts as hold the model', () => {
  it.each([
    ['smollm2-135m', ['E0-30H']],
    ['qwen2.5-0.5b', ['0-8', '8-16', '16-24', 'E24-24H[0,75968)', 'E24-24H[75968,151936)']],
    ['qwen3-0.6b', expect.arrayContaining(['0-4', '23-28', 'E28-28H[75968,151936)'])],
    ['gemma3-1b', expect.arrayContaining(['21-26', 'E26-26H[0,65536)'])],
  ])('%s', (name, wanted) => {
    const whole = wholeOf(name)
    const shares = plan(whole, 'auto')
    expect(words(shares)).toEqual(wanted)
    if (shares.length === 1) return expect(shares[0].range).toEqual(wholeRange(whole.spec))
    expectWhole(whole, shares)
    const fewer = () => plan(whole, shares.length - 1)
    expect(fewer).toThrow(`this model takes at least ${shares.length} scripts`)
  })

  it('an untied head and its embedding have stages each, where the hub has no room for both', () => {
    const whole = wholeOf('llama-7b')
    const settings = { isolateBytes: 150e6, linearBytes: 145e6 }
    const shares = plan(whole, 'auto', settings)
    expectWhole(whole, shares, settings.isolateBytes)
    const embedding = ['E0-0[0,16000)', 'E0-0[16000,32000)']
    expect(words(shares).slice(32)).toEqual([...embedding, '32-32H[0,16000)', '32-32H[16000,32000)'])
    // One more is of use to the head alone.
    const more = ['32-32H[0,10688)', '32-32H[10688,21376)', '32-32H[21376,32000)']
    expect(words(plan(whole, 37, settings)).slice(32)).toEqual([...embedding, ...more])
  })

  it('what a step takes counts: a smaller window leaves room for more layers', () => {
    const whole = wholeOf('qwen3-0.6b')
    expect(plan(whole, 'auto', {}, 4096).length).toBeGreaterThan(plan(whole, 'auto', {}, 256).length)
  })
})

describe('a number of scripts', () => {
  it('the hub with the table has fewer layers: two thirds of the table count', () => {
    const whole = wholeOf('smollm2-135m')
    expect(words(plan(whole, 2))).toEqual(['E0-11H', '11-30'])
    expect(words(plan(whole, 4))).toEqual(['E0-2H', '2-11', '11-20', '20-30'])
    for (const stages of [3, 7, 31]) {
      const shares = plan(whole, stages)
      expect(shares).toHaveLength(stages)
      expectWhole(whole, shares)
    }
  })

  it('goes to what is slowest: layers or rows', () => {
    const whole = wholeOf('gemma3-1b')
    for (const stages of [10, 11, 12, 20, 40]) {
      const shares = plan(whole, stages)
      expect(shares).toHaveLength(stages)
      expectWhole(whole, shares)
    }
    const rows = (shares: readonly PlannedShare[]) => shares.filter(({ range }) => range.rows).length
    expect(rows(plan(whole, 40))).toBeGreaterThan(rows(plan(whole, 20)))
  })

  const refused = (whole: PackedWhole, stages: number): IsletError => {
    try {
      plan(whole, stages)
    } catch (error) {
      return error as IsletError
    }
    throw new Error('it was taken')
  }

  it('that cannot be is the caller’s mistake', () => {
    const whole = wholeOf('smollm2-135m')
    expect(refused(whole, 1)).toMatchObject({ code: 'invalid_request', param: '--stages' })
    expect(refused(whole, 32)).toMatchObject({
      code: 'invalid_request',
      message: '--stages 32: there are only 30 layers to be had',
    })
  })
})

describe('a model that cannot be cut so', () => {
  it.each([
    ['llama-7b', /layer 0 alone takes 143\.\d MB of an isolate/],
    ['chatglm-6b', /layer 0 alone takes 3\d\d\.\d MB of an isolate, with the buffers of a step/],
  ])('%s: a layer is too large', (name, message) => {
    const whole = wholeOf(name)
    expect(() => plan(whole, 'auto')).toThrow(message)
    expect(() => plan(whole, 40)).toThrow(expect.objectContaining({ code: 'unsupported_value' }))
  })

  it('rows of the table, or the hub, are too large', () => {
    const whole = wholeOf('qwen2.5-0.5b')
    const tokenizer = { ...whole.tokenizer, length: 100e6 }
    expect(() => plan({ ...whole, tokenizer }, 'auto')).toThrow('do not fit into one isolate together')
    const large = { isolateBytes: 400e6, linearBytes: 390e6 }
    expect(words(plan(wholeOf('chatglm-6b'), 'auto', large))[0]).toBe('0-1')
  })

  it('one whose tokens all see each other has steps as long as its prefix', () => {
    const whole = wholeOf('chatglm-6b')
    expect(plan(whole, 'auto', LARGE, 64)).toHaveLength(plan(whole, 'auto', LARGE, 32).length)
    expect(() => plan(whole, 'auto', LARGE, 1024)).toThrow('cannot be cut')
  })
})

describe('an even cut', () => {
  /** All cuts, tried one after the other. */
  function best({ hub, stages }: Works, pieces: number): number {
    const rest = (from: number, left: number): number => {
      if (left === 0) return from === hub.length - 1 ? 0 : Infinity
      let least = Infinity
      for (let to = from + 1; to < hub.length; to++)
        least = Math.min(least, Math.max(stages[from][to], rest(to, left - 1)))
      return least
    }
    return Math.min(...hub.map((work, to) => Math.max(work, rest(to, pieces - 1))))
  }

  it('is the best of all', () => {
    const { int } = rng(3)
    for (let trial = 0; trial < 40; trial++) {
      const sizes = Array.from({ length: 1 + int(7) }, () => 1 + int(20))
      const counts = Array.from({ length: sizes.length + 1 }, (_, i) => i)
      const sum = (from: number, to: number) => sizes.slice(from, to).reduce((a, b) => a + b, 0)
      const limit = 15 + int(40)
      const fitting = (work: number) => (work <= limit ? work : Infinity)
      const works: Works = {
        hub: counts.map((to) => fitting(10 + sum(0, to))),
        stages: counts.map((from) => counts.map((to) => (to > from ? fitting(sum(from, to)) : Infinity))),
      }
      for (let pieces = 1; pieces <= sizes.length + 1; pieces++) {
        const ends = evenCut(works, pieces)
        const slowest = ends?.map((to, i) => (i === 0 ? works.hub[to] : works.stages[ends[i - 1]][to]))
        expect(slowest === undefined ? Infinity : Math.max(...slowest)).toBe(best(works, pieces))
      }
    }
  })
})

it('the embedded model is planned in milliseconds, to shares whose bytes are those of all', () => {
  const whole = JSON.parse(readFileSync(`${TINY_FOLDER}/manifest.json`, 'utf8')) as PackedWhole
  const bytes = whole.shards.reduce((sum, { length }) => sum + length, 0)
  for (const stages of [2, 3, 5])
    expect(plan(whole, stages).reduce((sum, { weightBytes }) => sum + weightBytes, 0)).toBe(bytes)
})
