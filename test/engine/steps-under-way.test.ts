// Several steps under way: turns of one run while those of another are with a stage, in any order, each with the ids that it has alone.

import { beforeEach, describe, expect, test } from 'vitest'
import { Engine } from '../../src/engine/engine.ts'
import type { Turn } from '../../src/engine/turn.ts'
import type { Model, Outputs, Row } from '../../src/graph/model.ts'
import { argmax, greedyAlone, MockModel, type MockOptions } from '../helpers/mock-model.ts'
import { rng } from '../helpers/rng.ts'

/** Takes several runs, and answers each when it is told to. */
class SeveralModel extends MockModel {
  readonly stepsUnderWay: number
  readonly pending: { rows: readonly Row[]; answer: PromiseWithResolvers<Outputs> }[] = []

  constructor(steps: number, options: MockOptions = {}) {
    super(options)
    this.stepsUnderWay = steps
  }

  override run(rows: readonly Row[]): Outputs {
    const answer = Promise.withResolvers<Outputs>()
    this.pending.push({ rows, answer })
    return answer.promise as unknown as Outputs
  }

  /** Runs what the `index`-th run was given; what it yields stays as it is. */
  async settle(index = 0): Promise<void> {
    const [{ rows, answer }] = this.pending.splice(index, 1)
    const made = super.run(rows)
    const logits = rows.filter(({ yields }) => yields === 'logits').map((_, i) => made.logits(i))
    answer.resolve({ logits: (i) => logits[i], hidden: (i) => made.hidden(i) })
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const prompt = (seed: number, length = 5): number[] =>
  Array.from({ length }, (_, i) => (seed * 31 + i * 7) % 251)

let model: SeveralModel
let engine: Engine<Model>

function made(steps: number, options?: MockOptions): void {
  model = new SeveralModel(steps, options)
  engine = new Engine<Model>(model)
}

const open = (seed: number, maxTokens = 6, length?: number): Turn =>
  engine.open({
    tenant: 'one',
    prompt: prompt(seed, length),
    maxTokens,
    choose: (logits) => ({ id: argmax(logits), stop: false }),
  })

/** Turns that decode, each with its first id. */
async function decoding(count: number): Promise<Turn[]> {
  const turns = Array.from({ length: count }, (_, i) => open(i))
  while (turns.some(({ produced }) => produced === 0)) {
    void engine.step()
    await model.settle()
  }
  while (model.pending.length > 0) await model.settle()
  return turns
}

const partsOf = (): number[] => model.pending.map(({ rows }) => rows.length)

beforeEach(() => made(2))

describe('two steps', () => {
  test('share turns that decode, and no turn is in both', async () => {
    await decoding(4)
    void engine.step()
    void engine.step()
    expect(partsOf()).toEqual([2, 2])
    const tables = model.pending.map(({ rows }) => rows.map(({ pages }) => pages))
    expect(new Set(tables.flat()).size).toBe(4)
  })

  test('one is begun ahead, and `step` gives its end', async () => {
    await decoding(1)
    expect(engine.stepAhead()).toBe(true)
    const ran = engine.step()
    expect(partsOf()).toEqual([1])
    await model.settle()
    expect(await ran).toBe(1)
    made(1)
    await decoding(1)
    expect([engine.stepAhead(), partsOf()]).toEqual([false, []])
  })

  test('are all there are: the third call gets the oldest again', async () => {
    await decoding(3)
    const [first, second, third] = [engine.step(), engine.step(), engine.step()]
    expect([model.pending.length, second === first, third === first]).toEqual([2, true, true])
    await model.settle()
    expect(await first).toBeGreaterThan(0)
    expect(engine.isPlanned).toBe(true)
  })

  test.each([0, 1])('may end in any order: the %i. first', async (first) => {
    const turns = await decoding(2)
    while (turns.some(({ state }) => state === 'running')) {
      void engine.step()
      void engine.step()
      await model.settle(Math.min(first, model.pending.length - 1))
    }
    for (const [i, { ids, promptTokens }] of turns.entries())
      expect(ids.slice(promptTokens)).toEqual(greedyAlone(prompt(i), 6))
  })

  test('a turn that comes is admitted once none is under way, and holds up a second step until then', async () => {
    await decoding(2)
    void engine.step()
    const late = open(7)
    void engine.step()
    expect([model.pending.length, late.state]).toEqual([1, 'waiting'])
    await model.settle()
    void engine.step()
    expect(late.state).toBe('running')
  })

  test('a change that waits holds up a second step, and is made behind the last', async () => {
    const [one, other] = await decoding(2)
    void engine.step()
    void engine.step()
    engine.close(one)
    await model.settle()
    void engine.step()
    expect([model.pending.length, engine.load.running]).toEqual([1, 2])
    await model.settle()
    expect(engine.load.running).toBe(1)
    while (other.state === 'running') {
      void engine.step()
      await model.settle()
    }
    expect(other.ids.slice(other.promptTokens)).toEqual(greedyAlone(prompt(1), 6))
  })

  test('fail together: of neither is anything true', async () => {
    const turns = await decoding(2)
    const before = turns.map(({ ids }) => ids.length)
    const [first] = [engine.step(), engine.step()]
    model.pending[1].answer.reject(new Error('the stage was lost'))
    await new Promise((resolve) => setImmediate(resolve))
    await model.settle()
    expect([await first, String(engine.failure)]).toEqual([0, 'Error: the stage was lost'])
    expect(turns.map(({ state, ids }) => [state, ids.length])).toEqual(before.map((ids) => ['failed', ids]))
  })

  test('another lane gets 0 while they are under way', async () => {
    await decoding(2)
    void engine.step()
    void engine.step()
    expect(engine.step({ id: 'other', find: () => undefined, save: () => undefined })).toBe(0)
  })
})

test('a prompt is one of them, decoding another, and scores take all rows that yield something', async () => {
  await decoding(1)
  void engine.step()
  const late = open(3, 6, 12)
  await model.settle()
  void engine.step()
  expect(late.state).toBe('running')
  await model.settle()
  expect(late.produced).toBe(1)
})

test.each([2, 3, 4])(
  'random schedules with %i steps: each turn has the ids that it has alone',
  async (steps) => {
    for (let seed = 0; seed < 30; seed++) {
      const { int } = rng(100 * steps + seed)
      const window = int(2) === 0 ? undefined : 40
      made(steps, { window: { window, sinks: 2 }, pageCount: 24, maxRows: 8 })
      const turns: { turn: Turn; seed: number; length: number }[] = []
      for (let event = 0; event < 400; event++) {
        const kind = int(10)
        if (kind === 0 && turns.length < 12) {
          const length = 1 + int(40)
          turns.push({ turn: open(turns.length, 10, length), seed: turns.length, length })
        } else if (kind === 1 && turns.length > 0) {
          const { turn } = turns[int(turns.length)]
          if (int(4) === 0 || turn.state === 'done') engine.close(turn)
        } else if (kind < 6) void engine.step()
        else if (model.pending.length > 0) await model.settle(int(model.pending.length))
      }
      for (let step = 0; step < 600 && (engine.load.running > 0 || engine.load.waiting > 0); step++) {
        void engine.step()
        if (model.pending.length > 0) await model.settle(int(model.pending.length))
        for (const { turn } of turns) if (turn.reason !== undefined) engine.close(turn)
      }
      expect(engine.failure).toBeUndefined()
      for (const { turn, seed, length } of turns) {
        const answer = turn.ids.slice(turn.promptTokens)
        expect(answer).toEqual(
          greedyAlone(prompt(seed, length), 10, { window, sinks: 2 }).slice(0, answer.length),
        )
        if (turn.reason === 'length') expect(answer).toHaveLength(10)
      }
    }
  },
)
