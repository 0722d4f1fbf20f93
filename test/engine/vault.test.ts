// The engine with storage behind its pool: what leaves memory comes back, only the caller's storage is touched, turns take turns.

import { describe, expect, test } from 'vitest'
import { Engine } from '../../src/engine/engine.ts'
import type { Turn } from '../../src/engine/turn.ts'
import { PageStore } from '../../src/storage/page-store.ts'
import type { Vault } from '../../src/engine/vault.ts'
import { noStorageUse } from '../../src/storage/storage-use.ts'
import { argmax, greedyAlone, MockModel } from '../helpers/mock-model.ts'
import { StorageGuard } from '../../src/storage/storage-guard.ts'
import { nodeSql } from '../helpers/node-sql.ts'

const prompt = (length: number, seed = 1): number[] =>
  Array.from({ length }, (_, i) => (i * 7 + seed * 31) % 251)

let vaults = 0

function vault(use = noStorageUse()): PageStore {
  const failed = (error: unknown): void => {
    throw error
  }
  const store = new PageStore(`lane-${++vaults}`, nodeSql(), new StorageGuard(failed), use)
  store.useModel(['model'])
  return store
}

const open = (engine: Engine, ids: readonly number[], maxTokens: number, owner?: Vault): Turn =>
  engine.open({
    tenant: 'a',
    prompt: ids,
    maxTokens,
    choose: (logits) => ({ id: argmax(logits), stop: false }),
    vault: owner,
  })

/** Steps by `caller` until the turn has ended; its reader takes everything at once. */
function finish(engine: Engine, turn: Turn, caller?: PageStore): number[] {
  for (let i = 0; turn.state === 'waiting' || turn.state === 'running'; i++) {
    if (i > 5000) throw new Error('no progress')
    engine.step(caller)
    turn.taken = turn.produced
  }
  if (turn.state === 'failed') throw turn.error
  return turn.ids.slice(turn.promptTokens)
}

describe('a pool that is short', () => {
  test('spills the sequence that was unused for longest, and restores it for its next turn', () => {
    const store = vault()
    const model = new MockModel({ pageCount: 8 })
    const engine = new Engine(model)
    const first = finish(engine, open(engine, prompt(70, 1), 10, store), store)
    finish(engine, open(engine, prompt(70, 2), 10, store), store)
    finish(engine, open(engine, prompt(70, 3), 10, store), store)
    const before = model.rowsRun
    const longer = [...prompt(70, 1), ...first, 9]
    const turn = open(engine, longer, 10, store)
    expect(finish(engine, turn, store)).toEqual(greedyAlone(longer, 10))
    expect(turn.cachedTokens).toBe(64)
    expect(model.rowsRun - before).toBe(81 - 64 + 9)
  })

  test('writes pages that their sequence sees no more before it takes them, so that those behind are found', () => {
    const window = { window: 40, sinks: 4 }
    const store = vault()
    const engine = new Engine(new MockModel({ pageCount: 16, window }))
    const first = finish(engine, open(engine, prompt(150, 1), 10, store), store)
    for (const seed of [2, 3, 4]) finish(engine, open(engine, prompt(150, seed), 10, store), store)
    const longer = [...prompt(150, 1), ...first, 9]
    const turn = open(engine, longer, 10, store)
    expect(finish(engine, turn, store)).toEqual(greedyAlone(longer, 10, window))
    expect(turn.cachedTokens).toBe(144)
  })

  test('counts what a turn finds of its own when it comes back as computed', () => {
    const use = noStorageUse()
    const store = vault(use)
    const engine = new Engine(new MockModel({ pageCount: 10 }))
    const turns = [1, 2].map((seed) => open(engine, prompt(33, seed), 70, store))
    for (let step = 0; turns.some(({ state }) => state === 'waiting' || state === 'running'); step++) {
      if (step > 1000) throw new Error('no progress')
      engine.step(store)
      for (const turn of turns) turn.taken = turn.produced
    }
    turns.forEach((turn, i) => expect(turn.ids.slice(33)).toEqual(greedyAlone(prompt(33, i + 1), 70)))
    expect(use.pagesRestored).toBeGreaterThan(0)
    expect(turns.map(({ cachedTokens }) => cachedTokens)).toEqual([0, 0])
  })

  test('restores nothing where memory has as much', () => {
    const use = noStorageUse()
    const store = vault(use)
    const engine = new Engine(new MockModel())
    finish(engine, open(engine, prompt(65), 3, store), store)
    for (const sequence of engine.sequencesOf(store)) store.save(sequence, engine.model)
    const again = open(engine, prompt(65), 3, store)
    expect(finish(engine, again, store)).toEqual(greedyAlone(prompt(65), 3))
    expect([again.cachedTokens, use.pagesRestored]).toEqual([64, 0])
  })

  test('writes what comes in the place of saved pages that were cut off', () => {
    const store = vault()
    const engine = new Engine(new MockModel())
    const save = (): void => {
      for (const sequence of engine.sequencesOf(store)) store.save(sequence, engine.model)
    }
    finish(engine, open(engine, prompt(64), 2, store), store)
    save()
    // So near to the end that the sequence itself is cut and gone on with.
    const other = [...prompt(60), 250, 249, ...prompt(40, 5)]
    finish(engine, open(engine, other, 2, store), store)
    save()
    const next = new Engine(new MockModel())
    const turn = open(next, [...other, 7], 5, store)
    expect(finish(next, turn, store)).toEqual(greedyAlone([...other, 7], 5))
    expect(turn.cachedTokens).toBe(96)
  })

  test('keeps nothing of a session that is forgotten', () => {
    const use = noStorageUse()
    const store = vault(use)
    const engine = new Engine(new MockModel())
    const turn = engine.open({
      tenant: 'a',
      prompt: prompt(70),
      maxTokens: 3,
      choose: (logits) => ({ id: argmax(logits), stop: false }),
      vault: store,
      session: 'sess_0_a',
    })
    finish(engine, turn, store)
    engine.forget('sess_0_b')
    expect(engine.load.sequences).toBe(1)
    engine.forget('sess_0_a')
    expect([engine.load.sequences, use.runs]).toEqual([0, 0])
  })

  test('what was generated before is gone on with', () => {
    const store = vault()
    const whole = greedyAlone(prompt(50), 60)
    for (const done of [1, 15, 30]) {
      const engine = new Engine(new MockModel())
      const turn = engine.open({
        tenant: 'a',
        prompt: prompt(50),
        generated: whole.slice(0, done),
        maxTokens: 60,
        choose: (logits) => ({ id: argmax(logits), stop: false }),
        vault: store,
      })
      expect(finish(engine, turn, store)).toEqual(whole)
      expect(turn.promptTokens).toBe(50)
    }
  })

  test('turns that run for long make room for those that wait', () => {
    const store = vault()
    const engine = new Engine(new MockModel({ pageCount: 24, window: { window: 40, sinks: 4 } }))
    const long = open(engine, prompt(60, 1), 900, store)
    const others = [2, 3, 4, 5].map((seed) => open(engine, prompt(60, seed), 900, store))
    const turns = [long, ...others]
    const steps = new Map<Turn, number>()
    for (let step = 0; turns.some(({ state }) => state !== 'done'); step++) {
      if (step > 20_000) throw new Error('no progress')
      engine.step(store)
      for (const turn of turns) {
        turn.taken = turn.produced
        if (turn.produced > 0 && !steps.has(turn)) steps.set(turn, step)
      }
    }
    // Without turns the last one would begin when another had ended, after some 900 steps.
    expect(Math.max(...steps.values())).toBeLessThan(800)
    turns.forEach((turn, i) =>
      expect(turn.ids.slice(60)).toEqual(greedyAlone(prompt(60, i + 1), 900, { window: 40, sinks: 4 })),
    )
  })
})

describe('two lanes in an isolate', () => {
  test('neither touches the storage of the other', () => {
    const [myUse, theirUse] = [noStorageUse(), noStorageUse()]
    const [mine, theirs] = [vault(myUse), vault(theirUse)]
    const engine = new Engine(new MockModel({ pageCount: 8 }))
    const turn = open(engine, prompt(70, 1), 10, theirs)
    finish(engine, turn, theirs)
    // My turns drive their pages out of memory.
    finish(engine, open(engine, prompt(70, 2), 10, mine), mine)
    finish(engine, open(engine, prompt(70, 3), 10, mine), mine)
    expect(theirUse.runs).toBe(0)
    expect(myUse.runs).toBeGreaterThan(0)
    const again = open(engine, prompt(70, 1), 10, theirs)
    expect(finish(engine, again, theirs)).toEqual(greedyAlone(prompt(70, 1), 10))
    expect(again.cachedTokens).toBe(0)
  })

  test('a turn begins in a call of its own lane', () => {
    const [mine, theirs] = [vault(), vault()]
    const engine = new Engine(new MockModel({ pageCount: 8 }))
    const running = open(engine, prompt(70, 1), 20, mine)
    const waiting = open(engine, prompt(70, 2), 5, theirs)
    finish(engine, running, mine)
    engine.step(mine)
    expect(waiting.state).toBe('waiting')
    expect(finish(engine, waiting, theirs)).toEqual(greedyAlone(prompt(70, 2), 5))
  })

  test('one lets the other write what has just ended, for some time', () => {
    const [mine, theirs] = [vault(), vault()]
    const engine = new Engine(new MockModel({ pageCount: 8 }))
    const ended = open(engine, prompt(70, 1), 20, theirs)
    finish(engine, ended, theirs)
    const turn = open(engine, prompt(70, 2), 5, mine)
    engine.step(mine)
    expect(turn.state).toBe('waiting')
    for (const sequence of engine.sequencesOf(theirs)) theirs.save(sequence, engine.model)
    expect(finish(engine, turn, mine)).toEqual(greedyAlone(prompt(70, 2), 5))

    const late = open(engine, prompt(70, 3), 5, theirs)
    // Nobody comes to write the pages of mine: it goes on without.
    expect(finish(engine, late, theirs)).toEqual(greedyAlone(prompt(70, 3), 5))
  })
})

test('a step that finds another unfinished does not trust what that left', () => {
  const inner: (() => number)[] = []
  const engine = new Engine(new MockModel({ onForward: () => void inner[0]() }))
  // The platform kills an object in the middle of a step, and the next object enters the same engine.
  inner.push(() => engine.step())
  const turn = open(engine, prompt(20), 5)
  engine.step()
  expect(engine.failure).toMatchObject({ code: 'engine_failure' })
  expect(turn.state).toBe('failed')
})

test('nor does what finds an admission unfinished', () => {
  const engine = new Engine(new MockModel())
  let inner = (): void => undefined
  const killing = { id: 'k', save: () => undefined, find: () => (inner(), undefined) }
  // In the middle of a restore.
  inner = () => expect(() => open(engine, prompt(20), 5)).toThrow('in the middle')
  expect(() => open(engine, prompt(20, 2), 5, killing)).toThrow('in the middle')
  expect(engine.failure).toMatchObject({ code: 'engine_failure' })
})
