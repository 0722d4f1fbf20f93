// A few events of a tenant are on their way at once, in order, and a reader that is slow holds nobody up.

import { expect, test } from 'vitest'
import { HandOuts, MOST_ON_THE_WAY } from '../../src/lane/hand-outs.ts'

/** Looks come when a test says so. */
function bed() {
  const looks: (() => void)[] = []
  const handOuts = new HandOuts({ wait: () => new Promise((resolve) => looks.push(resolve)) })
  const went: string[] = []
  const back = new Map<string, () => void>()
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  return {
    looks,
    went,
    async begin(...events: string[]): Promise<void> {
      for (const event of events)
        void handOuts.begin(event[0]).then((isBack) => {
          went.push(event)
          back.set(event, isBack)
        })
      await settled()
    },
    async back(event: string): Promise<void> {
      back.get(event)?.()
      await settled()
    },
    async look(): Promise<void> {
      for (const look of looks.splice(0)) look()
      await settled()
    },
  }
}

const four = ['a1', 'a2', 'a3', 'a4']

test('a tenant has a few on their way, the next goes when one is back, and another tenant has its own', async () => {
  const made = bed()
  await made.begin(...four, 'a5', 'a6')
  expect(four).toHaveLength(MOST_ON_THE_WAY)
  expect(made.went).toEqual(four)
  await made.begin('b1')
  expect(made.went).toEqual([...four, 'b1'])
  await made.back('a3')
  await made.back('a3')
  expect(made.went).toEqual([...four, 'b1', 'a5'])
})

test('who is back goes behind those who wait', async () => {
  const made = bed()
  await made.begin(...four, 'a5', 'a6')
  await made.back('a1')
  await made.begin('a7')
  for (const event of ['a2', 'a3']) await made.back(event)
  expect(made.went).toEqual([...four, 'a5', 'a6', 'a7'])
})

test('an event that was there at two looks counts no more; nobody looks while nobody waits', async () => {
  const made = bed()
  await made.begin(...four)
  expect(made.looks).toHaveLength(0)
  await made.begin('a5', 'a6')
  expect(made.looks).toHaveLength(1)
  await made.look()
  expect(made.went).toEqual(four)
  await made.back('a1')
  expect(made.went).toEqual([...four, 'a5'])
  await made.look()
  expect(made.went).toEqual([...four, 'a5', 'a6'])
  expect(made.looks).toHaveLength(0)
  // Those that were late come back: they have no place to give.
  await made.begin('a7', 'a8', 'a9')
  await made.back('a2')
  expect(made.went).toEqual([...four, 'a5', 'a6', 'a7', 'a8'])
  await made.back('a5')
  expect(made.went.at(-1)).toBe('a9')
})
