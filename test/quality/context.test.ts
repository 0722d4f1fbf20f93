// Beyond the trained length, on the model that was trained for it (test/fixtures/context-model): it fails as it is, its family's
// extension holds, and the committed figures are those of this code.

import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  CONTEXT_MODEL,
  type ContextResults,
  loadWay,
  natsAt,
  placesIn,
  RESULTS,
  switched,
  waysOf,
} from '../../bench/context.ts'
import { type MemoryPack, packToMemory } from '../../src/packing/pack-memory.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'

const TRAINED = 128
const LONGEST = 16 * TRAINED
const BLOCK = TRAINED / 2

let pack: MemoryPack
let ids: number[] = []
const committed = JSON.parse(readFileSync(RESULTS, 'utf8')) as ContextResults
beforeAll(async () => {
  pack = await packToMemory(CONTEXT_MODEL, { quant: 'f32' })
  ids = readTokenizer(pack.tokenizer).encode(readFileSync(`${CONTEXT_MODEL}/held-out.txt`, 'utf8'))
})

/** Mean nats of a way at a length; the first `places` of the committed ones, or all. */
async function nats(name: string, length: number, places = Infinity): Promise<number> {
  const way = waysOf(TRAINED).find((each) => each.name === name)
  if (way === undefined) throw new Error(`no way ${name}`)
  const ends = placesIn(ids.length, LONGEST, committed.text.places).slice(0, places)
  const all = natsAt(await loadWay(pack, way, length), ids, { ends, length, block: BLOCK })
  return all.reduce((sum, value) => sum + value, 0) / all.length
}

describe('the switches', () => {
  it('are the spec that packing read, or less', () => {
    const { spec } = pack.manifest
    expect(switched(spec, { ntk: true, logn: true })).toEqual(spec)
    const bare = switched(spec, { ntk: false, logn: false })
    expect(bare.attention.kinds[0].position).toMatchObject({ scaling: { kind: 'none' } })
    expect(bare.attention).not.toHaveProperty('logn')
  })

  it('do nothing within the trained length', async () => {
    const plain = await nats('as trained', TRAINED, 4)
    expect(await nats('NTK, LogN', TRAINED, 4)).toBe(plain)
    expect(await nats('NTK, LogN, windows by depth', TRAINED, 4)).toBe(plain)
  })
})

describe('at four times the trained length', () => {
  it('the model fails as it is, and holds with NTK, and under a window', async () => {
    const length = 4 * TRAINED
    const trained = await nats('as trained', TRAINED, 12)
    const [plain, ntk, window] = [
      await nats('as trained', length, 12),
      await nats('NTK', length, 12),
      await nats('window and sinks alone', length, 12),
    ]
    expect(plain - trained).toBeGreaterThan(0.5)
    expect(ntk - trained).toBeLessThan((plain - trained) / 2)
    expect(window - trained).toBeLessThan((plain - trained) / 2)
  })
})

it('has the figures of docs/results (else: npm run context, then npm run docs)', async () => {
  const said = (name: string, length: number): number | undefined =>
    committed.ways.find((way) => way.name === name)?.lengths.find((one) => one.length === length)?.nats
  expect(await nats('as trained', BLOCK)).toBeCloseTo(said('as trained', BLOCK) ?? NaN, 3)
  expect(await nats('NTK, LogN', 2 * TRAINED)).toBeCloseTo(said('NTK, LogN', 2 * TRAINED) ?? NaN, 3)
})

it('places are spread over the text, the longest length before each', () => {
  expect(placesIn(1000, 99, 4)).toEqual([100, 400, 700, 1000])
})
