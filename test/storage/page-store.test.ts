// These tests put pages into storage and find them again, by everything that their names cover.

import { beforeEach, describe, expect, test } from 'vitest'
import { PLAIN, type PromptShape } from '../../src/cache/prompt-shape.ts'
import type { PagedIds } from '../../src/engine/vault.ts'
import { PAGE_POSITIONS } from '../../src/kernels/layout.ts'
import type { Ledger } from '../../src/storage/ledger.ts'
import { PageStore, type PromptKey } from '../../src/storage/page-store.ts'
import type { Sql } from '../../src/storage/sql.ts'
import { StorageGuard } from '../../src/storage/storage-guard.ts'
import { noStorageUse } from '../../src/storage/storage-use.ts'
import { newRecord } from '../../src/storage/turn-record.ts'
import { TurnStore } from '../../src/storage/turn-store.ts'
import { MockModel } from '../helpers/mock-model.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { request } from '../helpers/request.ts'

const PAGES = 6
const ids = Array.from({ length: PAGES * PAGE_POSITIONS + 5 }, (_, i) => (i * 7 + 31) % 251)

let sql: Sql
let model: MockModel

function storeOn(basis: readonly unknown[] = ['model'], use = noStorageUse(), ledger?: Ledger): PageStore {
  const failed = (error: unknown): void => {
    throw error
  }
  const store = new PageStore('lane', sql, new StorageGuard(failed), use, ledger)
  store.useModel(basis)
  return store
}

/** Pages of the pool that hold their own number in each byte. */
function sequence(
  pages: (number | undefined)[] = [0, 1, 2, 3, 4, 5],
  changes: Partial<PagedIds> = {},
): PagedIds {
  for (const page of pages) {
    if (page !== undefined) model.pages.write(page, new Uint8Array(model.pages.pageBytes).fill(page + 1))
  }
  return {
    tenant: 'a',
    ids,
    length: pages.length * PAGE_POSITIONS,
    pages,
    shape: PLAIN,
    saved: 0,
    ...changes,
  }
}

const key = (changes: Partial<PromptKey> = {}): PromptKey => ({ tenant: 'a', ids, shape: PLAIN, ...changes })
const rows = () => sql.exec('SELECT id, head, count FROM kv_runs').toArray()
const lengthOf = (store: PageStore, changes: Partial<PromptKey> = {}) => store.find(key(changes))?.length ?? 0

/** The first byte of each page that is found, put from page 32 of the pool on. */
function restored(store: PageStore, changes: Partial<PromptKey> = {}): number[] {
  const found = store.find(key(changes))
  if (found === undefined) return []
  expect(found.restore(model, (index) => 32 + index)).toBe(true)
  return Array.from({ length: found.length / PAGE_POSITIONS }, (_, i) => model.pages.read(32 + i)[0])
}

beforeEach(() => {
  sql = nodeSql()
  model = new MockModel()
})

describe('what is saved', () => {
  test('comes back page by page, and to another store on the same storage', () => {
    const store = storeOn()
    const saved = sequence()
    store.save(saved, model)
    expect(saved.saved).toBe(PAGES)
    for (const reader of [store, storeOn()]) expect(restored(reader)).toEqual([1, 2, 3, 4, 5, 6])
    expect(rows().map(({ count }) => count)).toEqual(expect.arrayContaining([4, 2]))
  })

  test.each<[string, Partial<PromptKey>]>([
    ['tenant', { tenant: 'b' }],
    ['first id', { ids: [ids[0] + 1, ...ids.slice(1)] }],
    ['last id of the first page', { ids: ids.with(PAGE_POSITIONS - 1, 0) }],
    ['alpha', { shape: { ...PLAIN, ntk: 3 } as PromptShape }],
    ['prefix', { shape: { ...PLAIN, prefix: 4 } as PromptShape }],
    ['mask', { shape: { ...PLAIN, mask: 2 } as PromptShape }],
  ])('is nothing for a prompt of another %s', (_, other) => {
    const store = storeOn()
    store.save(sequence(), model)
    expect(lengthOf(store)).toBe(PAGES * PAGE_POSITIONS)
    expect(lengthOf(store, other)).toBe(0)
  })

  test('is nothing for another model, also within one store', () => {
    const store = storeOn(['hash', 'window'])
    store.save(sequence(), model)
    for (const basis of [['hush', 'window'], ['hash', 'widow'], ['hash'], ['window', 'hash']])
      expect(lengthOf(storeOn(basis))).toBe(0)
    store.useModel(['other'])
    expect(lengthOf(store)).toBe(0)
    // The names that it had kept for the model before count no more.
    const again = sequence()
    store.save(again, model)
    expect(lengthOf(store)).toBe(PAGES * PAGE_POSITIONS)
    expect(lengthOf(storeOn(['hash', 'window']))).toBe(PAGES * PAGE_POSITIONS)
  })

  test('is written anew for another model, with its names, where the answer goes on', () => {
    const store = storeOn()
    const growing = sequence([0, 1, 2, 3])
    store.save(growing, model)
    store.useModel(['other'])
    Object.assign(growing, { length: PAGES * PAGE_POSITIONS })
    growing.pages.push(4, 5)
    store.save(growing, model)
    expect(lengthOf(storeOn(['other']))).toBe(PAGES * PAGE_POSITIONS)
    expect(lengthOf(storeOn())).toBe(4 * PAGE_POSITIONS)
  })

  test('is found up to where a prompt parts, and never with its last id', () => {
    const store = storeOn()
    store.save(sequence(), model)
    const page = PAGE_POSITIONS
    expect(lengthOf(store, { ids: ids.with(3 * page, 0) })).toBe(3 * page)
    expect(lengthOf(store, { ids: ids.with(3 * page - 1, 0) })).toBe(2 * page)
    // The last id's row gives the first logits: it is computed.
    expect(lengthOf(store, { ids: ids.slice(0, 4 * page) })).toBe(3 * page)
    expect(lengthOf(store, { ids: ids.slice(0, 4 * page + 1) })).toBe(4 * page)
    expect(lengthOf(store, { ids: ids.slice(0, page) })).toBe(0)
    expect(restored(store, { ids: ids.slice(0, 3 * page + 2) })).toEqual([1, 2, 3])
  })

  test('is not written twice, and the rest begins where it ends', () => {
    const use = noStorageUse()
    const store = storeOn(['model'], use)
    const growing = sequence([0, 1, 2])
    store.save(growing, model)
    store.save(growing, model)
    expect(use.runs).toBe(1)
    Object.assign(growing, { length: PAGES * PAGE_POSITIONS })
    growing.pages.push(3, 4, 5)
    sequence()
    store.save(growing, model)
    expect(use.runs).toBe(2)
    store.save(sequence(), model)
    expect(use.runs).toBe(2)
    expect(restored(store)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('shares the beginning with another answer, which goes on from inside of a run', () => {
    const store = storeOn()
    store.save(sequence(), model)
    const fork = { ids: ids.with(2 * PAGE_POSITIONS + 1, 0) }
    store.save(sequence([0, 1, 12, 13], fork), model)
    expect(restored(store, fork)).toEqual([1, 2, 13, 14])
    expect(restored(store)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('is gone on from where its run ends, though a fork counts fewer pages as saved', () => {
    const store = storeOn()
    store.save(sequence([0, 1, 2, 3]), model)
    store.save(sequence([0, 1, 2, 3, 4, 5], { saved: 2 }), model)
    expect(restored(store)).toEqual([1, 2, 3, 4, 5, 6])
    expect(rows()).toHaveLength(2)
  })

  test('is nothing of the model itself, which has no tenant', () => {
    const store = storeOn()
    store.save(sequence(undefined, { tenant: undefined }), model)
    expect(rows()).toEqual([])
  })
})

describe('a page that left memory', () => {
  test.each([
    ['at first', [undefined, 1, 2, 3, 4, 5], []],
    ['in the middle of a row', [0, 1, undefined, 3, 4, 5], [1, 2]],
    ['between two rows', [0, 1, 2, 3, undefined, 5], [1, 2, 3, 4]],
  ])('%s ends what is saved, and nothing behind it is written', (_, pages, found) => {
    const store = storeOn()
    const holed = sequence(pages)
    store.save(holed, model)
    // Those behind it count as saved: without it they could not be found.
    expect(holed.saved).toBe(PAGES)
    expect(rows().reduce((sum, { count }) => sum + Number(count), 0)).toBe(found.length)
    expect(restored(store)).toEqual(found)
    expect(restored(storeOn())).toEqual(found)
  })

  test('is passed over where it is stored already', () => {
    const store = storeOn()
    store.save(sequence([0, 1, 2, 3]), model)
    store.save(sequence([undefined, undefined, 2, 3, 4, 5]), model)
    expect(restored(store)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('after a cut the next run begins where the stored one ends', () => {
    const store = storeOn()
    const cut = sequence()
    store.save(cut, model)
    cut.ids = ids.with(3 * PAGE_POSITIONS, 0)
    cut.saved = 3
    cut.pages.splice(3, 3, 13, 14, 15)
    sequence([13, 14, 15])
    store.save(cut, model)
    expect(restored(store, { ids: cut.ids })).toEqual([1, 2, 3, 14, 15, 16])
    expect(restored(store)).toEqual([1, 2, 3, 4, 5, 6])
  })
})

describe('a run that is not what its key says', () => {
  test('because another has the same number is neither read nor deleted', () => {
    const store = storeOn()
    store.save(sequence([0, 1]), model)
    const [{ id }] = rows()
    const found = store.find(key())
    // Another run of the same 52 bits came in its place meanwhile.
    sql.exec(`UPDATE kv_runs SET head = 'f' || substr(head, 2) WHERE id = ?`, Number(id))
    expect(found?.restore(model, (index) => 32 + index)).toBe(false)
    expect(rows()).toHaveLength(1)
  })

  test('because of an older version is deleted at opening', () => {
    storeOn().save(sequence([0, 1]), model)
    sql.exec('UPDATE kv_runs SET version = version - 1')
    sql.exec("UPDATE ledger SET versions = 'of older code'")
    storeOn()
    expect(rows()).toEqual([])
  })

  test('because it is damaged is deleted, and written again by the next save', () => {
    const store = storeOn()
    const saved = sequence([0, 1, 2, 3])
    store.save(saved, model)
    sql.exec('UPDATE kv_runs SET bytes = zeroblob(length(bytes))')
    expect(store.find(key())?.restore(model, (index) => 32 + index)).toBe(false)
    expect(rows()).toEqual([])
    saved.saved = 0
    store.save(saved, model)
    expect(restored(store)).toEqual([1, 2, 3, 4])
  })
})

test('runs that a turn names are kept, and what was deleted is written again', () => {
  const turns = new TurnStore(sql)
  const { ledger } = turns
  const store = storeOn(['model'], noStorageUse(), ledger)
  const first = sequence([0, 1, 2, 3])
  store.save(first, model)
  const { runs, pages } = store.held(key({ ids: ids.slice(0, 4 * PAGE_POSITIONS) }), first)
  expect(pages).toBe(4)
  store.save(sequence([7, 8], { tenant: 'b' }), model)
  const prompt = { ids: [...ids], truncatedTokens: 0, kind: 'ids' as const, tools: false }
  const details = { session: 's', turn: 't', createdAt: 0, expiresAt: 9, model: 'm', echo: undefined }
  const turn = newRecord(request({ tenant: 'a', store: true }), prompt, details)
  turns.insert(turn, undefined)
  turns.update(turn, runs)
  ledger.runs.sweep(Number.MAX_SAFE_INTEGER)
  expect(rows().map(({ id }) => id)).toEqual(runs)
  expect([lengthOf(store), lengthOf(store, { tenant: 'b' })]).toEqual([4 * PAGE_POSITIONS, 0])
  turns.removeTurn(turn)
  ledger.runs.sweep()
  expect(rows()).toEqual([])
  // The answer grows, and its first pages are written again with those that are new.
  Object.assign(first, { length: PAGES * PAGE_POSITIONS })
  first.pages.push(4, 5)
  store.save(first, model)
  expect(lengthOf(store)).toBe(PAGES * PAGE_POSITIONS)
})

test('before the model is named nothing is found and nothing written', () => {
  const store = new PageStore('lane', sql, new StorageGuard(() => undefined))
  store.save(sequence(), model)
  expect([rows(), store.find(key()), store.held(key(), {})]).toEqual([[], undefined, { runs: [], pages: 0 }])
})

test('pages that a prompt has no place for are not read', () => {
  const use = noStorageUse()
  const store = storeOn(['model'], use)
  store.save(sequence(), model)
  expect(store.find(key())?.restore(model, (index) => (index === 4 ? 40 : undefined))).toBe(true)
  expect(use.pagesRestored).toBe(1)
  expect(model.pages.read(40)[0]).toBe(5)
})
