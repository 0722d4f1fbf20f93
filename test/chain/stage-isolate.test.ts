// A stage isolate loads once for a plan, gives each engine an epoch, and serves one lane at a time.

import { beforeEach, describe, expect, test } from 'vitest'
import type { StageSetup } from '../../src/chain/messages.ts'
import { StageIsolate, type StageReader } from '../../src/chain/stage-isolate.ts'
import type { Stage } from '../../src/graph/stage.ts'
import { load, TINY } from '../helpers/subjects.ts'

const SETUP: StageSetup = {
  engine: 'one',
  window: { window: undefined, sinks: 0 },
  chunk: 16,
  logitRows: 4,
  pages: 8,
}

let time: number
let loads: number
let isolate: StageIsolate
const stage: Stage = await load(TINY)

const reader = (owner: string, read?: StageReader['read']): StageReader => ({
  owner,
  now: () => time,
  newId: () => `epoch ${++loads}`,
  read: read ?? (async () => stage),
})

beforeEach(() => {
  time = 1000
  loads = 0
  isolate = new StageIsolate()
})

describe('a stage isolate', () => {
  test('keeps the epoch of an engine, and gives another one another', async () => {
    const first = await isolate.open(SETUP, reader('lane'))
    expect([await isolate.open(SETUP, reader('lane')), isolate.state]).toEqual([first, 'ready'])
    const second = await isolate.open({ ...SETUP, engine: 'two' }, reader('lane'))
    expect(second).not.toBe(first)
    expect(isolate.stageOf(second, time)).toBe(stage)
    expect(() => isolate.stageOf(first, time)).toThrow(/another engine/)
  })

  test('loads again for another plan, and what memory held means nothing then', async () => {
    const first = await isolate.open(SETUP, reader('lane'))
    const second = await isolate.open({ ...SETUP, pages: 9 }, reader('lane'))
    expect(second).not.toBe(first)
  })

  test("another lane's engine is refused while this one's is in use, and taken in behind it", async () => {
    const first = await isolate.open(SETUP, reader('lane'))
    const other = { ...SETUP, engine: 'other' }
    await expect(isolate.open(other, reader('other'))).rejects.toMatchObject({ code: 'overloaded' })
    time += 9000
    isolate.stageOf(first, time)
    time += 9000
    await expect(isolate.open(other, reader('other'))).rejects.toMatchObject({ code: 'overloaded' })
    time += 1000
    const second = await isolate.open(other, reader('other'))
    expect(() => isolate.stageOf(first, time)).toThrow()
    expect(isolate.stageOf(second, time)).toBe(stage)
  })

  test('a load of another object is waited for, unless it makes no progress', async () => {
    const never = reader('lane', () => new Promise(() => undefined))
    void isolate.open(SETUP, never)
    expect(isolate.state).toBe('loading')
    await expect(isolate.open(SETUP, reader('lane'))).rejects.toMatchObject({ code: 'model_loading' })
    time += 15_000
    expect(await isolate.open(SETUP, reader('lane'))).toBe('epoch 1')
  })

  test('a load that failed leaves nothing, and the next begins anew', async () => {
    const failing = reader('lane', () => Promise.reject(new Error('no assets')))
    await expect(isolate.open(SETUP, failing)).rejects.toThrow('no assets')
    expect(isolate.state).toBe('cold')
    expect(await isolate.open(SETUP, reader('lane'))).toBe('epoch 1')
  })

  test('progress of a load is told, and a stage that is given up is no more', async () => {
    const epoch = await isolate.open(
      SETUP,
      reader('lane', async (_, onProgress) => (onProgress(3, 5), stage)),
    )
    expect([isolate.done, isolate.total, isolate.linearMemoryBytes]).toEqual([3, 5, stage.linearMemoryBytes])
    isolate.drop()
    expect([isolate.state, isolate.linearMemoryBytes]).toEqual(['cold', 0])
    expect(() => isolate.stageOf(epoch, time)).toThrow()
  })
})
