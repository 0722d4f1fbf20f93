// A link keeps calls in order, ends sessions that nobody uses and calls that nobody answers, and knows when a stage began anew.

import { beforeEach, describe, expect, test } from 'vitest'
import type { OpenReply, StageDoor } from '../../src/chain/calls.ts'
import { Link, MissingRuns } from '../../src/chain/link.ts'
import type { StageCall, StageReply, StageSetup } from '../../src/chain/messages.ts'
import { wholeRange } from '../../src/weights/layer-range.ts'
import { MOCK_SPEC } from '../helpers/mock-model.ts'

const SETUP: StageSetup = {
  engine: 'e',
  window: { window: undefined, sinks: 0 },
  chunk: 16,
  logitRows: 4,
  pages: 8,
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A clock that goes on when it is told. */
class TestClock {
  time = 0
  #waiting: { at: number; resolve: () => void }[] = []

  now(): number {
    return this.time
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ at: this.time + ms, resolve }))
  }

  /** In steps of so many milliseconds. */
  async pass(ms: number, step = 50): Promise<void> {
    for (let passed = 0; passed < ms; passed += step) {
      this.time += step
      const due = this.#waiting.filter(({ at }) => at <= this.time)
      this.#waiting = this.#waiting.filter(({ at }) => at > this.time)
      for (const { resolve } of due) resolve()
      await settled()
    }
  }
}

class TestStage {
  epoch = 'first'
  opened = 0
  ended = 0
  calls: StageCall[] = []
  answer: (call: StageCall) => Promise<StageReply> = async () => ({ ms: 0 })
  open: () => Promise<OpenReply> = async () => {
    this.opened += 1
    const call = (message: StageCall): Promise<StageReply> => {
      this.calls.push(message)
      return this.answer(message)
    }
    return { epoch: this.epoch, session: { call }, [Symbol.dispose]: () => void (this.ended += 1) }
  }
  report = async () => ({
    state: 'ready' as const,
    done: 7,
    total: 9,
    linearMemoryBytes: 1234,
    storage: { runs: 0, bytes: 0 },
  })

  get door(): StageDoor {
    return { connect: () => ({ open: () => this.open(), report: () => this.report() }) }
  }
}

let clock: TestClock
let stage: TestStage
let link: Link

beforeEach(() => {
  clock = new TestClock()
  stage = new TestStage()
  link = new Link({
    name: 'stage 1',
    share: { range: wholeRange(MOCK_SPEC), weightBytes: 9 },
    door: stage.door,
    clock,
  })
})

const opened = async (): Promise<void> => {
  const progress: number[][] = []
  const opening = link.open(SETUP, (...told) => progress.push(told))
  await clock.pass(200)
  await opening
  expect(progress.at(-1)).toEqual([9, 9])
}

describe('a link', () => {
  test('opens a stage and a session at once, and asks by that', async () => {
    expect(link.state).toBe('loading')
    await opened()
    expect([link.state, link.linearMemoryBytes]).toEqual(['open', 1234])
    await Promise.all([link.flush(), link.flush()])
    expect([stage.opened, link.state, link.hops.calls]).toEqual([1, 'open', 2])
  })

  test('that is closed before it has opened ends the session when that comes', async () => {
    const { open } = stage
    const gate = Promise.withResolvers<void>()
    stage.open = async () => (await gate.promise, open())
    const opening = link.open(SETUP, () => undefined).catch((error: unknown) => error)
    await clock.pass(200)
    link.close()
    gate.resolve()
    await clock.pass(200)
    await opening
    expect([stage.opened, stage.ended]).toEqual([1, 1])
  })

  test('tells what happened to pages in order, with the next call', async () => {
    await opened()
    link.enqueue({ do: 'copy', to: 1, from: 2 })
    link.enqueue({ do: 'drop', runs: [3] })
    const rows = {
      positions: new Int32Array(1),
      yields: new Uint8Array(1),
      of: new Uint8Array(1),
      sequences: [],
    }
    stage.answer = async () => ({ ms: 0, stream: new Float32Array(2) })
    await link.run(rows, new Float32Array(2))
    await link.run(rows, new Float32Array(2))
    const told = stage.calls.map((call) => ('ops' in call ? call.ops.map((op) => op.do) : []))
    expect(told).toEqual([['copy', 'drop'], []])
    expect(link.hasOps).toBe(false)
  })

  test('ends its session when nobody has asked for some time, and opens another', async () => {
    await opened()
    await link.flush()
    await clock.pass(1900)
    expect([stage.ended, link.state]).toEqual([0, 'open'])
    await clock.pass(2000)
    expect([stage.ended, link.state]).toEqual([1, 'idle'])
    await link.flush()
    expect(link.state).toBe('open')
  })

  test('gives up a call that is not answered', async () => {
    await opened()
    stage.answer = () => new Promise(() => undefined)
    const call = link.flush().catch((error: unknown) => error)
    await clock.pass(14_000)
    expect(link.hops.calls).toBe(0)
    await clock.pass(3000)
    expect(await call).toMatchObject({
      code: 'lane_lost',
      message: expect.stringContaining('not answered') as unknown,
    })
  })

  test('a stage that began anew is lost, since its pages are', async () => {
    await opened()
    await link.flush()
    await clock.pass(5000)
    stage.epoch = 'second'
    await expect(link.flush()).rejects.toMatchObject({
      code: 'lane_lost',
      message: expect.stringContaining('anew') as unknown,
    })
    expect(stage.ended).toBe(2)
  })

  test.each([
    [
      'what RPC throws',
      () => Promise.reject(new Error('Network connection lost.')),
      'lane_lost',
      'Network connection lost',
    ],
    [
      "a stage's error",
      async () => ({ ms: 0, error: { code: 'out_of_memory', message: 'no room' } }),
      'out_of_memory',
      'stage 1: no room',
    ],
  ] as const)('%s is an error by its code', async (_, answer, code, message) => {
    await opened()
    stage.answer = answer
    await expect(link.flush()).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as unknown,
    })
  })

  test('runs that a stage has lost are told by their ids', async () => {
    await opened()
    stage.answer = async () => ({ ms: 0, missing: [5, 6] })
    const error = await link.flush().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(MissingRuns)
    expect(error).toMatchObject({ code: 'lane_lost', runs: [5, 6] })
  })

  test('counts a hop without what the stage computed', async () => {
    await opened()
    stage.answer = async () => {
      await clock.wait(300)
      return { ms: 250 }
    }
    const call = link.flush()
    await clock.pass(400)
    await call
    expect(link.hops).toMatchObject({ lastMs: 50, slowestMs: 50 })
  })

  test('that is closed fails calls that wait, and takes no more', async () => {
    await opened()
    stage.answer = () => new Promise(() => undefined)
    const waiting = link.flush().catch((error: unknown) => error)
    await settled()
    link.close()
    expect(await waiting).toMatchObject({ code: 'lane_lost' })
    await expect(link.flush()).rejects.toMatchObject({ code: 'lane_lost' })
    expect([link.state, stage.ended]).toEqual(['lost', 1])
  })

  test('a load that fails, or makes no progress, fails the opening', async () => {
    stage.open = async () => ({ error: { code: 'checksum_mismatch', message: 'damaged' } })
    const failing = link.open(SETUP, () => undefined).catch((error: unknown) => error)
    await clock.pass(200)
    expect(await failing).toMatchObject({ code: 'checksum_mismatch', message: 'stage 1: damaged' })
    stage.open = () => new Promise(() => undefined)
    const stuck = link.open(SETUP, () => undefined).catch((error: unknown) => error)
    await clock.pass(20_000)
    expect(await stuck).toMatchObject({
      code: 'lane_lost',
      message: expect.stringContaining('no progress') as unknown,
    })
  })

  test('finds out whether the stage has a thread of its own', async () => {
    await opened()
    stage.answer = async () => {
      await clock.wait(24)
      return { ms: 24 }
    }
    const beside = link.isBeside()
    // The clock goes on in steps of 50 ms, as if the thread were taken.
    await clock.pass(2000)
    expect(await beside).toBe(false)
    expect(stage.calls.filter((call) => call.do === 'spin')).toHaveLength(3)
    const other = link.isBeside()
    await clock.pass(100, 1)
    expect(await other).toBe(true)
  })
})
