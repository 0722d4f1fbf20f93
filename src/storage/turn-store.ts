// The turn store keeps turns in a lane's SQLite: one row each, written before its first token.
// The row is written again every few seconds, and at the turn's end.

import { IsletError } from '../lib/errors.ts'
import { ROW_BYTES } from '../lib/limits.ts'
import { isConversationId, sessionOfConversation } from '../protocol/ids.ts'
import type { TurnState } from '../protocol/lane-reports.ts'
import type { TurnHeader } from './turn-header.ts'
import { choicesOf, type TurnRecord } from './turn-record.ts'
import { Ledger, TURN_BYTES, type TurnEntry, type TurnId } from './ledger.ts'
import { STEP } from './run-ledger.ts'
import { TURN_VERSION } from './schema.ts'
import { CONVERSATION, detailsOf, SharedParts } from './shared-parts.ts'
import { bound, insertRow, type Sql } from './sql.ts'
import { bytesOf, recordOf } from './turn-row.ts'

/** Sessions of one key that a request is compared with. */
const MOST_ALIKE = 16

const COLUMNS = 'session, turn, state, created, used, expires, prompt, generated, facts, conversation'

const UNFINISHED = "background = 1 AND state = 'running'"

/** Bytes of an id of an answer behind the first, as JSON; no vocabulary has a million. */
const ID_BYTES = 7

/** More text than this is kept beside the row: SQLite reads whole rows of this table to find another's place. */
const WIDE_TEXT = 16_384

/** Bytes of a row's large columns. SQLite knows them without reading these. */
const BYTES =
  'octet_length(prompt) + coalesce(octet_length(generated), 0) + octet_length(facts) + ' +
  'coalesce(octet_length(conversation), 0) + octet_length(runs)'

/** A new turn as its row will hold it. `bytes`: what it may come to, with the answer that it may get. */
export type Draft = { record: TurnRecord; details: string; conversation: string | null; bytes: number }

export class TurnStore {
  readonly ledger: Ledger
  readonly #sql: Sql
  readonly #parts: SharedParts
  /** When a record's row says that it expires. */
  readonly #expires = new WeakMap<TurnRecord, number>()

  constructor(sql: Sql, ledger = new Ledger(sql)) {
    this.#sql = sql
    this.ledger = ledger
    this.#parts = new SharedParts(sql, ledger)
  }

  /** Throws invalid_request for a turn that could outgrow a row. */
  draft(record: TurnRecord): Draft {
    const details = JSON.stringify(detailsOf(record))
    const conversation = record.conversation === undefined ? null : JSON.stringify(record.conversation)
    const bytes = checkedSize(record, details + (conversation ?? ''))
    return { record, details, conversation, bytes }
  }

  /** Writes a new turn; with `before`, in that one's place. Throws invalid_request for one that could outgrow a row. */
  insert(record: TurnRecord, before: TurnId | undefined, draft = this.draft(record)): void {
    const { details, conversation, bytes } = draft
    const ids = { prompt: bytesOf(record.prompt.ids), generated: bytesOf(record.generated), runs: [] }
    if (details.length + (conversation?.length ?? 0) < WIDE_TEXT) {
      this.#insert(draft, ids)
      this.ledger.inserted(entryOf(record, bytes), before)
    } else {
      const beside = this.#parts.begin(record)
      const own = this.#parts.ownDetails(record, beside.part)
      this.#insert({ ...draft, details: own, conversation: conversation && CONVERSATION }, ids)
      const rest = Math.max(0, bytes - beside.bytes)
      this.ledger.inserted({ ...entryOf(record, rest), part: beside.part }, before)
    }
    if (before !== undefined) this.#delete(before)
  }

  /**
   * Writes a copy of a stored turn; `runs` are the ids of the runs that hold its pages. What both have in common and is large is stored
   * once from then on. `admit` is told the bytes of the copy first, and throws if there is no room.
   */
  insertFork(
    copy: TurnRecord,
    source: TurnId,
    runs: readonly number[],
    admit: (bytes: number) => void,
  ): void {
    const run = runs.at(-1)
    const part = this.#parts.of(source)
    if (part === undefined) {
      const draft = this.draft(copy)
      admit(draft.bytes)
      this.#insert(draft, { prompt: bytesOf(copy.prompt.ids), generated: bytesOf(copy.generated), runs })
      return this.ledger.inserted({ ...entryOf(copy, draft.bytes), run })
    }
    const details = this.#parts.ownDetails(copy, part)
    const generated = this.#parts.hasGenerated(part, copy.generated.length) ? null : bytesOf(copy.generated)
    const text = details.length + JSON.stringify(runs).length
    const bytes = text + (generated?.length ?? 0) + openBytes(copy) + TURN_BYTES
    admit(bytes)
    const draft = { record: copy, details, conversation: null, bytes }
    this.#insert(draft, { prompt: this.#parts.noPrompt, generated, runs })
    this.ledger.inserted({ ...entryOf(copy, bytes), run, part })
    this.ledger.holdPart(part)
  }

  /** Writes how far a turn has come; `runs` are the ids of the runs that hold its pages. */
  update(record: TurnRecord, runs: readonly number[]): void {
    const { state, usedAt: used, expiresAt, session, turn } = record
    const entry = this.ledger.entry(record)
    if (entry === undefined) return
    const { part } = entry
    const details =
      part === undefined ? JSON.stringify(detailsOf(record)) : this.#parts.ownDetails(record, part)
    const isShared = part !== undefined && this.#parts.hasGenerated(part, record.generated.length)
    const generated = isShared ? null : bytesOf(record.generated)
    // A column that is set is written in its index too, also where it is as it was.
    const expires = this.#expires.get(record) === expiresAt ? [] : [expiresAt]
    this.#expires.set(record, expiresAt)
    const [row] = this.#sql
      .exec(
        `UPDATE turns SET state = ?, used = ?, generated = ?, facts = ?, runs = ?${expires.length > 0 ? ', expires = ?' : ''}
        WHERE session = ? AND turn = ? RETURNING ${BYTES} AS bytes`,
        ...[state, used, generated, details, JSON.stringify(runs), ...expires, session, turn],
      )
      .toArray()
    if (row === undefined) return
    const bytes = Number(row['bytes']) + openBytes(record) + TURN_BYTES
    this.ledger.updated(entry, { used, bytes, run: runs.at(-1), model: record.model }, state === 'running')
  }

  /** A turn, or a conversation's last whole one by the conversation's id, which is the key of its turns. */
  turn(tenant: string, turn: string): TurnRecord | undefined {
    if (isConversationId(turn)) {
      const last =
        "tenant = ? AND session = ? AND key = ? AND state = 'done' AND conversation IS NOT NULL ORDER BY created DESC LIMIT 1"
      return this.#records(last, tenant, sessionOfConversation(turn), turn)[0]
    }
    // A turn's id begins as its session's does.
    const session = `sess_${turn.slice(0, turn.lastIndexOf('_'))}`
    return this.#records('tenant = ? AND session = ? AND turn = ?', tenant, session, turn)[0]
  }

  /** A session's last turn. */
  newest(tenant: string, session: string): TurnRecord | undefined {
    return this.#records('tenant = ? AND session = ? ORDER BY created DESC LIMIT 1', tenant, session)[0]
  }

  /** A session's last turn as a list shows it: of the request what is small, and no conversation. */
  outline(tenant: string, session: string): { record: TurnRecord; bytes: number } | undefined {
    const [row] = this.#sql
      .exec(
        `SELECT session, turn, state, created, used, expires, prompt, generated, facts, NULL AS conversation,
        ${BYTES} AS bytes FROM turns WHERE tenant = ? AND session = ? ORDER BY created DESC LIMIT 1`,
        tenant,
        session,
      )
      .toArray()
    return row && { record: recordOf(this.#parts.outlined(row)), bytes: Number(row['bytes']) }
  }

  /** Whether there is a session with this key. */
  hasKey(tenant: string, key: string): boolean {
    const first = bound`SELECT 1 FROM turns WHERE tenant = ${tenant} AND key = ${key} LIMIT 1`
    return this.#sql.exec(...first).toArray().length > 0
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

  /** Turns that nobody reads and that go on all the same. */
  unfinished(): TurnRecord[] {
    return this.#records(UNFINISHED)
  }

  /** Whether there is such a turn; of one session, or any. */
  hasUnfinished(session?: string): boolean {
    const rows =
      session === undefined
        ? this.#sql.exec(`SELECT 1 FROM turns WHERE ${UNFINISHED} LIMIT 1`)
        : this.#sql.exec(`SELECT 1 FROM turns WHERE session = ? AND ${UNFINISHED} LIMIT 1`, session)
    return rows.toArray().length > 0
  }

  /** Gives the bytes that were charged for it. */
  removeTurn(id: TurnId): number {
    this.#delete(id)
    return this.ledger.removed(id)
  }

  /** Deletes turns of a session, a step's worth at most and the oldest first; true if there may be more. */
  removeOf(session: string): boolean {
    const where = bound`WHERE session = ${session} ORDER BY created LIMIT ${STEP.rows}`
    return this.#removeStep(where)
  }

  /** Deletes what has lived its time, a step's worth at most; true if there may be more. */
  removeExpired(now: number): boolean {
    void this.ledger.totals // its index
    return this.#removeStep(bound`WHERE expires <= ${now} ORDER BY expires LIMIT ${STEP.rows}`)
  }

  /** The oldest turn of a session that has a newer one. */
  oldestKept(session: string): TurnId | undefined {
    const rows = this.#ids(bound`WHERE session = ${session} ORDER BY created LIMIT 2`)
    return rows.length === 2 ? rows[0] : undefined
  }

  /** When the first turn has lived its time; undefined without turns. */
  nextExpiry(): number | undefined {
    const [row] = this.#sql.exec('SELECT MIN(expires) AS due FROM turns').toArray()
    return row['due'] === null ? undefined : Number(row['due'])
  }

  #ids([where, ...values]: ReturnType<typeof bound>): TurnId[] {
    const rows = this.#sql.exec(`SELECT session, turn FROM turns ${where}`, ...values).toArray()
    return rows.map(({ session, turn }) => ({ session: String(session), turn: String(turn) }))
  }

  #removeStep(where: ReturnType<typeof bound>): boolean {
    let bytes = 0
    const ids = this.#ids(where)
    for (const id of ids) if ((bytes += this.removeTurn(id)) >= STEP.bytes) return true
    return ids.length === STEP.rows
  }

  #delete({ session, turn }: TurnId): void {
    this.#sql.exec(...bound`DELETE FROM turns WHERE session = ${session} AND turn = ${turn}`)
  }

  #insert(
    { record, details, conversation }: Draft,
    {
      prompt,
      generated,
      runs,
    }: Record<'prompt' | 'generated', Uint8Array | null> & { runs: readonly number[] },
  ): void {
    const { request } = record
    this.#expires.set(record, record.expiresAt)
    void this.ledger.totals // a ledger that is made behind the row would enter it too
    insertRow(this.#sql, 'INSERT INTO turns', {
      session: record.session,
      turn: record.turn,
      state: record.state,
      created: record.createdAt,
      used: record.usedAt,
      expires: record.expiresAt,
      prompt,
      generated,
      facts: details,
      conversation,
      version: TURN_VERSION,
      tenant: request.tenant,
      key: request.sessionKey,
      background: Number(request.background),
      runs: JSON.stringify(runs),
    })
  }

  #headers(where: string, ...values: (string | number)[]): TurnHeader[] {
    const columns = 'session, turn, state, prompt, conversation IS NOT NULL AS kept, part, model, body'
    return this.ledger.sql
      .exec(
        `SELECT ${columns} FROM turns CROSS JOIN turn_use USING (session, turn) WHERE turns.${where}`,
        ...values,
      )
      .toArray()
      .map((row) => ({
        session: String(row['session']),
        turn: String(row['turn']),
        state: row['state'] as TurnState,
        prompt: new Uint32Array(this.#parts.promptOf(row) as ArrayBuffer),
        model: String(row['model']),
        bodyHash: String(row['body']),
        isKept: row['kept'] === 1,
      }))
  }

  #records(where: string, ...values: (string | number)[]): TurnRecord[] {
    return this.#sql
      .exec(`SELECT ${COLUMNS} FROM turns WHERE ${where}`, ...values)
      .toArray()
      .map((row) => recordOf(this.#parts.joined(row)))
  }
}

/** What is charged for a row whose text is `json`. Throws for one that could outgrow a row: the answer counts as long as it may get. */
function checkedSize(record: TurnRecord, json: string): number {
  const { prompt, request, generated } = record
  const text = new TextEncoder().encode(json).length
  const answers = 4 + ID_BYTES * (record.others ?? []).length
  const most = text + 4 * prompt.ids.length + answers * (request.maxTokens ?? 0)
  if (most <= ROW_BYTES)
    return text + 4 * (prompt.ids.length + generated.length) + openBytes(record) + TURN_BYTES
  throw new IsletError(
    'invalid_request',
    `store: ${most} bytes of prompt, conversation and answer are more than the ${ROW_BYTES} that can be kept; send "store": false`,
    { param: 'store' },
  )
}

/** Bytes by which the row of a turn that has not ended may still grow. */
function openBytes(record: TurnRecord): number {
  if (record.state !== 'running' && record.state !== 'paused') return 0
  const rest = choicesOf(record).map(({ generated }) =>
    Math.max(0, (record.request.maxTokens ?? 0) - generated.length),
  )
  return rest.reduce((sum, ids, answer) => sum + (answer === 0 ? 4 : ID_BYTES) * ids, 0)
}

function entryOf({ session, turn, usedAt: used, model, request }: TurnRecord, bytes: number): TurnEntry {
  return { session, turn, tenant: request.tenant, used, bytes, model, body: request.bodyHash }
}
