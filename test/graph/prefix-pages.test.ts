// The model's own prefix as cache: forked by every tenant, continued by none, evicted last, cut where a window cuts.

import { describe, expect, test } from 'vitest'
import { Engine } from '../../src/engine/engine.ts'
import { computePages, loadPrefix, uncutPositions, type Seed } from '../../src/graph/prefix-pages.ts'
import type { Turn } from '../../src/engine/turn.ts'
import { checksum } from '../../src/lib/checksum.ts'
import type { PackedPrefix } from '../../src/weights/manifest.ts'
import { PREFIX_VERSION } from '../../src/weights/packed-prefix.ts'
import type { ByteSource } from '../../src/weights/source.ts'
import { mockManifest } from '../helpers/mock-lane.ts'
import { argmax, greedyAlone, MockModel, MOCK_SPEC, type MockOptions } from '../helpers/mock-model.ts'

const PREFIX = Array.from({ length: 24 }, (_, i) => (i * 7 + 3) % 251)
const chat = (seed: number, length = 12): number[] => [
  ...PREFIX,
  ...Array.from({ length }, (_, i) => (i * 11 + seed * 31 + 1) % 251),
]

function seedOf(options: MockOptions = {}): Seed {
  return { ids: PREFIX, pages: computePages(new MockModel(options), PREFIX) }
}

function seeded(options: MockOptions = {}): { engine: Engine; positions: number[] } {
  const positions: number[] = []
  const onForward: MockOptions['onForward'] = (rows) =>
    void positions.push(...rows.map((row) => row.position))
  const engine = new Engine(new MockModel({ ...options, onForward }))
  engine.seed(seedOf())
  return { engine, positions }
}

function run(engine: Engine, tenant: string, prompt: readonly number[], maxTokens = 8): Turn {
  const turn = engine.open({
    tenant,
    prompt,
    maxTokens,
    choose: (logits) => ({ id: argmax(logits), stop: false }),
  })
  for (let step = 0; turn.state === 'waiting' || turn.state === 'running'; step++) {
    if (step > 2000) throw new Error('no progress')
    engine.step()
    turn.taken = turn.produced
  }
  if (turn.state === 'failed') throw turn.error
  return turn
}

const answer = (turn: Turn): number[] => turn.ids.slice(turn.promptTokens)

describe('a seeded engine', () => {
  test('every tenant begins behind the prefix, and gets what it would without', () => {
    const { engine, positions } = seeded()
    for (const [i, tenant] of ['a', 'b', 'c'].entries()) {
      const turn = run(engine, tenant, chat(i))
      expect(turn.cachedTokens).toBe(PREFIX.length)
      expect(answer(turn)).toEqual(greedyAlone(chat(i), 8))
    }
    expect(Math.min(...positions)).toBe(PREFIX.length)
  })

  test('what tenants add stays their own', () => {
    const { engine } = seeded()
    run(engine, 'a', chat(1))
    expect(run(engine, 'a', chat(1)).cachedTokens).toBe(chat(1).length - 1)
    expect(run(engine, 'b', chat(1)).cachedTokens).toBe(PREFIX.length)
  })

  test('a prompt that leaves it early, or ends in it, shortens it for nobody', () => {
    const { engine } = seeded()
    const early = [...PREFIX.slice(0, 20), 250, 249, 248]
    expect(answer(run(engine, 'a', early))).toEqual(greedyAlone(early, 8))
    const within = run(engine, 'a', PREFIX.slice(0, 10), 3)
    expect(within.cachedTokens).toBe(9)
    expect(answer(within)).toEqual(greedyAlone(PREFIX.slice(0, 10), 3))
    const whole = run(engine, 'b', PREFIX)
    expect(whole.cachedTokens).toBe(PREFIX.length - 1)
    expect(run(engine, 'c', chat(1)).cachedTokens).toBe(PREFIX.length)
  })

  test('goes after all other idle sequences, and then is computed', () => {
    const { engine } = seeded({ pageCount: 12 })
    for (let i = 0; i < 12; i++) {
      const turn = run(engine, `tenant ${i}`, chat(i, 40))
      expect(turn.cachedTokens).toBe(PREFIX.length)
      expect(answer(turn)).toEqual(greedyAlone(chat(i, 40), 8))
    }
    const long = Array.from({ length: 170 }, (_, i) => (i * 5 + 100) % 251)
    expect(answer(run(engine, 'long', long, 16))).toEqual(greedyAlone(long, 16))
    const after = run(engine, 'after', chat(3))
    expect(after.cachedTokens).toBe(0)
    expect(answer(after)).toEqual(greedyAlone(chat(3), 8))
  })

  test('a pool without room for it stays as it is', () => {
    const engine = new Engine(new MockModel({ pageCount: 1 }))
    engine.seed(seedOf())
    expect(engine.load).toMatchObject({ sequences: 0, pagesFree: 1 })
    expect(answer(run(engine, 'a', [1, 2, 3], 4))).toEqual(greedyAlone([1, 2, 3], 4))
  })
})

describe('windows', () => {
  test('what the narrowest window of any layer has not cut', () => {
    expect(uncutPositions(MOCK_SPEC, { window: undefined, sinks: 0 })).toBe(Infinity)
    expect(uncutPositions(MOCK_SPEC, { window: 64, sinks: 4, byDepth: [20, 64] })).toBe(20)
    const [kind] = MOCK_SPEC.attention.kinds
    const own = {
      ...MOCK_SPEC,
      attention: { ...MOCK_SPEC.attention, kinds: [{ ...kind, window: 18 }, kind] },
    }
    expect(uncutPositions(own, { window: 64, sinks: 4 })).toBe(18)
  })

  test.each([8, 20, 40])('of %i positions: what is reused gives what is computed', async (window) => {
    const options = { window: { window, sinks: 2 }, pageCount: 16 }
    const model = new MockModel(options)
    const { manifest, source } = packed(seedOf())
    const seed = await loadPrefix(manifest, source, model)
    expect(seed?.ids).toEqual(PREFIX.slice(0, window))
    expect(seed?.pages).toHaveLength(window > 16 ? 2 : 1)
    const engine = new Engine(model)
    if (seed !== undefined) engine.seed(seed)
    const turn = run(engine, 'a', chat(1, 60), 20)
    expect(turn.cachedTokens).toBe(Math.min(window, PREFIX.length))
    expect(answer(turn)).toEqual(greedyAlone(chat(1, 60), 20, options.window))
  })
})

describe('the file', () => {
  const model = new MockModel()

  test('is read into the pages that were written', async () => {
    const seed = seedOf()
    const { manifest, source } = packed(seed)
    const read = await loadPrefix(manifest, source, model)
    expect(read).toEqual({ ...seed, taken: read?.taken })
  })

  test.each([
    ['taken into the cache', 16],
    ['no room for them', 1],
  ])('its memory is given back: %s', async (_, pageCount) => {
    const model = new MockModel({ pageCount })
    const { manifest, source } = packed(seedOf())
    const seed = await loadPrefix(manifest, source, model)
    expect(seed?.pages.map(({ length }) => length)).toEqual([model.pages.pageBytes, model.pages.pageBytes])
    new Engine(model).seed(seed!)
    expect(seed?.pages.map(({ length }) => length)).toEqual([0, 0])
  })

  test('of another version, another size of pages, or none: nothing is read', async () => {
    const { manifest, prefix } = packed(seedOf())
    const source: ByteSource = { open: () => Promise.reject(new Error('was read')) }
    for (const other of [
      undefined,
      { ...prefix, version: PREFIX_VERSION + 1 },
      { ...prefix, pageBytes: prefix.pageBytes * 2 },
    ])
      expect(await loadPrefix({ ...manifest, prefix: other }, source, model)).toBeUndefined()
  })

  test('damaged or cut is refused', async () => {
    const { manifest, bytes } = packed(seedOf())
    const changed = bytes.slice()
    changed[100] ^= 4
    for (const wrong of [changed, bytes.subarray(0, bytes.length - 1)]) {
      await expect(loadPrefix(manifest, sourceOf(wrong), model)).rejects.toMatchObject({
        code: 'checksum_mismatch',
      })
    }
  })
})

function sourceOf(bytes: Uint8Array): ByteSource {
  return { open: () => Promise.resolve(new Blob([bytes.slice()]).stream()) }
}

function packed({ ids, pages }: Seed) {
  const bytes = new Uint8Array(Buffer.concat(pages))
  const sum = checksum()
  sum.update(bytes)
  const prefix: PackedPrefix = {
    file: 'prefix.bin',
    length: bytes.length,
    sha256: '',
    checksum: sum.hex(),
    version: PREFIX_VERSION,
    ids: [...ids],
    kv: 'q8',
    pageBytes: pages[0].length,
  }
  return { manifest: { ...mockManifest(), prefix }, prefix, bytes, source: sourceOf(bytes) }
}
