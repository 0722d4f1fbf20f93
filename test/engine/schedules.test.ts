// Random schedules: whatever lanes do between a step's plan and its commit, each turn has the ids that it has alone.

import { describe, expect, test } from 'vitest'
import { Engine } from '../../src/engine/engine.ts'
import type { Sequence } from '../../src/engine/sequence.ts'
import type { Turn } from '../../src/engine/turn.ts'
import { PageStore } from '../../src/storage/page-store.ts'
import type { Sql } from '../../src/storage/sql.ts'
import { StorageGuard } from '../../src/storage/storage-guard.ts'
import { argmax, greedyAlone, LaterModel, logitsAlone, type MockOptions } from '../helpers/mock-model.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { rng, type Rng } from '../helpers/rng.ts'

const LANES = 3
const EVENTS = 250
const MOST_LIVE = 6

type Lane = { id: string; sql: Sql; vault: PageStore }
type Live = {
  turn: Turn
  lane: Lane
  prompt: number[]
  maxTokens: number
  scores: Float32Array[] | undefined
}

function storeOf(id: string, sql: Sql): PageStore {
  const guard = new StorageGuard((error) => {
    throw error
  })
  const store = new PageStore(id, sql, guard)
  store.useModel(['model'])
  return store
}

/** One engine, some lanes with storage of their own, and turns whose prompts share their beginnings. */
class Schedule {
  readonly model: LaterModel
  readonly engine: Engine<LaterModel>
  readonly all: Live[] = []
  readonly seen = { forks: 0, marks: 0, inherited: 0, saved: 0 }
  readonly #rng: Rng
  readonly #lanes: Lane[]
  readonly #window: MockOptions['window']
  /** The lane in whose call the engine runs. */
  #calling: string | undefined
  #pending: { lane: Lane; ran: Promise<number>; lengths: Map<Sequence, number>; free: number } | undefined

  constructor(seed: number, options: MockOptions) {
    this.#rng = rng(seed)
    this.#window = options.window
    this.model = new LaterModel(options)
    this.engine = new Engine(this.model)
    this.#lanes = Array.from({ length: LANES }, (_, i) => {
      const id = `lane-${i}`
      const sql = nodeSql(() => {
        if (this.#calling !== id) throw new Error(`${id}'s storage in a call of ${this.#calling}`)
      })
      this.#calling = id
      return { id, sql, vault: storeOf(id, sql) }
    })
  }

  get live(): Live[] {
    return this.all.filter(({ turn: { state } }) => state === 'waiting' || state === 'running')
  }

  async event(): Promise<void> {
    const pick = this.#rng.int(20)
    if (pick < 5) this.#step(this.#lane())
    else if (pick < 11) await this.#settle()
    else if (pick < 14) this.#open(this.#lane())
    else if (pick < 15) this.#close()
    else if (pick < 16) this.#save(this.#lane())
    else if (pick < 17) this.#forget()
    else if (pick === 17 && this.#rng.int(3) === 0) this.#inherit(this.#lane())
    for (const { turn } of this.live) if (this.#rng.int(2) === 0) turn.taken = turn.produced
    this.#expectStill()
  }

  /** Drives all that lives to its end. */
  async drain(): Promise<void> {
    for (let i = 0; this.live.length > 0; i++) {
      if (i > 20_000) throw new Error('no progress')
      this.#step(this.#lanes[i % LANES])
      await this.#settle()
      for (const { turn } of this.live) turn.taken = turn.produced
    }
    await this.#settle()
  }

  check(): void {
    for (const { turn, prompt, maxTokens, scores } of this.all) {
      expect(turn.error).toBeUndefined()
      const answer = turn.ids.slice(prompt.length)
      expect(turn.ids.slice(0, prompt.length)).toEqual(prompt)
      if (turn.reason !== undefined) expect(answer.length).toBe(maxTokens)
      expect(answer).toEqual(greedyAlone(prompt, answer.length, this.#window))
      if (scores === undefined) continue
      if (turn.reason !== undefined) expect(scores.length).toBe(prompt.length - 1)
      expect(scores).toEqual(logitsAlone(prompt, this.#window).slice(0, scores.length))
    }
  }

  #lane(): Lane {
    return this.#lanes[this.#rng.int(LANES)]
  }

  #step(lane: Lane): void {
    this.#calling = lane.id
    const ran = this.engine.step(lane.vault)
    expect(this.engine.failure).toBeUndefined()
    const pending = this.#pending
    if (pending !== undefined) {
      if (pending.lane === lane) expect(ran).toBe(pending.ran)
      else expect(ran).toBe(0)
      return
    }
    if (typeof ran === 'number') return
    const lengths = new Map<Sequence, number>()
    for (const { turn } of this.live)
      if (turn.sequence !== undefined) lengths.set(turn.sequence, turn.sequence.length)
    this.#pending = { lane, ran, lengths, free: this.engine.load.pagesFree }
  }

  async #settle(): Promise<void> {
    if (this.#pending === undefined) return
    const { lane, ran } = this.#pending
    this.#expectStill()
    this.#pending = undefined
    // The commit is a call of the lane that planned.
    this.#calling = lane.id
    this.model.settle()
    expect(await ran).toBeGreaterThan(0)
    expect(this.engine.failure).toBeUndefined()
  }

  /** While a step is planned nothing moves. */
  #expectStill(): void {
    if (this.#pending === undefined) return
    for (const [sequence, length] of this.#pending.lengths) expect(sequence.length).toBe(length)
    expect(this.engine.load.pagesFree).toBe(this.#pending.free)
  }

  #open(lane: Lane): void {
    if (this.live.length >= MOST_LIVE) return
    const { int } = this.#rng
    // Three stems, cut anywhere, with an end of their own.
    const stem = int(3)
    const prompt = Array.from({ length: 1 + int(60) }, (_, i) => (i * 7 + stem * 31) % 251)
    for (let i = int(8); i > 0; i--) prompt.push(int(259))
    const maxTokens = 1 + int(40)
    const scores: Float32Array[] | undefined = int(5) === 0 ? [] : undefined
    const stored = int(4) > 0
    this.#calling = lane.id
    const turn = this.engine.open({
      tenant: `t${int(2)}`,
      prompt,
      maxTokens,
      choose: (logits) => ({ id: argmax(logits), stop: false }),
      ...(scores !== undefined && { score: (logits: Float32Array) => void scores.push(logits.slice()) }),
      owner: lane.vault,
      ...(stored && { vault: lane.vault, session: `s${int(4)}` }),
    })
    this.all.push({ turn, lane, prompt, maxTokens, scores })
  }

  #close(): void {
    const { live } = this
    if (live.length === 0) return
    const { turn, lane } = live[this.#rng.int(live.length)]
    if (this.engine.isPlanned && turn.sequence !== undefined) this.seen.marks++
    this.#calling = lane.id
    this.engine.close(turn)
  }

  #save(lane: Lane): void {
    if (this.engine.isPlanned) return
    this.#calling = lane.id
    for (const sequence of this.engine.sequencesOf(lane.vault)) {
      lane.vault.save(sequence, this.model)
      this.seen.saved++
    }
  }

  #forget(): void {
    if (this.engine.isPlanned) this.seen.marks++
    this.engine.forget(`s${this.#rng.int(4)}`)
  }

  /** The lane's object is made anew; had it planned the step, the engine would have failed. */
  #inherit(lane: Lane): void {
    if (this.#pending?.lane === lane) return
    this.#calling = lane.id
    lane.vault = storeOf(lane.id, lane.sql)
    this.engine.inherit(lane.vault)
    this.seen.inherited++
    for (const live of this.all)
      if (live.lane === lane) expect(['waiting', 'running']).not.toContain(live.turn.state)
  }

  /** What has occurred, so that a test can show that the schedules are what they are meant to be. */
  note(): void {
    for (const { turn } of this.all) if ((turn.cachedTokens ?? 0) > 0) this.seen.forks++
  }
}

describe.each([
  { title: 'a large pool', options: { pageCount: 64 } },
  { title: 'a pool that is short', options: { pageCount: 9, maxRows: 8 } },
  { title: 'one logit row', options: { pageCount: 14, maxLogitRows: 1 } },
  { title: 'windows in a pool that is short', options: { pageCount: 9, window: { window: 40, sinks: 4 } } },
  { title: 'narrow windows', options: { pageCount: 12, maxRows: 24, window: { window: 20, sinks: 2 } } },
])('$title', ({ options }) => {
  test('any schedule gives each turn the ids that it has alone', async () => {
    const total = { forks: 0, marks: 0, inherited: 0, saved: 0 }
    for (let seed = 1; seed <= 12; seed++) {
      const schedule = new Schedule(seed, options)
      for (let i = 0; i < EVENTS; i++) await schedule.event()
      await schedule.drain()
      schedule.check()
      schedule.note()
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += schedule.seen[key]
    }
    expect(total.forks).toBeGreaterThan(20)
    expect(total.marks).toBeGreaterThan(20)
    expect(total.inherited).toBeGreaterThan(5)
    expect(total.saved).toBeGreaterThan(20)
  }, 60_000)
})
