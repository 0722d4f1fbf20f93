// Turns that wait to go on unread: tenants in turns, and within a tenant whoever came first.

import { beforeEach, expect, test } from 'vitest'
import { UnreadQueue } from '../../src/lane/unread-queue.ts'

let queue: UnreadQueue
const add = (...turns: string[]): void => {
  for (const turn of turns) queue.add({ tenant: turn[0], turn })
}
function taken(): string[] {
  const turns: string[] = []
  for (let next = queue.take(); next !== undefined; next = queue.take()) {
    expect(next.tenant).toBe(next.turn[0])
    turns.push(next.turn)
  }
  return turns
}

beforeEach(() => {
  queue = new UnreadQueue()
})

test('gives one of each tenant in turns, and none twice', () => {
  add('a1', 'a2', 'a3', 'b1', 'c1', 'c2')
  expect(taken()).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3'])
  expect(queue.take()).toBeUndefined()
})

test('has a turn once, however often it is added, in its first place', () => {
  add('a1', 'a2', 'a1')
  expect(taken()).toEqual(['a1', 'a2'])
  add('a1')
  expect(taken()).toEqual(['a1'])
})

test('a tenant that is served goes behind those that wait, and one that comes behind them all', () => {
  add('a1', 'a2', 'b1', 'b2')
  expect(queue.take()).toEqual({ tenant: 'a', turn: 'a1' })
  add('c1')
  expect(queue.take()).toEqual({ tenant: 'b', turn: 'b1' })
  add('a3')
  expect(taken()).toEqual(['a2', 'c1', 'b2', 'a3'])
})

test('is empty when it is cleared', () => {
  add('a1', 'b1')
  queue.clear()
  expect(queue.take()).toBeUndefined()
})
