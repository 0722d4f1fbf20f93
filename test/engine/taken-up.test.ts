// What an engine tells a choice does not depend on where its turn is taken up: the position, the logits, the ids before.

import { describe, expect, test } from 'vitest'
import { Engine } from '../../src/engine/engine.ts'
import type { Turn } from '../../src/engine/turn.ts'
import { uniform } from '../../src/sampling/random.ts'
import { MockModel } from '../helpers/mock-model.ts'
import { runToEnd } from '../helpers/run-to-end.ts'

const prompt = (length: number, seed = 1): number[] =>
  Array.from({ length }, (_, i) => (i * 7 + seed * 31) % 251)

type Asked = { position: number; first: number }

/** Chooses at random by the position, as a sampler does, and notes what it was told. */
function sampled(
  engine: Engine,
  ids: readonly number[],
  maxTokens: number,
  generated: readonly number[] = [],
) {
  const asked: Asked[] = []
  const turn = engine.open({
    tenant: 'a',
    prompt: ids,
    generated,
    maxTokens,
    choose: (logits, position) => {
      asked.push({ position, first: logits[0] })
      return { id: Math.floor(uniform(7, position) * 200 + logits[0]) % 250, stop: false }
    },
  })
  return { turn, asked }
}

describe('a turn', () => {
  const engine = new Engine(new MockModel())
  const { turn, asked } = sampled(engine, prompt(37), 40)
  runToEnd(engine, turn)
  const answer = turn.ids.slice(37)

  test('is asked for each position once, behind the prompt', () => {
    expect(asked.map(({ position }) => position)).toEqual(Array.from({ length: 40 }, (_, i) => 37 + i))
  })

  test('taken up after any id is asked for the rest as before', () => {
    for (let cut = 0; cut < 40; cut++) {
      const cold = new Engine(new MockModel())
      for (const own of [cold, engine]) {
        const later = sampled(own, prompt(37), 40, answer.slice(0, cut))
        runToEnd(own, later.turn)
        expect(later.asked, `after ${cut}`).toEqual(asked.slice(cut))
        expect(later.turn.ids.slice(37)).toEqual(answer)
        expect(later.turn).toMatchObject({ promptTokens: 37, produced: 40, reason: 'length' })
      }
    }
  })

  test('sent back and admitted again is asked as if alone', () => {
    const short = new Engine(new MockModel({ pageCount: 8 }))
    const turns = [1, 2].map((seed) => sampled(short, prompt(17, seed), 70))
    runToEnd(short, ...turns.map((one) => one.turn))
    for (const [i, one] of turns.entries()) {
      const cold = new Engine(new MockModel())
      const alone = sampled(cold, prompt(17, i + 1), 70)
      runToEnd(cold, alone.turn)
      expect(one.asked).toEqual(alone.asked)
    }
    // What is found when it comes back was its own: it counts as computed.
    expect(turns.map((one) => one.turn.cachedTokens)).toEqual([0, 0])
    expect(Math.max(...turns.map((one) => one.turn.admittedAt))).toBeGreaterThan(2)
  })

  test('that was given all of its answer but one id computes that one', () => {
    const last = sampled(new Engine(new MockModel()), prompt(37), 40, answer.slice(0, 39))
    expect(last.turn.produced).toBe(39)
  })
})

test('a stop in the last place is a stop, and a limit reached is a limit', () => {
  const engine = new Engine(new MockModel())
  const open = (maxTokens: number, stopAt: number): Turn =>
    engine.open({
      tenant: 'a',
      prompt: prompt(5),
      maxTokens,
      choose: (_, position) => ({ id: position, stop: position === 5 + stopAt }),
    })
  const turns = [open(3, 2), open(3, 3), open(3, 0)]
  runToEnd(engine, ...turns)
  expect(turns.map(({ reason, produced }) => [reason, produced])).toEqual([
    ['stop', 3],
    ['length', 3],
    ['stop', 1],
  ])
})

test('a turn whose choice throws leaves the engine, and its pages as cache', () => {
  const engine = new Engine(new MockModel())
  const turn = engine.open({
    tenant: 'a',
    prompt: prompt(40),
    maxTokens: 5,
    choose: () => {
      throw new Error('no text')
    },
  })
  for (let step = 0; step < 10 && turn.state !== 'failed'; step++) engine.step()
  expect(turn).toMatchObject({ state: 'failed', error: new Error('no text') })
  expect(engine.load).toMatchObject({ running: 0, waiting: 0, sequences: 1 })
  expect(engine.step()).toBe(0)
})
