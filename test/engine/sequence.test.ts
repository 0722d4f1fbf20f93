// A sequence's pages by their holders: cut, forked, made writable, given back; and which sequence a turn goes on from.

import { beforeEach, describe, expect, test } from 'vitest'
import { PagePool } from '../../src/cache/page-pool.ts'
import { PLAIN } from '../../src/cache/prompt-shape.ts'
import { mostReusable } from '../../src/engine/reuse.ts'
import {
  emptySequence,
  fork,
  fullPages,
  holdsNothingOfItsOwn,
  makeWritable,
  pagesHeld,
  pagesToWrite,
  releaseDead,
  truncate,
  type Sequence,
} from '../../src/engine/sequence.ts'
import type { Vault } from '../../src/engine/vault.ts'
import { PAGE_POSITIONS } from '../../src/kernels/layout.ts'
import { MockModel } from '../helpers/mock-model.ts'

const FULL = { window: undefined, sinks: 0 }
const vaultOf = (id: string): Vault => ({ id, find: () => undefined, save: () => undefined })

let pool: PagePool
beforeEach(() => {
  pool = new PagePool(40)
})

const take = (after?: number): number => pool.take(after) ?? expect.unreachable()

/** A sequence of so many positions, which have their pages. */
function sequenceOf(length: number, changes: Partial<Sequence> = {}): Sequence {
  const pages = Array.from({ length: Math.ceil(length / PAGE_POSITIONS) }, () => take())
  const ids = Array.from({ length }, (_, id) => id)
  return { ...emptySequence('a'), ids, length, pages, ...changes }
}

describe('pages of a sequence', () => {
  test('are full up to its last whole one, and held where they lie in the pool', () => {
    expect([0, 15, 16, 47, 48].map((length) => fullPages({ length }))).toEqual([0, 0, 1, 2, 3])
    expect(pagesHeld({ pages: [3, undefined, 0, undefined] })).toBe(2)
    expect(emptySequence('a')).toMatchObject({ ids: [], pages: [], length: 0, busy: false, saved: 0 })
  })

  test('wait to be written where storage of another lane has not got them', () => {
    const [own, other] = [vaultOf('own'), vaultOf('other')]
    const waiting = (changes: Partial<Sequence>) =>
      pagesToWrite([sequenceOf(40, { vault: other, ...changes })], own)
    expect(waiting({})).toBe(3)
    expect(waiting({ pages: [undefined, 4, undefined] })).toBe(1)
    expect([waiting({ saved: 1 }), waiting({ saved: 2 })]).toEqual([3, 0])
    expect([waiting({ busy: true }), waiting({ vault: own }), waiting({ vault: undefined })]).toEqual([
      0, 0, 0,
    ])
    const two = [sequenceOf(20, { vault: other }), sequenceOf(40, { vault: other })]
    expect([pagesToWrite(two, own), pagesToWrite(two, undefined)]).toEqual([5, 5])
  })

  test('behind a cut are given back, and count as saved no more', () => {
    const sequence = sequenceOf(70, { saved: 4 })
    sequence.pages[3] = undefined
    const free = pool.free
    truncate(sequence, 33, pool)
    expect([sequence.length, sequence.pages.length, sequence.saved, pool.free - free]).toEqual([33, 3, 2, 1])
    truncate(sequence, 32, pool)
    expect([sequence.pages.length, sequence.saved]).toEqual([2, 2])
    truncate(sequence, 0, pool)
    expect([sequence.pages, sequence.saved]).toEqual([[], 0])
  })

  test('of a fork are shared, those that left memory are missing in it too', () => {
    const source = sequenceOf(70, { saved: 4 })
    const [gone] = source.pages.splice(1, 1, undefined)
    if (gone !== undefined) pool.release(gone)
    const free = pool.free
    const copy = fork(source, 40, pool, 'b')
    expect(copy).toMatchObject({ tenant: 'b', length: 40, saved: 2, busy: false, vault: undefined })
    expect([copy.ids, copy.pages]).toEqual([source.ids, source.pages.slice(0, 3)])
    expect([pool.free, pool.isShared(copy.pages[0] ?? -1), pool.isShared(source.pages[3] ?? -1)]).toEqual([
      free,
      true,
      false,
    ])
    expect(fork({ ...source, saved: 1 }, 40, pool, 'b').saved).toBe(1)
  })

  test('that no later position sees are given back', () => {
    const sequence = sequenceOf(100)
    sequence.pages[3] = undefined
    const free = pool.free
    releaseDead(sequence, pool, { window: 32, sinks: 4 })
    // The sinks lie in the first, the window begins at position 69.
    expect(sequence.pages.map((page) => page !== undefined)).toEqual([
      true,
      false,
      false,
      false,
      true,
      true,
      true,
    ])
    expect(pool.free - free).toBe(2)
    releaseDead(sequence, pool, FULL)
    expect(pagesHeld(sequence)).toBe(4)
  })

  test('are nobody’s own where others hold all that are there', () => {
    const sequence = sequenceOf(30)
    expect(holdsNothingOfItsOwn(sequence, pool)).toBe(false)
    const copy = fork(sequence, 20, pool, 'a')
    expect(holdsNothingOfItsOwn(copy, pool)).toBe(true)
    truncate(copy, 16, pool)
    expect(holdsNothingOfItsOwn(sequence, pool)).toBe(false)
    sequence.pages[1] = undefined
    expect(holdsNothingOfItsOwn(sequence, pool)).toBe(true)
  })
})

describe('to write to a sequence', () => {
  const model = new MockModel()
  const asked: (number | undefined)[] = []
  beforeEach(() => void asked.splice(0))
  const write = (sequence: Sequence, count: number): void =>
    makeWritable(sequence, count, { pool, model, take: (after) => (asked.push(after), take(after)) })

  test('takes the pages that the positions need, each behind the one before', () => {
    const sequence = sequenceOf(16)
    write(sequence, 1)
    expect([sequence.pages, asked]).toEqual([[0, 1], [0]])
    sequence.length = 17
    write(sequence, 15)
    expect(asked).toEqual([0])
    write(sequence, 16)
    expect([sequence.pages, asked]).toEqual([
      [0, 1, 2],
      [0, 1],
    ])
    const other = emptySequence('a')
    write(other, 33)
    expect([other.pages, asked.slice(2)]).toEqual([
      [3, 4, 5],
      [undefined, 3, 4],
    ])
  })

  test('copies a page that others hold, and leaves one that they do not', () => {
    const sequence = sequenceOf(40)
    const copy = fork(sequence, 20, pool, 'a')
    model.pages.write(1, new Uint8Array(model.pages.pageBytes).fill(7))
    write(copy, 4)
    expect([copy.pages, asked]).toEqual([[0, 3], [0]])
    expect(model.pages.read(3)).toEqual(model.pages.read(1))
    expect([pool.isShared(0), pool.isShared(1), pool.isShared(3)]).toEqual([true, false, false])
    write(copy, 4)
    expect(asked).toHaveLength(1)
    // Its first page is read by both, and written by none.
    expect(sequence.pages).toEqual([0, 1, 2])
  })
})

describe('a turn goes on from', () => {
  const ids = Array.from({ length: 60 }, (_, id) => id)
  const search = (sequences: readonly Sequence[], tenant = 'a') =>
    mostReusable(sequences, { tenant, ids, shape: PLAIN }, FULL)
  const held = (length: number, changes: Partial<Sequence> = {}): Sequence => sequenceOf(length, changes)

  test('the sequence that holds most of its beginning', () => {
    const [short, long, other] = [held(20), held(40), held(30)]
    for (const sequences of [
      [short, long, other],
      [long, other, short],
    ])
      expect(search(sequences)).toEqual({ best: long, reused: 40 })
    expect(search([{ ...long, ids: [0, 1, 2, 99] }, short])).toEqual({ best: short, reused: 20 })
  })

  test('none that holds nothing of it', () => {
    expect(search([])).toEqual({ best: undefined, reused: 0 })
    expect(search([{ ...held(20), ids: [99] }, emptySequence('a')])).toEqual({ best: undefined, reused: 0 })
  })

  test('one of its own tenant, or of the model itself', () => {
    const [own, model] = [held(20), held(40, { tenant: undefined })]
    expect(search([own, held(40, { tenant: 'b' })]).best).toBe(own)
    expect(search([own, model]).best).toBe(model)
    expect(search([model], 'c').best).toBe(model)
    expect(search([own], 'c').best).toBeUndefined()
  })

  test('of those that hold as much the first that is idle, else the last', () => {
    const [idle, also, busy] = [held(20), held(20), held(20, { busy: true })]
    expect(search([idle, also]).best).toBe(idle)
    expect(search([idle, busy]).best).toBe(idle)
    expect(search([busy, idle, also]).best).toBe(idle)
    expect(search([idle, held(40, { busy: true })]).reused).toBe(40)
  })
})
