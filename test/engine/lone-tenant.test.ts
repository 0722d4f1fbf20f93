// A tenant that is alone loses nothing by fair queueing: its steps are those that the engine ran before there was any.

import { expect, test } from 'vitest'
import { Engine } from '../../src/engine/engine.ts'
import type { Turn } from '../../src/engine/turn.ts'
import { PageStore } from '../../src/storage/page-store.ts'
import { StorageGuard } from '../../src/storage/storage-guard.ts'
import { checksum } from '../../src/lib/checksum.ts'
import { argmax, greedyAlone, MockModel, type MockOptions } from '../helpers/mock-model.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { rng } from '../helpers/rng.ts'

/** Steps run, and a checksum of the rows of each: measured at 42af3c0, the last commit without fair queueing. */
const BEFORE: { title: string; options: MockOptions; steps: number; rows: string }[] = [
  {
    title: 'a large pool',
    options: { pageCount: 64 },
    steps: 1185,
    rows: 'a26f8038a1e7d50dc374d09f3b8d6f3c',
  },
  {
    title: 'a pool that is short',
    options: { pageCount: 12, maxRows: 8 },
    steps: 1636,
    rows: '1ffc4125f3ff72f1b4a99e899339c46f',
  },
  {
    title: 'windows',
    options: { pageCount: 14, window: { window: 40, sinks: 4 } },
    steps: 2232,
    rows: 'f19a02dd892ea4754e67cfc2d14d2cba',
  },
  {
    title: 'one logit row',
    options: { pageCount: 20, maxLogitRows: 1 },
    steps: 3031,
    rows: '98f744d03730553d31adcf0a94cc55c8',
  },
  {
    title: 'few rows',
    options: { pageCount: 20, maxRows: 4 },
    steps: 2752,
    rows: '2c522e4d9de0c279ad5d78e6abc3e3ce',
  },
]

function storage(): PageStore {
  const guard = new StorageGuard((error) => {
    throw error
  })
  const store = new PageStore('lane', nodeSql(), guard)
  store.useModel(['model'])
  return store
}

/** Random arrivals of one tenant, stored and not, some long, some with slow readers. */
function runAll(model: MockModel): { turn: Turn; prompt: number[] }[] {
  const { int } = rng(7)
  const engine = new Engine(model)
  const store = storage()
  const all: { turn: Turn; prompt: number[] }[] = []
  const isLive = ({ turn: { state } }: { turn: Turn }): boolean => state === 'waiting' || state === 'running'
  for (let step = 0; all.length < 40 || all.some(isLive); step++) {
    if (step > 30_000) throw new Error('no progress')
    if (all.length < 40 && int(6) === 0) {
      const stem = int(3)
      const prompt = Array.from({ length: 1 + int(80) }, (_, i) => (i * 7 + stem * 31) % 251)
      const turn = engine.open({
        tenant: 'a',
        prompt,
        maxTokens: int(4) === 0 ? 320 : 1 + int(40),
        choose: (logits) => ({ id: argmax(logits), stop: false }),
        owner: store,
        ...(int(3) > 0 && { vault: store, session: `s${int(6)}` }),
      })
      all.push({ turn, prompt })
    }
    engine.step(store)
    for (const { turn } of all.filter(isLive)) if (int(4) > 0) turn.taken = turn.produced
  }
  return all
}

test.each(BEFORE)(
  '$title',
  ({ options, steps, rows }) => {
    const model = new MockModel(options)
    for (const { turn, prompt } of runAll(model)) {
      const answer = turn.ids.slice(prompt.length)
      expect(answer).toEqual(greedyAlone(prompt, answer.length, options.window))
    }
    const sum = checksum()
    sum.update(Uint8Array.from(model.steps.flat()))
    expect({ steps: model.steps.length, rows: sum.hex() }).toEqual({ steps, rows })
  },
  60_000,
)
