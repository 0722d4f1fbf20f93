// The turn store keeps turns in a lane's SQLite: one row each, written before its first token.
// The row is written again every few seconds, and at the turn's end.

import type { ChatMessage } from '../protocol/generation.ts'
import { IsletError } from '../lib/errors.ts'
import { ROW_BYTES } from '../lib/limits.ts'
import type { SessionPage, TurnState } from '../protocol/lanes.ts'
import type { TurnHeader } from './turn-header.ts'
import type { TurnRecord } from './turn-record.ts'
import { bound, insertRow, type Sql } from './sql.ts'

/** Rows of another version are deleted when the store is opened. */
const VERSION = 2

/** Sessions of one key that a request is compared with. */
const MOST_ALIKE = 16

const COLUMNS = 'session, turn, state, created, used, expires, prompt, generated, facts, conversation'

const UNFINISHED = "background = 1 AND state = 'running'"

/** What a row keeps as JSON. */
type Details = Pick<TurnRecord, 'request' | 'model' | 'echo' | 'cachedTokens' | 'end'> & {
  prompt: Omit<TurnRecord['prompt'], 'ids'>
}

export class TurnStore {
  /** Ids of the runs of all turns used after `?`, to be asked for within another query: there can be too many for the heap. */
  static readonly RUNS_SINCE = 'SELECT value FROM turns, json_each(turns.runs) WHERE used > ?'

  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
    sql.exec(
      'CREATE TABLE IF NOT EXISTS turns (session TEXT NOT NULL, turn TEXT NOT NULL, version INTEGER NOT NULL, tenant TEXT NOT NULL, ' +
        'key TEXT NOT NULL, state TEXT NOT NULL, background INTEGER NOT NULL, created INTEGER NOT NULL, used INTEGER NOT NULL, ' +
        'expires INTEGER NOT NULL, runs TEXT NOT NULL, prompt BLOB NOT NULL, generated BLOB, facts TEXT NOT NULL, ' +
        'conversation TEXT, PRIMARY KEY (session, turn)) WITHOUT ROWID',
    )
    sql.exec('CREATE INDEX IF NOT EXISTS turns_by_key ON turns (tenant, key)')
    sql.exec('DELETE FROM turns WHERE version <> ?', VERSION)
  }

  /** Writes a new turn; with `before`, in that one's place. Throws invalid_request for one that could outgrow a row. */
  insert(record: TurnRecord, before: TurnHeader | undefined): void {
    const { request } = record
    const details = JSON.stringify(detailsOf(record))
    const conversation = record.conversation === undefined ? null : JSON.stringify(record.conversation)
    checkSize(record, details + (conversation ?? ''))
    insertRow(this.#sql, 'INSERT INTO turns', {
      session: record.session,
      turn: record.turn,
      state: record.state,
      created: record.createdAt,
      used: record.usedAt,
      expires: record.expiresAt,
      prompt: bytesOf(record.prompt.ids),
      generated: bytesOf(record.generated),
      facts: details,
      conversation,
      version: VERSION,
      tenant: request.tenant,
      key: request.sessionKey,
      background: Number(request.background),
      runs: '[]',
    })
    if (before !== undefined) this.removeTurn(before)
  }

  /** Writes how far a turn has come; `runs` are the ids of the runs that hold its pages. */
  update(record: TurnRecord, runs: readonly number[]): void {
    const { state, usedAt, expiresAt, generated, session, turn } = record
    this.#sql.exec(
      ...bound`UPDATE turns SET state = ${state}, used = ${usedAt}, expires = ${expiresAt},
      generated = ${bytesOf(generated)}, facts = ${JSON.stringify(detailsOf(record))}, runs = ${JSON.stringify(runs)}
      WHERE session = ${session} AND turn = ${turn}`,
    )
  }

  turn(tenant: string, turn: string): TurnRecord | undefined {
    // A turn's id begins as its session's does.
    const session = `sess_${turn.slice(0, turn.lastIndexOf('_'))}`
    return this.#records('tenant = ? AND session = ? AND turn = ?', tenant, session, turn)[0]
  }

  /** A session's turns, the newest first. */
  session(tenant: string, session: string): TurnRecord[] {
    return this.#records('tenant = ? AND session = ? ORDER BY created DESC', tenant, session)
  }

  /** The newest turns of sessions with this key; many people may begin alike. */
  byKey(tenant: string, key: string): TurnHeader[] {
    return this.#headers('tenant = ? AND key = ? ORDER BY created DESC LIMIT ?', tenant, key, MOST_ALIKE)
  }

  /** The newest turns of one session. */
  bySession(tenant: string, session: string): TurnHeader[] {
    const where = 'tenant = ? AND session = ? ORDER BY created DESC LIMIT ?'
    return this.#headers(where, tenant, session, MOST_ALIKE)
  }

  /** Ids of a tenant's sessions, those used last first. */
  sessionIds(tenant: string, { limit, after }: Partial<SessionPage> = {}): string[] {
    const { usedAt = Number.MAX_SAFE_INTEGER, id = '' } = after ?? {}
    const rows = this.#sql.exec(
      ...bound`SELECT session, MAX(used) AS last FROM turns WHERE tenant = ${tenant}
      GROUP BY session HAVING last < ${usedAt} OR (last = ${usedAt} AND session > ${id})
      ORDER BY last DESC, session LIMIT ${limit ?? -1}`,
    )
    return rows.toArray().map(({ session }) => String(session))
  }

  /** Turns that nobody reads and that go on all the same. */
  unfinished(): TurnRecord[] {
    return this.#records(UNFINISHED)
  }

  hasUnfinished(): boolean {
    return this.#sql.exec(`SELECT 1 FROM turns WHERE ${UNFINISHED} LIMIT 1`).toArray().length > 0
  }

  removeTurn({ session, turn }: Pick<TurnRecord, 'session' | 'turn'>): void {
    this.#sql.exec(...bound`DELETE FROM turns WHERE session = ${session} AND turn = ${turn}`)
  }

  removeSession(session: string): void {
    this.#sql.exec(...bound`DELETE FROM turns WHERE session = ${session}`)
  }

  removeExpired(now: number): void {
    this.#sql.exec(...bound`DELETE FROM turns WHERE expires <= ${now}`)
  }

  /** The earliest time from `now` on at which something is due: pages `pagesMs` after use, or a whole turn; undefined without turns. */
  nextDue(pagesMs: number, now: number): number | undefined {
    // Pages whose time is over are gone already: they are no reason to come again.
    const query = bound`SELECT MIN(CASE WHEN runs = '[]' OR used + ${pagesMs} <= ${now} THEN expires
      ELSE MIN(expires, used + ${pagesMs}) END) AS due FROM turns`
    const [row] = this.#sql.exec(...query).toArray()
    return row['due'] === null ? undefined : Number(row['due'])
  }

  #headers(where: string, ...values: (string | number)[]): TurnHeader[] {
    const columns =
      "session, turn, state, prompt, facts ->> '$.model' AS model, facts ->> '$.request.bodyHash' AS body"
    return this.#sql
      .exec(`SELECT ${columns}, conversation IS NOT NULL AS kept FROM turns WHERE ${where}`, ...values)
      .toArray()
      .map((row) => ({
        session: String(row['session']),
        turn: String(row['turn']),
        state: row['state'] as TurnState,
        prompt: new Uint32Array(row['prompt'] as ArrayBuffer),
        model: String(row['model']),
        bodyHash: String(row['body']),
        isKept: row['kept'] === 1,
      }))
  }

  #records(where: string, ...values: (string | number)[]): TurnRecord[] {
    return this.#sql
      .exec(`SELECT ${COLUMNS} FROM turns WHERE ${where}`, ...values)
      .toArray()
      .map(recordOf)
  }
}

/** `json` is that of the row. The answer counts with as many ids as it may come to. */
function checkSize({ prompt, request }: TurnRecord, json: string): void {
  const ids = prompt.ids.length + (request.maxTokens ?? 0)
  const bytes = 4 * ids + new TextEncoder().encode(json).length
  if (bytes <= ROW_BYTES) return
  throw new IsletError(
    'invalid_request',
    `store: ${bytes} bytes of prompt, conversation and answer are more than the ${ROW_BYTES} that can be kept; send "store": false`,
    { param: 'store' },
  )
}

function detailsOf(record: TurnRecord): Details {
  const { request, model, echo, cachedTokens, end } = record
  const { ids: _, ...prompt } = record.prompt
  return { request, model, echo, cachedTokens, end, prompt }
}

function recordOf(row: Record<string, unknown>): TurnRecord {
  const { prompt, ...details } = JSON.parse(String(row['facts'])) as Details
  const conversation = row['conversation']
  return {
    session: String(row['session']),
    turn: String(row['turn']),
    state: row['state'] as TurnState,
    createdAt: Number(row['created']),
    usedAt: Number(row['used']),
    expiresAt: Number(row['expires']),
    ...details,
    echo: details.echo,
    cachedTokens: details.cachedTokens,
    logprobs: [],
    end: details.end,
    prompt: { ...prompt, ids: idsOf(row['prompt']) },
    generated: idsOf(row['generated']),
    conversation: typeof conversation === 'string' ? (JSON.parse(conversation) as ChatMessage[]) : undefined,
  }
}

/** Ids as a blob; no ids are NULL, which some hosts make of an empty blob anyway. */
function bytesOf(ids: readonly number[]): Uint8Array | null {
  if (ids.length === 0) return null
  return new Uint8Array(Uint32Array.from(ids).buffer)
}

function idsOf(blob: unknown): number[] {
  if (blob === null) return []
  const bytes = new Uint8Array(blob as ArrayBuffer)
  return [...new Uint32Array(bytes.slice().buffer)]
}
