// Shared parts, by rows: what of a turn is shared, from which size on, and that a copy reads as its source.

import { beforeEach, describe, expect, test } from 'vitest'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import { Ledger } from '../../src/storage/ledger.ts'
import { detailsOf, SharedParts } from '../../src/storage/shared-parts.ts'
import type { Sql } from '../../src/storage/sql.ts'
import { newRecord, type TurnRecord } from '../../src/storage/turn-record.ts'
import { TurnStore } from '../../src/storage/turn-store.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { request } from '../helpers/request.ts'

let sql: Sql
let ledger: Ledger
let turns: TurnStore
let parts: SharedParts

beforeEach(() => {
  sql = nodeSql()
  ledger = new Ledger(sql)
  turns = new TurnStore(sql, ledger)
  parts = new SharedParts(sql, ledger)
})

type Changes = { request?: Partial<GenerateRequest>; ids?: number[]; generated?: number[]; session?: string }

function record({ request: asked, ids = [1, 2], generated = [], session = 's' }: Changes = {}): TurnRecord {
  const details = { session, turn: 't', createdAt: 1000, expiresAt: 9000, model: 'm', echo: undefined }
  const prompt = { ids, truncatedTokens: 0, kind: 'ids' as const, tools: false }
  const made = newRecord(request({ store: true, ...asked }), prompt, details)
  return { ...made, state: 'done', generated }
}

function stored(changes: Changes = {}): TurnRecord {
  const made = record(changes)
  turns.insert(made, undefined)
  turns.update(made, [])
  return made
}

const many = (length: number): number[] => Array.from({ length }, (_, i) => i)
const partRows = () => sql.exec('SELECT * FROM shared_parts').toArray()
const rowOf = (session = 's') => sql.exec('SELECT * FROM turns WHERE session = ?', session).toArray()[0]

describe('a turn is shared', () => {
  test('from 8 KiB of prompt, answer and facts on', () => {
    const small = stored({ session: 'small', generated: [7] })
    const facts = JSON.stringify(detailsOf(small)).length
    const ids = Math.ceil((8192 - facts) / 4)
    stored({ session: 'below', ids: many(ids - 2), generated: [7] })
    stored({ session: 'at', ids: many(ids - 1), generated: [7] })
    expect(parts.of({ session: 'below', turn: 't' })).toBeUndefined()
    expect(partRows()).toEqual([])
    expect(parts.of({ session: 'at', turn: 't' })).toBe(1)
  })

  test('once, and by who asks for it again', () => {
    stored({ ids: many(3000) })
    const id = { session: 's', turn: 't' }
    const part = parts.of(id)
    expect(part).toBe(1)
    expect(parts.of(id)).toBe(part)
    expect(partRows()).toMatchObject([{ tenant: 'tenant', refs: 1 }])
  })

  test('not when it is gone', () => {
    expect(parts.of({ session: 's', turn: 'gone' })).toBeUndefined()
  })

  test('at no change of what its tenant is charged, but for what cannot be split', () => {
    stored({ ids: many(3000), generated: [5, 6] })
    const before = ledger.totals.of('tenant').bytes
    parts.of({ session: 's', turn: 't' })
    expect(ledger.totals.of('tenant').bytes).toBe(before)
    const [{ bytes }] = partRows()
    expect(Number(bytes)).toBeGreaterThanOrEqual(4 * 3002)
    expect(ledger.entry({ session: 's', turn: 't' })?.bytes).toBe(before - Number(bytes))
    expect(new Ledger(sql).totals.bytes).toBe(before)
  })
})

describe('the row of a shared turn', () => {
  const long = 'x'.repeat(257)

  test('keeps small fields, and leaves ids and large ones to the part', () => {
    const asked = { stop: [long], reply: 'y'.repeat(256), requestId: 'z'.repeat(300) }
    stored({ ids: many(3000), generated: [5, 6], request: asked })
    parts.of({ session: 's', turn: 't' })
    const row = rowOf()
    expect(row['generated']).toBeNull()
    expect((row['prompt'] as ArrayBuffer).byteLength).toBe(parts.noPrompt.length)
    const own = JSON.parse(String(row['facts'])) as { shared: number; request: Record<string, unknown> }
    expect(own).toMatchObject({
      shared: 1,
      model: 'm',
      request: { reply: 'y'.repeat(256), tenant: 'tenant' },
    })
    expect(own.request).not.toHaveProperty('stop')
    expect(own.request).not.toHaveProperty('requestId')
    const [part] = partRows()
    const shared = JSON.parse(String(part['facts'])) as { request: unknown }
    expect(shared.request).toEqual({ stop: [long], requestId: asked.requestId })
    expect((part['prompt'] as ArrayBuffer).byteLength).toBe(4 * 3000)
    expect((part['generated'] as ArrayBuffer).byteLength).toBe(8)
  })

  test('measures lists and objects by all that is in them', () => {
    const asked = {
      // 2, and for each a digit and 126 letters: 256.
      stop: ['a'.repeat(126), 'b'.repeat(126)],
      sampling: {
        ...request().sampling,
        logitBias: Array.from({ length: 40 }, (_, i) => [i, 1]) as [number, number][],
      },
    }
    stored({ ids: many(3000), request: asked })
    parts.of({ session: 's', turn: 't' })
    const own = JSON.parse(String(rowOf()['facts'])) as { request: object }
    expect(own.request).toHaveProperty('stop')
    expect(own.request).not.toHaveProperty('sampling')
    expect(turns.newest('tenant', 's')?.request.sampling).toEqual(asked.sampling)
    stored({ session: 'more', ids: many(3000), request: { stop: ['a'.repeat(126), 'b'.repeat(127)] } })
    parts.of({ session: 'more', turn: 't' })
    const next = JSON.parse(String(rowOf('more')['facts'])) as { request: object }
    expect(next.request).not.toHaveProperty('stop')
  })

  test('reads as before, and so does its fork', () => {
    const made = stored({ ids: many(3000), generated: [5, 6], request: { stop: [long] } })
    turns.insertFork({ ...made, session: 'copy' }, made, [], () => undefined)
    expect(turns.newest('tenant', 's')).toEqual(made)
    expect(turns.newest('tenant', 'copy')).toEqual({ ...made, session: 'copy' })
    expect(partRows()).toMatchObject([{ refs: 2 }])
    const [header] = turns.bySession('tenant', 'copy')
    expect([...header.prompt]).toEqual(made.prompt.ids)
  })

  test('has an answer of its own once that is longer than the shared one', () => {
    const made = stored({ ids: many(3000), generated: [5, 6], request: { maxTokens: 8 } })
    turns.insertFork({ ...made, session: 'copy' }, made, [], () => undefined)
    turns.update({ ...made, session: 'copy' }, [])
    expect(rowOf('copy')['generated']).toBeNull()
    turns.update({ ...made, session: 'copy', generated: [5, 6, 7] }, [])
    expect(turns.newest('tenant', 'copy')?.generated).toEqual([5, 6, 7])
    expect(turns.newest('tenant', 's')?.generated).toEqual([5, 6])
  })
})

test('a shared answer is the same if it has as many ids, and some', () => {
  stored({ session: 's', ids: many(3000), generated: [5, 6] })
  stored({ session: 'none', ids: many(3000) })
  const [some, none] = ['s', 'none'].map((session) => Number(parts.of({ session, turn: 't' })))
  expect([1, 2, 3].map((ids) => parts.hasGenerated(some, ids))).toEqual([false, true, false])
  expect(parts.hasGenerated(none, 0)).toBe(false)
  expect(parts.hasGenerated(99, 2)).toBe(false)
})
