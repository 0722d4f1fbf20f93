// Who gets the rows of a step: tenants that were served less, turns that somebody waits for, and a late prefix before all.

import { expect, test } from 'vitest'
import { PLAIN } from '../../src/cache/prompt-shape.ts'
import { QUANTUM } from '../../src/engine/fair-share.ts'
import { Engine } from '../../src/engine/engine.ts'
import { planStep, shortStep, SHORT_ROWS } from '../../src/engine/scheduler.ts'
import { emptySequence } from '../../src/engine/sequence.ts'
import { MAX_LAG, newTurn, type Turn } from '../../src/engine/turn.ts'
import { argmax, MockModel } from '../helpers/mock-model.ts'

function turn(tenant: string, pending: number, { background = false, prefix = 0 } = {}): Turn {
  const prompt = Array.from({ length: 400 }, () => 1)
  const choose = () => ({ id: 0, stop: false })
  const made = newTurn({ tenant, prompt, maxTokens: 9, choose, background }, { ...PLAIN, prefix })
  made.sequence = { ...emptySequence(tenant), length: 400 - pending }
  return made
}

/** Rows of each turn, in the order of the turns. */
function rows(
  turns: readonly Turn[],
  maxRows: number,
  served: Record<string, number> = {},
  maxLogitRows = 8,
): number[] {
  const parts = planStep(turns, { maxRows, maxLogitRows }, (tenant) => served[tenant] ?? 0)
  return turns.map((of) => parts.find((part) => part.turn === of)?.count ?? 0)
}

test('two prompts of tenants that were served alike have half of a step each', () => {
  expect(rows([turn('a', 300), turn('b', 300)], 64)).toEqual([32, 32])
})

test('who was served less comes first, until it was served as much', () => {
  expect(rows([turn('a', 300), turn('b', 300)], 64, { a: 1000 })).toEqual([0, 64])
  expect(rows([turn('a', 300), turn('b', 300)], 64, { a: 32 })).toEqual([16, 48])
})

test('turns of one tenant come one after the other, and share with another as one', () => {
  expect(rows([turn('a', 300), turn('a', 300)], 64)).toEqual([64, 0])
  expect(rows([turn('a', 16), turn('a', 300), turn('b', 300)], 64)).toEqual([16, 16, 32])
})

test('who only leaves rows over gives them to the others', () => {
  expect(rows([turn('a', 10), turn('b', 300)], 64)).toEqual([10, 54])
})

test('the background has what is left, in decoding and in prompts', () => {
  const behind = { background: true }
  expect(rows([turn('a', 1, behind), turn('b', 1)], 8, {}, 1)).toEqual([0, 1])
  expect(rows([turn('a', 300, behind), turn('b', 40)], 64)).toEqual([24, 40])
  // It leaves a row that yields logits to a prompt of its kind, too.
  expect(rows([turn('a', 1, behind), turn('b', 5, behind)], 8, {}, 1)).toEqual([0, 5])
})

test('a prefix of one step goes before decoding when all others were served a quantum more', () => {
  const late = (
    served: Record<string, number>,
    more: Parameters<typeof turn>[2] = {},
    pending = 400,
  ): number[] => rows([turn('a', 1), turn('c', 1), turn('b', pending, { prefix: 16, ...more })], 16, served)
  expect(late({ a: QUANTUM, c: QUANTUM })).toEqual([0, 0, 16])
  expect(late({ a: QUANTUM, c: QUANTUM - 1 })).toEqual([1, 1, 0])
  expect(late({ a: 10 + QUANTUM, c: 10 + QUANTUM, b: 10 })).toEqual([0, 0, 16])
  expect(late({ a: 9 + QUANTUM, c: 9 + QUANTUM, b: 10 })).toEqual([1, 1, 0])
  expect(late({ a: 9e9, c: 9e9 }, { background: true }), 'not for nobody').toEqual([1, 1, 0])
  expect(late({ a: 9e9, c: 9e9 }, {}, 384), 'the prefix has run').toEqual([1, 1, 14])
  expect(rows([turn('b', 1), turn('b', 400, { prefix: 16 })], 16), 'nobody else is there').toEqual([1, 0])
})

test('a prompt has short steps while others may come and want nothing, and whole ones once they want rows', () => {
  let isShared = false
  const model = new MockModel({ pageCount: 64, maxRows: 32 })
  const engine = new Engine(model, { isShared: () => isShared })
  const open = (tenant: string, length: number, background = false): Turn =>
    engine.open({
      tenant,
      prompt: Array.from({ length }, (_, i) => (i * 7) % 251),
      maxTokens: 40,
      choose: (logits) => ({ id: argmax(logits), stop: false }),
      background,
    })
  open('a', 300)
  expect(engine.step(), 'alone').toBe(32)
  isShared = true
  expect([engine.step(), engine.step()], 'others are there').toEqual([SHORT_ROWS, SHORT_ROWS])
  const behind = open('c', 20, true)
  expect(engine.step(), 'nobody waits for it').toBe(SHORT_ROWS)
  engine.close(behind)
  const b = open('b', 40)
  expect(engine.step(), 'b wants rows').toBe(32)
  while (b.produced === 0) expect(engine.step(), 'until its first token').toBe(32)
  expect(engine.step(), 'b decodes').toBe(32)
  b.taken = b.produced - MAX_LAG
  expect(engine.step(), 'the reader of b is slow').toBe(SHORT_ROWS)
  engine.close(b)
  expect(engine.step()).toBe(SHORT_ROWS)
})

test('a prefix that has to be one step is one, whoever may come', () => {
  expect(shortStep([turn('a', 400, { prefix: 300 })], 512)).toBe(512)
  expect(shortStep([turn('a', 100, { prefix: 300 })], 512), 'it has been run').toBe(SHORT_ROWS)
  expect(shortStep([turn('a', 400)], 4), 'no more than there are').toBe(4)
})
