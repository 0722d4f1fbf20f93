// Steps of a prompt are short while somebody waits for the token of an answer, and whole otherwise; no id changes by it.

import { expect, test } from 'vitest'
import { Engine } from '../../src/engine/engine.ts'
import type { EngineOptions } from '../../src/engine/engine-options.ts'
import { SHORT_ROWS } from '../../src/engine/scheduler.ts'
import { MAX_LAG, type Turn } from '../../src/engine/turn.ts'
import { argmax, greedyAlone, MockModel } from '../helpers/mock-model.ts'

const ROWS = 12
const prompt = (length: number, seed: number): number[] =>
  Array.from({ length }, (_, i) => (i * 7 + seed * 31) % 251)

function bed(options: EngineOptions = {}) {
  const model = new MockModel({ pageCount: 128, maxRows: 32 })
  const engine = new Engine(model, { rowsBesideAnswers: ROWS, ...options })
  const open = (length: number, seed: number, more: { tenant?: string; background?: boolean } = {}): Turn =>
    engine.open({
      tenant: 'a',
      prompt: prompt(length, seed),
      maxTokens: 60,
      choose: (logits) => ({ id: argmax(logits), stop: false }),
      ...more,
    })
  return { model, engine, open }
}

test('a prompt has whole steps alone, short ones beside an answer, each with a token of that', () => {
  const { engine, open } = bed()
  const answer = open(40, 1)
  expect(engine.step(), 'alone').toBe(32)
  const other = open(60, 2)
  expect(engine.step(), 'nobody decodes yet').toBe(32)
  expect([answer.produced, other.produced]).toEqual([1, 0])
  expect(engine.isHeard).toBe(true)
  expect(engine.step()).toBe(ROWS)
  expect([answer.produced, engine.step(), answer.produced]).toEqual([2, ROWS, 3])
  while (other.produced === 0) engine.step()
  expect(engine.step(), 'both decode').toBe(2)
  engine.close(answer)
  engine.close(other)
  expect(engine.isHeard).toBe(false)
  open(100, 3)
  expect(engine.step(), 'alone again').toBe(32)
})

test('nobody waits for a token in the background, or for one that a slow reader has not taken', () => {
  const { engine, open } = bed()
  const answer = open(5, 1)
  const behind = open(5, 2, { background: true })
  engine.step()
  expect([answer.produced, behind.produced]).toEqual([1, 1])
  open(300, 3)
  expect(engine.step()).toBe(ROWS)
  answer.taken = answer.produced - MAX_LAG
  expect([engine.isHeard, engine.step()]).toEqual([false, 32])
  answer.taken = answer.produced
  expect([engine.isHeard, engine.step()]).toEqual([true, ROWS])
})

test('the last row of a prompt is no answer yet', () => {
  const { engine, open } = bed()
  open(33, 1)
  engine.step() // one row is left of it
  open(100, 2)
  expect([engine.isHeard, engine.step()]).toEqual([false, 32])
})

test('where others may come, steps are no longer than they are then', () => {
  let isShared = true
  const { engine, open } = bed({ isShared: () => isShared })
  open(5, 1)
  engine.step()
  open(100, 2)
  expect(engine.step(), 'one tenant wants rows').toBe(SHORT_ROWS)
  open(100, 3, { tenant: 'b' })
  expect(engine.step(), 'two do').toBe(ROWS)
  isShared = false
  expect(engine.step()).toBe(ROWS)
})

test('answers are those that turns have alone', () => {
  const { engine, open, model } = bed()
  const turns = [open(70, 1), open(3, 2), open(90, 3), open(150, 4, { tenant: 'b' })]
  while (turns.some(({ state }) => state !== 'done')) {
    engine.step()
    for (const turn of turns) turn.taken = turn.produced
  }
  expect(model.steps.some(([rows]) => rows === ROWS)).toBe(true)
  for (const [i, length] of [70, 3, 90, 150].entries())
    expect(turns[i].ids.slice(length)).toEqual(greedyAlone(prompt(length, i + 1), 60))
})
