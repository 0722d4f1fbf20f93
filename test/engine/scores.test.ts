// Several rows of a sequence that yield logits: a turn may hear the logits of its whole prompt, in any mix of turns.

import { describe, expect, test } from 'vitest'
import { PLAIN } from '../../src/cache/prompt-shape.ts'
import { Engine } from '../../src/engine/engine.ts'
import { planStep } from '../../src/engine/scheduler.ts'
import { emptySequence } from '../../src/engine/sequence.ts'
import { newTurn, type Turn } from '../../src/engine/turn.ts'
import { argmax, greedyAlone, logitsAlone, MockModel, type MockOptions } from '../helpers/mock-model.ts'
import { runToEnd } from '../helpers/run-to-end.ts'

const prompt = (length: number, seed = 1): number[] =>
  Array.from({ length }, (_, i) => (i * 7 + seed * 31) % 251)
const greedy = (logits: Float32Array) => ({ id: argmax(logits), stop: false })

type Scored = { turn: Turn; scores: Float32Array[]; positions: number[] }

function openScored(engine: Engine, ids: readonly number[], maxTokens: number, generated?: number[]): Scored {
  const scores: Float32Array[] = []
  const positions: number[] = []
  const score = (logits: Float32Array, position: number): void => {
    scores.push(logits.slice())
    positions.push(position)
  }
  const turn = engine.open({
    tenant: 'a',
    prompt: ids,
    maxTokens,
    choose: greedy,
    score,
    ...(generated !== undefined && { generated }),
  })
  return { turn, scores, positions }
}

const window = { window: 40, sinks: 4 }

describe('scores of a prompt', () => {
  test.each<MockOptions>([
    {},
    { maxLogitRows: 1 },
    { maxLogitRows: 16 },
    { maxRows: 3 },
    { window, pageCount: 6 },
  ])('are the logits of each of its rows: %j', (options) => {
    const model = new MockModel(options)
    const engine = new Engine(model)
    const { turn, scores, positions } = openScored(engine, prompt(70), 12)
    runToEnd(engine, turn)
    expect(positions).toEqual(prompt(69).map((_, i) => i + 1))
    expect(scores).toEqual(logitsAlone(prompt(70), options.window))
    expect(turn.ids.slice(70)).toEqual(greedyAlone(prompt(70), 12, options.window))
    const most = Math.min(model.maxLogitRows, model.maxRows)
    expect(model.steps[0]).toEqual([most, most])
  })

  test('what was generated before is scored too', () => {
    const whole = greedyAlone(prompt(20), 12)
    const engine = new Engine(new MockModel())
    const { turn, scores } = openScored(engine, prompt(20), 12, whole.slice(0, 5))
    runToEnd(engine, turn)
    expect(scores).toEqual(logitsAlone([...prompt(20), ...whole.slice(0, 5)]))
    expect(turn.ids.slice(20)).toEqual(whole)
  })

  test('a prompt of one id has none', () => {
    const engine = new Engine(new MockModel())
    const { turn, scores } = openScored(engine, prompt(1), 3)
    runToEnd(engine, turn)
    expect(scores).toEqual([])
    expect(turn.ids.slice(1)).toEqual(greedyAlone(prompt(1), 3))
  })

  test('nothing of it is reused, and others reuse it', () => {
    const engine = new Engine(new MockModel())
    const first = engine.open({ tenant: 'a', prompt: prompt(50), maxTokens: 5, choose: greedy })
    runToEnd(engine, first)
    const scored = openScored(engine, prompt(50), 5)
    runToEnd(engine, scored.turn)
    expect(scored.turn.cachedTokens).toBe(0)
    expect(scored.scores).toEqual(logitsAlone(prompt(50)))
    const again = engine.open({ tenant: 'a', prompt: prompt(60), maxTokens: 5, choose: greedy })
    runToEnd(engine, again)
    expect(again.cachedTokens).toBe(50)
  })

  test('beside turns that decode, each gets its own, and all go on', () => {
    const model = new MockModel({ maxLogitRows: 3 })
    const engine = new Engine(model)
    const plain = [1, 2, 3].map((seed) =>
      engine.open({ tenant: 'a', prompt: prompt(9, seed), maxTokens: 40, choose: greedy }),
    )
    for (let i = 0; i < 5; i++) engine.step()
    const scored = [4, 5].map((seed) => openScored(engine, prompt(33, seed), 10))
    runToEnd(engine, ...plain, ...scored.map(({ turn }) => turn))
    plain.forEach((turn, i) => expect(turn.ids.slice(9)).toEqual(greedyAlone(prompt(9, i + 1), 40)))
    scored.forEach(({ turn, scores }, i) => {
      expect(scores).toEqual(logitsAlone(prompt(33, i + 4)))
      expect(turn.ids.slice(33)).toEqual(greedyAlone(prompt(33, i + 4), 10))
    })
    expect(Math.max(...model.steps.map(([, logits]) => logits))).toBe(3)
  })

  test('one that is sent back in its middle, and loses its pages, is scored once', () => {
    const model = new MockModel({ pageCount: 14, maxLogitRows: 2 })
    const engine = new Engine(model)
    const grows = engine.open({ tenant: 'a', prompt: prompt(40), maxTokens: 180, choose: greedy })
    const { turn, scores } = openScored(engine, prompt(100, 2), 9)
    while (turn.state !== 'waiting') {
      expect(engine.step()).toBeGreaterThan(0)
      grows.taken = grows.produced
    }
    expect(turn.wantsFrom).toBe(scores.length)
    expect(scores.length).toBeGreaterThan(20)
    expect(scores.length).toBeLessThan(99)
    runToEnd(engine, grows, turn)
    expect(scores).toEqual(logitsAlone(prompt(100, 2)))
    expect(turn.ids.slice(100)).toEqual(greedyAlone(prompt(100, 2), 9))
    // Its pages were taken, so that its rows were run again, but not for their logits.
    expect(model.rowsRun).toBeGreaterThan(40 + 179 + 100 + 8)
    expect(model.steps.reduce((sum, [, logits]) => sum + logits, 0)).toBe(180 + 99 + 9)
  })

  test('a turn whose score throws fails alone, and what was scored is in its sequence', () => {
    const engine = new Engine(new MockModel())
    const bad = engine.open({
      tenant: 'a',
      prompt: prompt(30),
      maxTokens: 5,
      choose: greedy,
      score: (_, position) => {
        if (position === 7) throw new Error('no score')
      },
    })
    const good = openScored(engine, prompt(20, 2), 9)
    runToEnd(engine, good.turn)
    expect(good.scores).toEqual(logitsAlone(prompt(20, 2)))
    expect(bad).toMatchObject({ state: 'failed', error: new Error('no score') })
    expect(engine.failure).toBeUndefined()
  })
})

describe('planning', () => {
  function turn(held: number, prefix = 0, scored = true): Turn {
    const made = newTurn(
      {
        tenant: 't',
        prompt: prompt(20),
        maxTokens: 9,
        choose: greedy,
        ...(scored && { score: () => undefined }),
      },
      { ...PLAIN, prefix },
    )
    made.sequence = { ...emptySequence('t'), length: held }
    made.wantsFrom = Math.max(made.wantsFrom, held)
    return made
  }
  const shape = (turns: Turn[], maxRows: number, maxLogitRows: number): number[][] =>
    planStep(turns, { maxRows, maxLogitRows }).map((part) => [
      turns.indexOf(part.turn),
      part.count,
      part.logits,
    ])

  test('counts every row that yields logits', () => {
    expect(shape([turn(0), turn(0)], 16, 4)).toEqual([[0, 4, 4]])
    expect(shape([turn(17), turn(0)], 16, 4)).toEqual([
      [0, 3, 3],
      [1, 1, 1],
    ])
    expect(shape([turn(0), turn(0, 0, false)], 16, 4)).toEqual([
      [0, 4, 4],
      [1, 12, 0],
    ])
    expect(shape([turn(19), turn(19), turn(0)], 16, 2)).toEqual([
      [0, 1, 1],
      [2, 1, 1],
    ])
  })

  test('a prefix that sees itself yields logits from its last row on', () => {
    expect(shape([turn(0, 10)], 16, 4)).toEqual([[0, 13, 4]])
    expect(shape([turn(0, 10)], 10, 4)).toEqual([[0, 10, 1]])
    expect(shape([turn(0, 10)], 9, 4)).toEqual([])
  })
})
