// These laws say what the stores find again of what they wrote, by the tables and statements that they make themselves.
// They run inside of workerd too, so they know node:assert and nothing of vitest.

import assert from 'node:assert/strict'
import { PLAIN } from '../../../src/cache/prompt-shape.ts'
import type { PagedIds } from '../../../src/engine/vault.ts'
import type { TurnState } from '../../../src/protocol/lane-reports.ts'
import { Ledger } from '../../../src/storage/ledger.ts'
import { PageStore } from '../../../src/storage/page-store.ts'
import type { Sql } from '../../../src/storage/sql.ts'
import { StorageGuard } from '../../../src/storage/storage-guard.ts'
import { noStorageUse } from '../../../src/storage/storage-use.ts'
import { newRecord, type TurnRecord } from '../../../src/storage/turn-record.ts'
import { TurnStore } from '../../../src/storage/turn-store.ts'
import { sqlWindowStore } from '../../../src/storage/window-store.ts'
import { MockModel } from '../../helpers/mock-model.ts'
import { request } from '../../helpers/request.ts'
import type { Law } from './value-laws.ts'

const TENANT = 'tenant'

type Changes = Partial<TurnRecord> & {
  session?: string
  nth?: number
  at?: number
  key?: string
  background?: boolean
}

/** The n-th turn of a session, created and used at `at`. */
function turnOf({
  session = 'a',
  nth = 1,
  at = 1000,
  key,
  background,
  ...changes
}: Changes = {}): TurnRecord {
  const asked = request({
    tenant: TENANT,
    bodyHash: `hash ${session} ${nth}`,
    ...(key !== undefined && { sessionKey: key }),
    ...(background !== undefined && { background }),
  })
  const prompt = { ids: [1, 2 ** 32 - 1, 0, nth], truncatedTokens: 0, kind: 'ids' as const, tools: false }
  const details = {
    session: `sess_0_${session}`,
    turn: `0_${session}_${nth}`,
    createdAt: at,
    expiresAt: at + 500,
    model: 'mödel',
    echo: 'Es war "einmal"\n\u{1f30d}',
  }
  return { ...newRecord(asked, prompt, details), ...changes }
}

/** As JSON keeps it: fields that are undefined are no fields. */
const kept = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value))

const same = (got: unknown, wanted: unknown): void => assert.deepEqual(kept(got), kept(wanted))

const TURN_LAWS: Record<string, Law> = {
  'a turn comes back whole, from a store opened later too'(sql) {
    const conversation = [{ role: 'user', content: 'Grüße \u4e2d \u{1f30d}' }]
    const turns = [
      turnOf({ nth: 1 }),
      turnOf({ nth: 2, at: 2000, conversation, generated: [7, 2 ** 32 - 1], cachedTokens: 3 }),
    ]
    const store = new TurnStore(sql)
    for (const turn of turns) store.insert(turn, undefined)
    for (const each of [store, new TurnStore(sql)]) {
      for (const turn of turns) same(each.turn(TENANT, turn.turn), turn)
      same(each.newest(TENANT, 'sess_0_a'), turns[1])
      assert.equal(each.turn('another', turns[0].turn), undefined)
      assert.equal(each.newest('another', 'sess_0_a'), undefined)
    }
    assert.throws(() => store.insert(turns[0], undefined), Error)
    same(store.turn(TENANT, turns[0].turn), turns[0])
  },

  'an update says how far a turn has come, and which runs it holds'(sql) {
    const store = new TurnStore(sql)
    const [turn, other] = [turnOf(), turnOf({ session: 'b', at: 5000 })]
    for (const each of [turn, other]) store.insert(each, undefined)
    const generated = Array.from({ length: 300 }, (_, i) => i * 7919)
    const later: TurnRecord = {
      ...turn,
      state: 'done',
      usedAt: 3000,
      expiresAt: 9000,
      generated,
      cachedTokens: 2,
    }
    store.update(later, [2 ** 52 - 1, 5])
    same(store.turn(TENANT, turn.turn), later)
    same(store.turn(TENANT, other.turn), other)
    assert.equal(store.ledger.entry(turn)?.run, 5)
    assert.equal(store.ledger.entry(other)?.run, undefined)
  },

  'headers are those of a key or a session, the newest first, sixteen at most'(sql) {
    const store = new TurnStore(sql)
    for (let nth = 1; nth <= 20; nth++) store.insert(turnOf({ nth, at: nth * 10, key: 'k' }), undefined)
    store.insert(turnOf({ session: 'b', key: 'k', at: 999, conversation: [] }), undefined)
    const [first, second, ...rest] = store.byKey(TENANT, 'k')
    assert.deepEqual(first, {
      session: 'sess_0_b',
      turn: '0_b_1',
      state: 'running',
      prompt: Uint32Array.of(1, 2 ** 32 - 1, 0, 1),
      model: 'mödel',
      bodyHash: 'hash b 1',
      isKept: true,
    })
    assert.deepEqual([second.turn, second.isKept, rest.length], ['0_a_20', false, 14])
    assert.deepEqual([store.byKey(TENANT, 'K'), store.byKey('another', 'k')], [[], []])
    const turns = store.bySession(TENANT, 'sess_0_a').map(({ turn }) => turn)
    assert.deepEqual(
      turns,
      Array.from({ length: 16 }, (_, i) => `0_a_${20 - i}`),
    )
  },

  'a turn takes the place of the one before it'(sql) {
    const store = new TurnStore(sql)
    store.insert(turnOf(), undefined)
    const [before] = store.bySession(TENANT, 'sess_0_a')
    store.insert(turnOf({ nth: 2, at: 2000 }), before)
    assert.deepEqual(
      store.bySession(TENANT, 'sess_0_a').map(({ turn }) => turn),
      ['0_a_2'],
    )
  },

  'sessions are listed by their last use, a page at a time'(sql) {
    const store = new TurnStore(sql)
    const used = { a: 100, b: 300, c: 200, d: 300, e: 50 }
    for (const [session, at] of Object.entries(used)) store.insert(turnOf({ session, at }), undefined)
    store.insert(turnOf({ session: 'e', nth: 2, at: 250 }), undefined)
    const wanted = ['b', 'd', 'e', 'c', 'a'].map((session) => `sess_0_${session}`)
    const listed = (tenant: string, page?: Parameters<Ledger['sessions']>[1]): string[] =>
      store.ledger.sessions(tenant, page).map(({ session }) => session)
    assert.deepEqual(listed(TENANT), wanted)
    assert.deepEqual(listed(TENANT, { limit: 2 }), wanted.slice(0, 2))
    const after = { id: 'sess_0_b', usedAt: 300 }
    assert.deepEqual(listed(TENANT, { limit: 3, after }), wanted.slice(1, 4))
    assert.deepEqual(listed('another'), [])
  },

  'what is unfinished, due, over or of a session is found by its state and its times'(sql) {
    const store = new TurnStore(sql)
    assert.deepEqual([store.hasUnfinished(), store.nextExpiry()], [false, undefined])
    const states: TurnState[] = ['running', 'done', 'paused']
    for (const [i, state] of states.entries())
      store.insert(turnOf({ session: 'a', nth: i, at: 1000 + i, background: true, state }), undefined)
    const front = turnOf({ session: 'b', at: 2000 })
    store.insert(front, undefined)
    same(
      store.unfinished().map(({ turn }) => turn),
      ['0_a_0'],
    )
    assert.equal(store.hasUnfinished(), true)
    assert.equal(store.nextExpiry(), 1500)
    store.removeExpired(1501)
    assert.deepEqual(
      store.ledger.sessions(TENANT).map(({ session }) => session),
      ['sess_0_b', 'sess_0_a'],
    )
    assert.equal(store.hasUnfinished(), false)
    store.removeTurn({ session: 'sess_0_a', turn: '0_a_2' })
    assert.equal(store.removeOf('sess_0_b'), false)
    assert.deepEqual(sql.exec('SELECT turn FROM turns').toArray(), [])
  },

  'turns of another version are gone when a store is opened'(sql) {
    for (const session of ['a', 'b']) new TurnStore(sql).insert(turnOf({ session }), undefined)
    sql.exec('UPDATE turns SET version = version - 1 WHERE session = ?', 'sess_0_a')
    sql.exec("UPDATE ledger SET versions = 'of older code'")
    const store = new TurnStore(sql)
    assert.equal(store.newest(TENANT, 'sess_0_a'), undefined)
    assert.equal(store.newest(TENANT, 'sess_0_b')?.turn, '0_b_1')
  },
}

const PAGES = 5
const IDS = Array.from({ length: PAGES * 16 + 3 }, (_, i) => (i * 7 + 3) % 251)

function storeOn(sql: Sql, basis = 'model', ledger = new Ledger(sql)): PageStore {
  const guard = new StorageGuard((error) => {
    throw error
  })
  const store = new PageStore('lane', sql, guard, noStorageUse(), ledger)
  store.useModel([basis])
  return store
}

/** A model that has run IDS, in pages from `from` on, and the sequence of it. */
function computed(from = 2): { model: MockModel; sequence: PagedIds } {
  const model = new MockModel({ pageCount: 32 })
  const pages = Array.from({ length: PAGES + 1 }, (_, i) => from + i)
  for (const [position, id] of IDS.entries()) model.run([{ id, position, pages, yields: 'nothing' }])
  return { model, sequence: { tenant: TENANT, ids: IDS, length: IDS.length, pages, shape: PLAIN, saved: 0 } }
}

const ASKED = { tenant: TENANT, ids: IDS, shape: PLAIN }

const PAGE_LAWS: Record<string, Law> = {
  'pages come back byte for byte, into any page of any model, from a store opened later too'(sql) {
    const { model, sequence } = computed()
    const store = storeOn(sql)
    store.save(sequence, model)
    assert.equal(sequence.saved, PAGES)
    for (const each of [store, storeOn(sql)]) {
      const found = each.find(ASKED)
      assert.equal(found?.length, PAGES * 16)
      const other = new MockModel({ pageCount: 32 })
      assert.equal(
        found.restore(other, (index) => 20 - index),
        true,
      )
      for (let index = 0; index < PAGES; index++)
        assert.deepEqual(other.pages.read(20 - index), model.pages.read(sequence.pages[index]!))
    }
  },

  'pages of another tenant, model, shape or text are not found'(sql) {
    const { model, sequence } = computed()
    storeOn(sql).save(sequence, model)
    const store = storeOn(sql)
    assert.equal(store.find({ ...ASKED, tenant: 'another' }), undefined)
    assert.equal(store.find({ ...ASKED, shape: { ...PLAIN, ntk: 3 } }), undefined)
    assert.equal(store.find({ ...ASKED, ids: IDS.with(0, 250) }), undefined)
    assert.equal(storeOn(sql, 'another').find(ASKED), undefined)
    assert.equal(store.find({ ...ASKED, ids: IDS.with(40, 250) })?.length, 32)
    assert.equal(store.find({ ...ASKED, ids: IDS.slice(0, 17) })?.length, 16)
  },

  'a damaged run is refused, and gone'(sql) {
    const { model, sequence } = computed()
    const store = storeOn(sql)
    store.save(sequence, model)
    const [{ head }] = sql.exec('SELECT head FROM kv_runs ORDER BY count DESC LIMIT 1').toArray()
    sql.exec('UPDATE kv_runs SET bytes = zeroblob(length(bytes)) WHERE head = ?', String(head))
    const other = new MockModel({ pageCount: 32 })
    const before = Array.from({ length: 32 }, (_, page) => other.pages.read(page))
    assert.equal(
      store.find(ASKED)?.restore(other, (index) => index),
      false,
    )
    assert.deepEqual(
      before,
      Array.from({ length: 32 }, (_, page) => other.pages.read(page)),
    )
    assert.equal(sql.exec('SELECT 1 FROM kv_runs WHERE head = ?', String(head)).toArray().length, 0)
    assert.equal(store.find(ASKED), undefined)
    sequence.saved = 0
    store.save(sequence, model)
    assert.equal(store.find(ASKED)?.length, PAGES * 16)
  },

  'only the runs that a turn holds are kept'(sql) {
    const turns = new TurnStore(sql)
    const store = storeOn(sql, 'model', turns.ledger)
    const { model, sequence } = computed()
    store.save(sequence, model)
    const others = IDS.map((id) => (id + 1) % 251)
    store.save({ ...sequence, ids: others, saved: 0 }, model)
    const held = store.held(ASKED, {})
    assert.equal(held.pages, PAGES)
    turns.insert(turnOf({ at: 1000 }), undefined)
    turns.update(turnOf({ at: 1000 }), held.runs)
    while (turns.ledger.runs.sweep(Number.MAX_SAFE_INTEGER));
    assert.equal(sql.exec('SELECT id FROM kv_runs').toArray().length, held.runs.length)
    assert.equal(store.find(ASKED)?.length, PAGES * 16)
    assert.equal(store.find({ ...ASKED, ids: others }), undefined)
    turns.removeTurn(turnOf())
    while (turns.ledger.runs.sweep());
    assert.equal(store.find(ASKED), undefined)
  },

  'runs of another version are gone when a store is opened'(sql) {
    const { model, sequence } = computed()
    storeOn(sql).save(sequence, model)
    sql.exec('UPDATE kv_runs SET version = version - 1')
    sql.exec("UPDATE ledger SET versions = 'of older code'")
    assert.equal(storeOn(sql).find(ASKED), undefined)
    assert.deepEqual(sql.exec('SELECT id FROM kv_runs').toArray(), [])
  },

  'what is done is counted'(sql) {
    const use = noStorageUse()
    const store = new PageStore('lane', sql, new StorageGuard(() => undefined), use)
    store.useModel(['model'])
    const { model, sequence } = computed()
    store.save(sequence, model)
    const stored = sql.exec('SELECT COUNT(*) AS runs, SUM(length(bytes)) AS runBytes FROM kv_runs').toArray()
    assert.deepEqual(stored, [{ runs: use.runs, runBytes: use.runBytes }])
    assert.equal(use.runBytes, PAGES * model.pages.pageBytes)
    store.find(ASKED)?.restore(model, (index) => 20 + index)
    assert.equal(use.pagesRestored, PAGES)
  },
}

const WINDOW_LAWS: Record<string, Law> = {
  'the window that a lane fell back to is found by the next store'(sql) {
    assert.equal(sqlWindowStore(sql).read(), undefined)
    for (const windows of [[1024, 512], [256]]) {
      const value = { configured: '2048', windows, note: 'half of it: “memory”' }
      sqlWindowStore(sql).write(value)
      assert.deepEqual(sqlWindowStore(sql).read(), value)
    }
    assert.equal(sql.exec('SELECT value FROM fallback_window').toArray().length, 1)
  },
}

export const STORE_LAWS: Record<string, Law> = { ...TURN_LAWS, ...PAGE_LAWS, ...WINDOW_LAWS }
