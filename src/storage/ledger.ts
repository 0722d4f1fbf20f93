// The ledger charges each stored turn and page run to its tenant.
// So a budget is checked without reading rows.

import type { SessionPage } from '../protocol/lane-reports.ts'
import { enterParts, enterStrays, enterTurns } from './enter-rows.ts'
import { RunLedger } from './run-ledger.ts'
import { openLedger, openTables } from './schema.ts'
import { bound, type Sql } from './sql.ts'
import { Totals } from './totals.ts'
import type { TurnEntry, TurnId } from './turn-entry.ts'

export { TURN_BYTES, type TurnEntry, type TurnId } from './turn-entry.ts'

export class Ledger {
  readonly runs: RunLedger
  readonly #raw: Sql
  #totals: Totals | undefined

  constructor(sql: Sql, now: () => number = () => 0) {
    openTables(sql)
    this.#raw = sql
    this.runs = new RunLedger(
      () => this.sql,
      () => this.totals,
      now,
    )
  }

  /** The database, with the ledger's tables in it. */
  get sql(): Sql {
    void this.totals
    return this.#raw
  }

  /** What each tenant stores. The first look adds up the entries. */
  get totals(): Totals {
    if (this.#totals !== undefined) return this.#totals
    this.#totals = new Totals()
    const { was, entering } = openLedger(this.#raw)
    if (was === 'current') this.#addUp(this.#totals)
    else enterTurns(this.#raw, this)
    if (was === 'stale') enterParts(this.#raw, this.#totals)
    enterStrays(this.#raw, this.#totals, entering)
    return this.#totals
  }

  /**
   * A turn's row was inserted; with `before` that one's row goes, and its pages are this one's until it names
   * its own.
   */
  inserted(entry: TurnEntry, before?: TurnId): void {
    const { session, turn, tenant, used, bytes, part, model, body } = entry
    const old = before === undefined ? undefined : this.#take(before)
    this.sql.exec(
      ...bound`INSERT INTO turn_use (session, turn, tenant, used, bytes, run, part, model, body)
      VALUES (${session}, ${turn}, ${tenant}, ${used}, ${bytes}, ${old?.run ?? entry.run ?? null}, ${part ?? null}, ${model}, ${body})`,
    )
    if (old?.run === undefined && entry.run !== undefined) {
      this.runs.hold(entry.run)
      this.runs.enter()
    }
    const made = this.sql
      .exec(
        ...bound`INSERT OR IGNORE INTO session_use (session, tenant, used) VALUES (${session}, ${tenant}, ${used}) RETURNING 1`,
      )
      .toArray()
    if (made.length === 0) this.#touch(session, used)
    this.totals.add(tenant, bytes, made.length)
  }

  /**
   * A turn's row was written, whose entry is `old`. One that `isRunning` stays where it was in the order of
   * use: its end moves it.
   */
  updated(
    old: TurnEntry,
    { used, bytes, run, model }: Pick<TurnEntry, 'used' | 'bytes' | 'run' | 'model'>,
    isRunning: boolean,
  ): void {
    const { session, turn } = old
    if (run !== old.run) {
      this.runs.hold(run)
      this.runs.release(old.run)
    }
    this.runs.enter()
    if (!isRunning) {
      this.sql.exec(
        ...bound`UPDATE turn_use SET used = ${used}, bytes = ${bytes}, run = ${run ?? null}, model = ${model}
        WHERE session = ${session} AND turn = ${turn}`,
      )
      this.#touch(session, used)
    } else if (bytes !== old.bytes || run !== old.run || model !== old.model)
      this.sql.exec(
        ...bound`UPDATE turn_use SET bytes = ${bytes}, run = ${run ?? null}, model = ${model} WHERE session = ${session} AND turn = ${turn}`,
      )
    this.totals.add(old.tenant, bytes - old.bytes)
  }

  /**
   * A turn's row was deleted; its runs go with the next sweep, unless others need them. Gives the bytes that
   * were charged for it.
   */
  removed(id: TurnId): number {
    const before = this.totals.bytes
    const entry = this.#take(id)
    if (entry === undefined) return 0
    const freed = before - this.totals.bytes
    this.runs.release(entry.run)
    this.runs.enter()
    const left = this.sql.exec('SELECT 1 FROM turn_use WHERE session = ? LIMIT 1', id.session).toArray()
    if (left.length > 0) return freed
    this.sql.exec('DELETE FROM session_use WHERE session = ?', id.session)
    this.totals.add(entry.tenant, 0, -1)
    return freed
  }

  entry({ session, turn }: TurnId): TurnEntry | undefined {
    const [row] = this.sql
      .exec(...bound`SELECT * FROM turn_use WHERE session = ${session} AND turn = ${turn}`)
      .toArray()
    return row === undefined ? undefined : entryOf(row)
  }

  /** Charges another number of bytes, and says what the turn shares. */
  charge({ session, turn, tenant, bytes }: TurnEntry, next: number, part: number): void {
    this.sql.exec(
      ...bound`UPDATE turn_use SET bytes = ${next}, part = ${part} WHERE session = ${session} AND turn = ${turn}`,
    )
    this.totals.add(tenant, next - bytes)
  }

  /** The turn's pages are not kept for it any more. */
  giveUpPages({ session, turn, run }: Pick<TurnEntry, 'session' | 'turn' | 'run'>): void {
    this.sql.exec(...bound`UPDATE turn_use SET run = NULL WHERE session = ${session} AND turn = ${turn}`)
    this.runs.release(run)
    this.runs.enter()
  }

  /** A tenant's turns whose pages are kept, those used longest ago first. */
  withPages(tenant: string, usedUntil: number, limit: number): TurnEntry[] {
    return this.sql
      .exec(
        ...bound`SELECT * FROM turn_use INDEXED BY turn_with_pages
        WHERE tenant = ${tenant} AND run IS NOT NULL AND used <= ${usedUntil} ORDER BY used LIMIT ${limit}`,
      )
      .toArray()
      .map(entryOf)
  }

  /** When pages were used that nothing else was used before; undefined without pages. */
  oldestPages(): number | undefined {
    const times = this.totals.tenants.flatMap((tenant) =>
      this.withPages(tenant, Number.MAX_SAFE_INTEGER, 1).map(({ used }) => used),
    )
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** A tenant's sessions with the time of their last use, those used last first. */
  sessions(
    tenant: string,
    { limit, after }: Partial<SessionPage> = {},
  ): { session: string; usedAt: number }[] {
    const { usedAt = Number.MAX_SAFE_INTEGER, id = '' } = after ?? {}
    const rows = this.sql.exec(
      ...bound`SELECT session, used FROM session_use WHERE tenant = ${tenant} AND used <= ${usedAt}
      AND (used < ${usedAt} OR session > ${id}) ORDER BY used DESC, session LIMIT ${limit ?? -1}`,
    )
    return rows.toArray().map(({ session, used }) => ({ session: String(session), usedAt: Number(used) }))
  }

  /** A tenant's sessions that were used longest ago, those first. */
  oldestSessions(tenant: string, limit: number): string[] {
    const rows = this.sql.exec(
      ...bound`SELECT session FROM session_use WHERE tenant = ${tenant} ORDER BY used, session DESC LIMIT ${limit}`,
    )
    return rows.toArray().map(({ session }) => String(session))
  }

  /** When a session was last used, as lists order it; undefined for none. */
  usedAt(session: string): number | undefined {
    const [row] = this.sql.exec('SELECT used FROM session_use WHERE session = ?', session).toArray()
    return row === undefined ? undefined : Number(row['used'])
  }

  /** Another turn shares the part. */
  holdPart(id: number): void {
    this.sql.exec('UPDATE shared_parts SET refs = refs + 1 WHERE id = ?', id)
  }

  #releasePart(id: number): void {
    const [part] = this.sql
      .exec('UPDATE shared_parts SET refs = refs - 1 WHERE id = ? RETURNING refs, tenant, bytes', id)
      .toArray()
    if (part === undefined || part['refs'] !== 0) return
    this.sql.exec('DELETE FROM shared_parts WHERE id = ?', id)
    this.totals.add(String(part['tenant']), -Number(part['bytes']))
  }

  /** Deletes an entry; whoever calls has its run. */
  #take({ session, turn }: TurnId): TurnEntry | undefined {
    const [row] = this.sql
      .exec(...bound`DELETE FROM turn_use WHERE session = ${session} AND turn = ${turn} RETURNING *`)
      .toArray()
    if (row === undefined) return undefined
    const entry = entryOf(row)
    this.totals.add(entry.tenant, -entry.bytes)
    if (entry.part !== undefined) this.#releasePart(entry.part)
    return entry
  }

  #touch(session: string, used: number): void {
    this.sql.exec(
      ...bound`UPDATE session_use SET used = ${used} WHERE session = ${session} AND used < ${used}`,
    )
  }

  #addUp(totals: Totals): void {
    const sums = (query: string): void => {
      for (const { tenant, sessions, bytes } of this.#raw.exec(query).toArray())
        totals.add(String(tenant), Number(bytes), Number(sessions))
    }
    sums('SELECT tenant, COUNT(*) AS sessions, 0 AS bytes FROM session_use GROUP BY tenant')
    for (const table of ['turn_use', 'run_use', 'shared_parts'])
      sums(`SELECT tenant, 0 AS sessions, SUM(bytes) AS bytes FROM ${table} GROUP BY tenant`)
  }
}

function entryOf(row: Record<string, unknown>): TurnEntry {
  return {
    session: String(row['session']),
    turn: String(row['turn']),
    tenant: String(row['tenant']),
    used: Number(row['used']),
    bytes: Number(row['bytes']),
    run: numberOf(row['run']),
    part: numberOf(row['part']),
    model: String(row['model']),
    body: String(row['body']),
  }
}

function numberOf(value: unknown): number | undefined {
  return value === null ? undefined : Number(value)
}
