// The ledger by its own calls: what each turn is charged, whose runs and parts it holds, and the order of use.

import { beforeEach, describe, expect, test } from 'vitest'
import { Ledger, TURN_BYTES, type TurnEntry } from '../../src/storage/ledger.ts'
import type { Sql } from '../../src/storage/sql.ts'
import { newRecord } from '../../src/storage/turn-record.ts'
import { TurnStore } from '../../src/storage/turn-store.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { request } from '../helpers/request.ts'

/** What a run is charged beside its bytes. */
const RUN = 256

let sql: Sql
let now: number
let ledger: Ledger

beforeEach(() => {
  sql = nodeSql()
  now = 1000
  ledger = new Ledger(sql, () => now)
})

/** An entry by its name: session and turn. */
function entry(session: string, turn: string, changes: Partial<TurnEntry> = {}): TurnEntry {
  return { session, turn, tenant: 'a', used: now, bytes: 100, model: 'm', body: 'b', ...changes }
}

function enter(...args: Parameters<typeof entry>): TurnEntry {
  const made = entry(...args)
  ledger.inserted(made)
  return made
}

/** A turn's row is as `next` from now on. */
function update(next: TurnEntry, isRunning: boolean): void {
  const old = ledger.entry(next)
  if (old === undefined) throw new Error('no entry')
  ledger.updated(old, next, isRunning)
}

function writeRun(id: number, parent?: number, tenant = 'a'): void {
  sql.exec(
    "INSERT INTO kv_runs (id, head, version, count, names, checksum, bytes) VALUES (?, 'h', 1, 1, 'n', '', x'0102')",
    id,
  )
  ledger.runs.written({ id, tenant, parent, bytes: 3 })
}

const of = (tenant = 'a') => ledger.totals.of(tenant)
const names = (tenant = 'a') => ledger.sessions(tenant).map(({ session }) => session)
const refs = (): Record<string, number> => {
  ledger.runs.enter()
  const rows = sql.exec('SELECT id, refs FROM run_use').toArray()
  return Object.fromEntries(rows.map(({ id, refs }) => [String(id), Number(refs)]))
}

describe('a turn that is inserted', () => {
  test('is charged its bytes, and its session once', () => {
    enter('s', 't1')
    enter('s', 't2', { bytes: 50 })
    enter('x', 't1', { tenant: 'b', bytes: 7 })
    expect(of()).toEqual({ sessions: 1, bytes: 150 })
    expect(of('b')).toEqual({ sessions: 1, bytes: 7 })
    expect(new Ledger(sql).totals.of('a')).toEqual({ sessions: 1, bytes: 150 })
  })

  test('is given back as it was entered', () => {
    writeRun(1)
    const made = enter('s', 't', { run: 1, model: 'other', body: 'hash', part: 4 })
    expect(ledger.entry(made)).toEqual(made)
    const bare = enter('s', 't2')
    expect(ledger.entry(bare)).toEqual({ ...bare, run: undefined, part: undefined })
  })

  test('in the place of another has its pages, held once, and its session is the same', () => {
    writeRun(1)
    const before = enter('s', 't1', { run: 1 })
    ledger.inserted(entry('s', 't2', { bytes: 60 }), before)
    expect(of()).toEqual({ sessions: 1, bytes: 60 + 3 + RUN })
    expect(ledger.entry({ session: 's', turn: 't2' })?.run).toBe(1)
    expect(ledger.entry(before)).toBeUndefined()
    expect(refs()).toEqual({ 1: 1 })
  })

  test('as a fork holds the run of its pages', () => {
    writeRun(1)
    enter('s', 't', { run: 1 })
    enter('copy', 't', { run: 1 })
    expect(refs()).toEqual({ 1: 2 })
  })

  test('moves its session up in the order of use', () => {
    for (const session of ['s1', 's2']) {
      now += 1
      enter(session, 't1')
    }
    now += 1
    enter('s1', 't2')
    expect(names()).toEqual(['s1', 's2'])
    expect(ledger.usedAt('s1')).toBe(now)
    expect(ledger.usedAt('gone')).toBeUndefined()
  })
})

describe('a turn that is updated', () => {
  test('is charged the difference, whether it runs or not', () => {
    const made = enter('s', 't')
    update({ ...made, bytes: 130 }, true)
    expect(of().bytes).toBe(130)
    expect(new Ledger(sql).totals.bytes).toBe(130)
    update({ ...made, bytes: 90 }, false)
    expect(of().bytes).toBe(90)
    expect(new Ledger(sql).totals.bytes).toBe(90)
  })

  test('holds its new run, and lets the one before go', () => {
    for (const id of [1, 2, 3]) writeRun(id)
    const made = enter('s', 't', { run: 1 })
    update({ ...made, run: 2 }, true)
    expect(refs()).toEqual({ 1: 0, 2: 1, 3: 0 })
    update({ ...made, run: 2 }, true)
    expect(refs()).toEqual({ 1: 0, 2: 1, 3: 0 })
    update({ ...made, run: 3 }, false)
    expect(refs()).toEqual({ 1: 0, 2: 0, 3: 1 })
    expect(ledger.entry(made)?.run).toBe(3)
  })

  test('stays where it was in the order of use while it runs, and moves at its end', () => {
    const made = enter('s1', 't')
    now += 1
    enter('s2', 't')
    update({ ...made, used: 5000, model: 'other' }, true)
    expect(names()).toEqual(['s2', 's1'])
    expect(ledger.entry(made)).toMatchObject({ used: 1000, model: 'other' })
    update({ ...made, used: 5000 }, false)
    expect(names()).toEqual(['s1', 's2'])
    expect(ledger.entry(made)).toMatchObject({ used: 5000, model: 'm' })
  })

  test('never moves its session back', () => {
    const made = enter('s', 't1')
    now = 9000
    enter('s', 't2')
    update({ ...made, used: 2000 }, false)
    expect(ledger.usedAt('s')).toBe(9000)
  })

  test('is charged nothing when it is gone', () => {
    const details = { session: 's', turn: 't', createdAt: now, expiresAt: 1e9, model: 'm', echo: undefined }
    const prompt = { ids: [1], truncatedTokens: 0, kind: 'ids' as const, tools: false }
    const gone = newRecord(request({ store: true, tenant: 'a' }), prompt, details)
    new TurnStore(sql, ledger).update(gone, [])
    expect(ledger.totals.bytes).toBe(0)
    expect(names()).toEqual([])
  })
})

describe('a turn that is removed', () => {
  test('gives its bytes back, and says how many; its session goes with the last', () => {
    const [one, two] = [enter('s', 't1'), enter('s', 't2', { bytes: 30 })]
    expect(ledger.removed(two)).toBe(30)
    expect(of()).toEqual({ sessions: 1, bytes: 100 })
    expect(names()).toEqual(['s'])
    expect(ledger.removed(two)).toBe(0)
    expect(ledger.removed(one)).toBe(100)
    expect(names()).toEqual([])
    expect(ledger.totals.tenants).toEqual([])
  })

  test('is that turn, and no other of its session or its name', () => {
    const [one, two, other] = [
      enter('s', 't1', { bytes: 1 }),
      enter('s', 't2', { bytes: 2 }),
      enter('x', 't1', { bytes: 4 }),
    ]
    expect([one, two, other].map((id) => ledger.entry(id)?.bytes)).toEqual([1, 2, 4])
    ledger.removed(one)
    expect([one, two, other].map((id) => ledger.entry(id)?.bytes)).toEqual([undefined, 2, 4])
  })

  test('lets its run go', () => {
    writeRun(1)
    ledger.removed(enter('s', 't', { run: 1 }))
    ledger.runs.sweep()
    expect(sql.exec('SELECT id FROM kv_runs').toArray()).toEqual([])
    expect(ledger.totals.tenants).toEqual([])
  })
})

describe('pages that are kept', () => {
  test('are listed by tenant, those used longest ago first, up to a time', () => {
    writeRun(1)
    for (const [session, used] of [
      ['s3', 30],
      ['s1', 10],
      ['s2', 20],
    ] as const)
      enter(session, 't', { used, run: 1 })
    enter('none', 't', { used: 1 })
    enter('x', 't', { used: 5, run: 1, tenant: 'b' })
    const listed = (until: number, limit: number) =>
      ledger.withPages('a', until, limit).map(({ session }) => session)
    expect(listed(100, 10)).toEqual(['s1', 's2', 's3'])
    expect(listed(20, 10)).toEqual(['s1', 's2'])
    expect(listed(100, 1)).toEqual(['s1'])
    expect(ledger.oldestPages()).toBe(5)
    ledger.removed({ session: 'x', turn: 't' })
    expect(ledger.oldestPages()).toBe(10)
  })

  test('are oldest of any tenant', () => {
    writeRun(1)
    expect(ledger.oldestPages()).toBeUndefined()
    enter('s', 't', { used: 30, run: 1 })
    enter('x', 't', { used: 20, run: 1, tenant: 'b' })
    expect(ledger.oldestPages()).toBe(20)
  })

  test('are given up once', () => {
    writeRun(1)
    const made = enter('s', 't', { run: 1 })
    const other = enter('s', 't2', { run: 1 })
    ledger.giveUpPages(made)
    expect(ledger.entry(made)).toMatchObject({ run: undefined, bytes: 100 })
    expect(ledger.entry(other)?.run).toBe(1)
    expect(refs()).toEqual({ 1: 1 })
  })
})

test('the oldest sessions are those of the tenant, in the reverse order of its list', () => {
  for (const [session, used] of [
    ['s2', 20],
    ['s1', 10],
    ['s4', 30],
    ['s3', 30],
  ] as const)
    enter(session, 't', { used })
  enter('x', 't', { used: 1, tenant: 'b' })
  expect(ledger.oldestSessions('a', 10)).toEqual(['s1', 's2', 's4', 's3'])
  expect(names()).toEqual(['s3', 's4', 's2', 's1'])
  expect(ledger.oldestSessions('a', 2)).toEqual(['s1', 's2'])
})

describe('a part that turns share', () => {
  const part = (bytes: number): number => {
    const [row] = sql
      .exec(
        "INSERT INTO shared_parts (tenant, refs, bytes, prompt, generated, facts) VALUES ('a', 1, ?, x'00', NULL, '{}') RETURNING id",
        bytes,
      )
      .toArray()
    ledger.totals.add('a', bytes)
    return Number(row['id'])
  }
  const parts = () => sql.exec('SELECT refs FROM shared_parts').toArray()

  test('is charged until the last of them goes', () => {
    const made = enter('s', 't')
    const id = part(70)
    ledger.charge(made, 30, id)
    expect(ledger.entry(made)).toMatchObject({ bytes: 30, part: id })
    expect(of().bytes).toBe(100)
    const copy = enter('copy', 't', { bytes: 20, part: id })
    ledger.holdPart(id)
    expect(new Ledger(sql).totals.of('a')).toEqual({ sessions: 2, bytes: 120 })
    ledger.removed(made)
    expect(parts()).toEqual([{ refs: 1 }])
    expect(of().bytes).toBe(90)
    ledger.removed(copy)
    expect(parts()).toEqual([])
    expect(ledger.totals.tenants).toEqual([])
  })
})

describe('an object that starts', () => {
  const drop = (): void => {
    for (const table of ['ledger', 'session_use', 'turn_use', 'run_use', 'shared_parts'])
      sql.exec(`DROP TABLE ${table}`)
  }

  test('enters all turns that code without a ledger has written, also many of one session', () => {
    const turns = new TurnStore(sql, ledger)
    const insert = (session: string, turn: number, tenant = 'a'): void => {
      const details = {
        session,
        turn: String(turn),
        createdAt: turn,
        expiresAt: 1e9,
        model: 'm',
        echo: undefined,
      }
      const prompt = { ids: [1], truncatedTokens: 0, kind: 'ids' as const, tools: false }
      turns.insert(newRecord(request({ store: true, tenant }), prompt, details), undefined)
    }
    for (let turn = 0; turn < 300; turn++) insert('s', turn)
    insert('z', 1)
    insert('x', 1, 'b')
    const stored = sql
      .exec(
        `SELECT SUM(octet_length(prompt) + coalesce(octet_length(generated), 0) + octet_length(facts) + octet_length(runs) + ${TURN_BYTES}) AS bytes FROM turns WHERE tenant = 'a'`,
      )
      .toArray()
    drop()
    const next = new Ledger(sql)
    expect(next.totals.of('a')).toEqual({ sessions: 2, bytes: stored[0]['bytes'] })
    expect(next.totals.of('b').sessions).toBe(1)
    expect(next.usedAt('s')).toBe(299)
  })

  test('enters their runs once each, with the chain that they form', () => {
    const turns = new TurnStore(sql, ledger)
    for (const id of [1, 2, 3]) writeRun(id)
    const insert = (session: string, runs: number[]): void => {
      const details = { session, turn: 't', createdAt: 1, expiresAt: 1e9, model: 'm', echo: undefined }
      const prompt = { ids: [1], truncatedTokens: 0, kind: 'ids' as const, tools: false }
      const asked = request({ store: true, tenant: 'a', bodyHash: 'hash' })
      const made = newRecord(asked, prompt, details)
      turns.insert(made, undefined)
      turns.update(made, runs)
    }
    insert('s1', [1, 2])
    // The row names one more run, which is gone: its pages end before that.
    insert('s2', [1, 3, 4])
    drop()
    const next = new Ledger(sql)
    expect(next.entry({ session: 's1', turn: 't' })).toMatchObject({ run: 2, model: 'm', body: 'hash' })
    expect(next.entry({ session: 's2', turn: 't' })?.run).toBe(3)
    const rows = (): unknown[] =>
      sql.exec('SELECT id, parent, refs, bytes FROM run_use ORDER BY id').toArray()
    const total = next.totals.bytes
    expect(rows()).toEqual([
      { id: 1, parent: null, refs: 2, bytes: 3 + RUN },
      { id: 2, parent: 1, refs: 1, bytes: 3 + RUN },
      { id: 3, parent: 1, refs: 1, bytes: 3 + RUN },
    ])
    const [{ bytes }] = sql.exec('SELECT SUM(bytes) AS bytes FROM turn_use').toArray()
    expect(total).toBe(Number(bytes) + 3 * (3 + RUN))
  })

  test('charges a run that nobody entered to nobody, and sweeps it at once', () => {
    void ledger.totals
    writeRun(9)
    ledger.runs.list()
    const next = new Ledger(sql)
    expect(next.totals.of('')).toEqual({ sessions: 0, bytes: 3 + RUN })
    expect(next.totals.tenants).toEqual([''])
    expect(next.runs.sweep()).toBe(false)
    expect(sql.exec('SELECT id FROM kv_runs').toArray()).toEqual([])
    expect(next.totals.tenants).toEqual([])
  })
})
