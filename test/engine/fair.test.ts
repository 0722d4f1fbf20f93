// Fair queueing by tenant: what one tenant does costs another few steps, pages and rows are shared, and no bit of any answer changes.

import { describe, expect, test } from 'vitest'
import { Engine } from '../../src/engine/engine.ts'
import { QUANTUM } from '../../src/engine/fair-share.ts'
import type { Turn } from '../../src/engine/turn.ts'
import { PageStore } from '../../src/storage/page-store.ts'
import { StorageGuard } from '../../src/storage/storage-guard.ts'
import { argmax, greedyAlone, MockModel, type MockOptions } from '../helpers/mock-model.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { rng } from '../helpers/rng.ts'

const window = { window: 40, sinks: 4 }

const prompt = (length: number, seed = 1): number[] =>
  Array.from({ length }, (_, i) => (i * 7 + seed * 31) % 251)

function storage(): PageStore {
  const guard = new StorageGuard((error) => {
    throw error
  })
  const store = new PageStore('lane', nodeSql(), guard)
  store.useModel(['model'])
  return store
}

type Asked = { tenant: string; ids: readonly number[]; maxTokens: number; stored: boolean; unread: boolean }
type Live = Asked & { turn: Turn; openedAt: number; firstAt: number | undefined }

/** An engine with a lane's storage; what happens is counted in steps. */
class Bed {
  readonly model: MockModel
  readonly engine: Engine
  readonly all: Live[] = []
  /** Rows run, by tenant. */
  readonly rows = new Map<string, number>()
  steps = 0
  readonly #store = storage()

  constructor(options: MockOptions) {
    this.model = new MockModel(options)
    this.engine = new Engine(this.model)
  }

  open(
    tenant: string,
    ids: readonly number[],
    maxTokens: number,
    options: { stored?: boolean; unread?: boolean; background?: boolean } = {},
  ): Live {
    const { stored = true, unread = false, background = false } = options
    const turn = this.engine.open({
      tenant,
      prompt: ids,
      maxTokens,
      choose: (logits) => ({ id: argmax(logits), stop: false }),
      owner: this.#store,
      background,
      ...(stored && { vault: this.#store, session: `s${this.all.length}` }),
    })
    const live = { tenant, ids, maxTokens, stored, unread, turn, openedAt: this.steps, firstAt: undefined }
    this.all.push(live)
    return live
  }

  step(): void {
    const step = this.engine.plan(this.#store)
    if (step !== undefined) {
      for (const { turn, count } of step.parts)
        this.rows.set(turn.tenant, (this.rows.get(turn.tenant) ?? 0) + count)
      this.engine.commit(step, this.model.run(step.rows))
    }
    this.steps += 1
    for (const live of this.all) {
      const { turn, unread } = live
      if (!unread) turn.taken = turn.produced
      if (turn.produced > 0) live.firstAt ??= this.steps
    }
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) this.step()
  }

  until(done: () => boolean): void {
    for (let i = 0; !done(); i++) {
      if (i > 50_000) throw new Error('no progress')
      this.step()
    }
  }

  /** Steps from a new turn's opening to its first token. */
  firstToken(tenant: string, ids: readonly number[]): number {
    const live = this.open(tenant, ids, 4)
    this.until(() => live.turn.state === 'done')
    expect(live.turn.ids.slice(ids.length)).toEqual(greedyAlone(ids, 4, this.model.window))
    return (live.firstAt ?? Infinity) - live.openedAt
  }

  /** Whatever there is of each answer is what the turn gives alone. */
  check(): void {
    for (const { turn, ids } of this.all) {
      expect(turn.error).toBeUndefined()
      const answer = turn.ids.slice(ids.length)
      expect(answer).toEqual(greedyAlone(ids, answer.length, this.model.window))
    }
  }
}

describe('the first token of B', () => {
  const options = { window, pageCount: 9, maxRows: 16 }
  const endless = (bed: Bed, stored: boolean): void => void bed.open('a', prompt(90, 1), 800, { stored })
  const longPrompts = (bed: Bed): void => {
    for (let i = 0; i < 3; i++) bed.open('a', prompt(900, 2 + i), 5)
  }
  const unread = (bed: Bed): void => {
    for (let i = 0; i < 64; i++) bed.open('a', prompt(20, 10 + i), 100, { unread: true })
  }
  const background = (bed: Bed): void => {
    for (let i = 0; i < 100; i++) bed.open('a', prompt(60, 100 + i), 40, { background: true })
  }
  /** Beside one ordinary stream of A's. */
  const usual = (() => {
    const bed = new Bed({ ...options, pageCount: 40 })
    bed.open('a', prompt(30), 400)
    bed.run(20)
    return bed.firstToken('b', prompt(40, 9))
  })()

  const rows: { title: string; act(bed: Bed): void }[] = [
    { title: 'an endless stream that keeps nothing', act: (bed) => endless(bed, false) },
    { title: 'an endless stream that is stored', act: (bed) => endless(bed, true) },
    { title: 'long prompts', act: longPrompts },
    { title: '64 streams that nobody reads', act: unread },
    { title: '100 turns in the background', act: background },
    {
      title: 'all of it',
      act: (bed) => {
        endless(bed, false)
        longPrompts(bed)
        unread(bed)
        background(bed)
      },
    },
  ]

  test.each(rows)(
    '$title of A',
    ({ act }) => {
      const bed = new Bed(options)
      act(bed)
      const random = rng(5)
      const waits: number[] = []
      for (let i = 0; i < 50; i++) {
        bed.run(1 + random.int(60))
        waits.push(bed.firstToken('b', prompt(40, 1000 + i)))
      }
      waits.sort((a, b) => a - b)
      expect(waits[25]).toBeLessThanOrEqual(3 * usual)
      expect(waits[49]).toBeLessThanOrEqual(6 * usual)
      bed.check()
    },
    60_000,
  )
})

describe('shares', () => {
  const tenants = Array.from({ length: 10 }, (_, i) => `t${i}`)
  const tokensOf = (bed: Bed, tenant: string): number =>
    bed.all.filter((live) => live.tenant === tenant).reduce((sum, { turn }) => sum + turn.produced, 0)

  test('10 tenants of 6 sessions on pages for 3, stored: rows and tokens within 10 %', () => {
    const bed = new Bed({ window, pageCount: 19, maxRows: 16 })
    for (let session = 0; session < 6; session++)
      for (const tenant of tenants) bed.open(tenant, prompt(20 + 10 * session, bed.all.length), 800)
    bed.run(10_000)
    const rows = tenants.map((tenant) => bed.rows.get(tenant) ?? 0)
    const tokens = tenants.map((tenant) => tokensOf(bed, tenant))
    const isLive = (tenant: string): boolean =>
      bed.all.some((live) => live.tenant === tenant && live.turn.state === 'waiting')
    expect(tenants.every(isLive), 'all want more').toBe(true)
    expect(Math.min(...rows)).toBeGreaterThan(0.9 * Math.max(...rows))
    expect(Math.min(...tokens)).toBeGreaterThan(0.9 * Math.max(...tokens))
    bed.check()
  }, 120_000)

  // What was not kept is run again, as many rows as its answer has by then: a slice is that long, and so
  // shares are even after some slices of each.
  test('10 tenants of 6 sessions on pages for 3, not stored: tokens within 10 %, rows within 20 %', () => {
    const bed = new Bed({ window, pageCount: 19, maxRows: 16 })
    const sessions = tenants.flatMap((tenant) =>
      Array.from({ length: 6 }, (_, i) => ({ tenant, length: 20 + 10 * i })),
    )
    const ask = ({ tenant, length }: { tenant: string; length: number }): Live =>
      bed.open(tenant, prompt(length, bed.all.length), 300, { stored: false })
    const live = sessions.map(ask)
    while (bed.steps < 24_000) {
      bed.step()
      // Who has an answer asks again.
      for (const [i, { turn }] of live.entries()) if (turn.state === 'done') live[i] = ask(sessions[i])
    }
    const rows = tenants.map((tenant) => bed.rows.get(tenant) ?? 0)
    const tokens = tenants.map((tenant) => tokensOf(bed, tenant))
    expect(Math.min(...tokens)).toBeGreaterThan(0.9 * Math.max(...tokens))
    expect(Math.min(...rows)).toBeGreaterThan(0.8 * Math.max(...rows))
    bed.check()
  }, 120_000)

  test('beside a tenant that stores, one that does not gets as many tokens, and twice its rows at most', () => {
    const bed = new Bed({ window, pageCount: 19, maxRows: 16 })
    for (let i = 0; i < 12; i++) bed.open(`u${i % 4}`, prompt(150, i), 850, { stored: false })
    for (let i = 0; i < 3; i++) bed.open('kept', prompt(150, 20 + i), 850)
    bed.run(3_000)
    const all = ['kept', 'u0', 'u1', 'u2', 'u3']
    const [kept, ...others] = all.map((tenant) => bed.rows.get(tenant) ?? 0)
    const tokens = all.map((tenant) => tokensOf(bed, tenant))
    expect(Math.max(...others)).toBeLessThan(2 * kept + 2 * QUANTUM)
    expect(Math.min(...tokens)).toBeGreaterThan(0.8 * Math.max(...tokens))
    bed.check()
  }, 60_000)

  test('a step is shared among prompts, and who decodes goes first', () => {
    const bed = new Bed({ pageCount: 200, maxRows: 32 })
    bed.open('a', prompt(30), 400)
    bed.run(10)
    for (const seed of [2, 3]) bed.open('a', prompt(400, seed), 5)
    bed.run(3)
    bed.open('b', prompt(400, 4), 5)
    bed.run(2) // b was idle: it goes first
    bed.rows.clear()
    for (let step = 0; step < 6; step++) {
      const before = bed.all[0].turn.produced
      bed.step()
      expect(bed.all[0].turn.produced).toBe(before + 1)
    }
    const [a = 0, b = 0] = ['a', 'b'].map((tenant) => bed.rows.get(tenant))
    expect(a + b).toBe(6 * 32)
    expect(b).toBeGreaterThanOrEqual(a)
  })

  test('the queue: who holds more than its share is turned away, and nobody else', () => {
    const engine = new Engine(new MockModel({ pageCount: 4 }), { queueLimit: 8 })
    const open = (tenant: string): Turn =>
      engine.open({ tenant, prompt: prompt(50), maxTokens: 9, choose: () => ({ id: 1, stop: false }) })
    for (let i = 0; i < 9; i++) open('a') // one runs
    expect(() => open('a')).toThrow(expect.objectContaining({ code: 'overloaded' }))
    for (let i = 0; i < 4; i++) open('b')
    for (const full of ['a', 'b'])
      expect(() => open(full)).toThrow(expect.objectContaining({ code: 'overloaded' }))
    for (let i = 0; i < 2; i++) open('c')
    expect(() => open('c')).toThrow(expect.objectContaining({ code: 'overloaded' }))
  })
})

describe('random arrivals', () => {
  test.each([
    { title: 'a large pool', options: { pageCount: 64, window } },
    { title: 'a pool for two', options: { pageCount: 14, window } },
    { title: 'a pool for one', options: { pageCount: 8, window, maxRows: 8 } },
    { title: 'one logit row', options: { pageCount: 14, window, maxLogitRows: 1 } },
    { title: 'full attention', options: { pageCount: 14 } },
  ])(
    'nobody waits for more than a slice, and nothing that was accepted fails: $title',
    ({ options }) => {
      for (let seed = 1; seed <= 4; seed++) {
        const { int } = rng(seed)
        const bed = new Bed(options)
        const modest: Live[] = []
        for (let step = 0; step < 1500; step++) {
          // Three tenants do as they like; a fourth has one turn at a time.
          if (int(20) === 0 && bed.all.length - modest.length < 60)
            bed.open(`t${int(3)}`, prompt(1 + int(120), int(9)), 1 + int(100), {
              stored: int(2) === 0,
              unread: int(6) === 0,
              background: int(5) === 0,
            })
          if (modest.every(({ turn }) => turn.state === 'done') && int(30) === 0)
            modest.push(bed.open('modest', prompt(30, step), 3))
          bed.step()
        }
        for (const live of bed.all) live.unread = false
        bed.until(() => bed.all.every(({ turn }) => turn.state === 'done'))
        bed.check()
        const waits = modest.map(({ openedAt, firstAt }) => (firstAt ?? Infinity) - openedAt)
        expect(waits.length).toBeGreaterThan(10)
        expect(Math.max(...waits)).toBeLessThanOrEqual(QUANTUM)
      }
    },
    120_000,
  )

  test('a turn in the background is not put off for ever', () => {
    const bed = new Bed({ pageCount: 8, window, maxRows: 8 })
    bed.open('a', prompt(30, 1), 5)
    const put = bed.open('a', prompt(30, 2), 100, { background: true })
    const { int } = rng(2)
    for (let step = 0; step < 40_000 && put.turn.state !== 'done'; step++) {
      // Somebody waits all the time.
      if (bed.engine.load.waiting < 3) bed.open(`t${int(3)}`, prompt(60, int(99)), 60)
      bed.all.splice(2, bed.all.length - 12)
      bed.step()
      for (const { turn } of bed.all) turn.taken = turn.produced
    }
    expect(put.turn.state).toBe('done')
    bed.check()
  }, 60_000)

  test('a turn that keeps nothing gets on, though others come again and again', () => {
    const bed = new Bed({ pageCount: 7, window, maxRows: 8 })
    const endless = bed.open('a', prompt(90), 900, { stored: false })
    for (let i = 0; i < 400; i++) {
      bed.run(4)
      bed.firstToken('b', prompt(20, i % 200))
      bed.all.splice(1)
    }
    expect(endless.turn.produced).toBeGreaterThan(100)
    bed.check()
  }, 60_000)
})
