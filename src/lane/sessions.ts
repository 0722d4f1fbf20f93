// Sessions decide which record a request begins or continues, who drives it, and how long it lives.

import { chainRoot } from '../cache/chain.ts'
import type { WindowOptions } from '../cache/window.ts'
import type { Engine } from '../engine/engine.ts'
import type { GenerateRequest } from '../protocol/generation.ts'
import { promptShape } from '../cache/prompt-shape.ts'
import { IsletError } from '../lib/errors.ts'
import type { Model } from '../graph/model.ts'
import type { ModelSpec } from '../models/spec.ts'
import { earliest } from '../storage/follow-up.ts'
import { goesOnFrom, isTryOf } from '../storage/turn-header.ts'
import { Ledger, type TurnId } from '../storage/ledger.ts'
import { PageStore } from '../storage/page-store.ts'
import { Room, type Budget } from '../storage/room.ts'
import type { Prompts, TurnRecord } from '../storage/turn-record.ts'
import { idsOf, isOver, isStored, isToldByCopy, newRecord, unstored } from '../storage/turn-record.ts'
import type { Sql } from '../storage/sql.ts'
import { StorageGuard } from '../storage/storage-guard.ts'
import { countedSql, noStorageUse } from '../storage/storage-use.ts'
import { TurnStore } from '../storage/turn-store.ts'
import { errorEvent } from '../protocol/wire.ts'
import { Deletion } from './deletion.ts'
import { Drivers, readElsewhere, type Driver } from './drivers.ts'
import { WriteBehind } from './write-behind.ts'

/** How long things live after they were last used, in milliseconds. */
export type Lifetimes = { pages: number; sessions: number; turns: number }

export type SessionsParts = {
  /** Of the object that has the storage. */
  id: string
  sql: Sql
  now(): number
  newId(): string
  lifetimes: Lifetimes
  budget: Budget
  /** Gives the host its turn, between the steps of longer work. */
  rest(): Promise<void>
  /** The engine in place, if it is sound. */
  engine(): Engine<Model> | undefined
  log(entry: Record<string, unknown>): void
}

export class Sessions {
  readonly pages: PageStore
  readonly use = noStorageUse()
  readonly ledger: Ledger
  readonly turns: TurnStore
  readonly deletion: Deletion
  readonly room: Room
  readonly drivers: Drivers
  readonly #parts: SessionsParts
  readonly #writes: WriteBehind
  /** Sessions whose turn was begun, and whose driver comes in a moment: `begin` waits, and another may look at them meanwhile. */
  readonly #entering = new Set<string>()
  /** Turns that this object began. */
  readonly #begun = new WeakSet<TurnRecord>()
  #model = ''
  #spec: ModelSpec | undefined
  #window: WindowOptions = { window: undefined, sinks: 0 }
  readonly #guard: StorageGuard

  constructor(parts: SessionsParts) {
    this.#parts = parts
    this.drivers = new Drivers(parts.now)
    this.#guard = new StorageGuard((error) =>
      parts.log({ code: 'storage_lost', message: error instanceof Error ? error.message : String(error) }),
    )
    const sql = countedSql(parts.sql, this.use)
    this.ledger = new Ledger(sql, parts.now)
    this.turns = new TurnStore(sql, this.ledger)
    this.pages = new PageStore(parts.id, sql, this.#guard, this.use, this.ledger)
    const isDriven = (session: string): boolean => this.isDriven(session)
    const isRunning = ({ session, turn }: TurnId): boolean => this.drivers.of(session)?.record.turn === turn
    this.room = new Room({
      ledger: this.ledger,
      turns: this.turns,
      budget: parts.budget,
      isDriven,
      isRunning,
      evicted: (session) => parts.engine()?.forget(session),
    })
    this.pages.hasRoom = (tenant, bytes) => this.room.forPages(tenant, bytes)
    this.deletion = new Deletion({ ...parts, turns: this.turns, isRunning })
    this.#writes = new WriteBehind({
      turns: this.turns,
      pages: this.pages,
      guard: this.#guard,
      use: this.use,
      now: parts.now,
      engine: () => parts.engine(),
      runsOf: (record) => this.held(record).runs,
    })
  }

  /** The window in force. */
  get window(): WindowOptions {
    return this.#window
  }

  /** Says which model and window answer from now on. `basis` is everything that pages and answers depend on. */
  useModel(basis: readonly unknown[], spec: ModelSpec, window: WindowOptions): void {
    if (this.#spec === spec && this.#window === window) return
    this.#spec = spec
    this.#window = window
    const model = chainRoot(basis)
    if (model === this.#model) return
    this.#model = model
    this.pages.useModel(basis)
  }

  /** Whether this lane has anything of the request's session. */
  knows({ tenant, sessionKey, session }: GenerateRequest): boolean {
    return session !== undefined || this.turns.hasKey(tenant, sessionKey)
  }

  /**
   * The record of a request: the one that its first try began, or a new one, durable when this returns. Throws not_found, invalid_request
   * for one that storage never has room for, or overloaded for one that it has none for now.
   */
  async begin(request: GenerateRequest, prompts: Prompts, lane: string): Promise<TurnRecord> {
    const { prompt, echo, more } = prompts
    if (!request.store) return unstored(request, prompt, echo, more)
    for (;;) {
      const record = this.#guard.attempt(() => this.#begin(request, prompts, lane))
      if (record !== 'later') return record ?? unstored(request, prompt, echo, more)
      // Others are served between two steps of making room, and may change what was found: all of it is looked at again.
      await this.#parts.rest()
    }
  }

  #begin(request: GenerateRequest, { prompt, echo, more }: Prompts, lane: string): TurnRecord | 'later' {
    const { now, newId } = this.#parts
    const related =
      request.session === undefined
        ? this.turns.byKey(request.tenant, request.sessionKey)
        : this.turns.bySession(request.tenant, request.session)
    if (request.session !== undefined && related.length === 0) throw noSuch('session')
    const idle = related.filter(({ session }) => !this.isDriven(session))
    const tried = idle.find(
      (header) => this.drivers.goesOn(request, header.turn) && isTryOf(header, request, this.#model),
    )
    const first = tried ? this.turns.turn(request.tenant, tried.turn) : undefined
    if (first !== undefined) return this.#entered(first)
    const createdAt = Math.max(now(), earliest(request, this.turns, idle.length < related.length))
    const before = idle.find((turn) => request.session !== undefined || goesOnFrom(turn, prompt.ids))
    const session = before?.session ?? `sess_${lane}_${newId()}`
    const record = newRecord(request, prompt, {
      session,
      turn: `${session.slice('sess_'.length)}_${newId()}`,
      createdAt,
      expiresAt: 0,
      model: this.#model,
      echo,
      ...(more && { more }),
    })
    record.expiresAt = this.#expiry(record, createdAt)
    const draft = this.turns.draft(record)
    const { tenant } = request
    const sessions = before === undefined ? 1 : 0
    if (!this.room.admit({ tenant, bytes: draft.bytes, sessions, keep: before?.session })) return 'later'
    // A session keeps its last turn, and besides it those turns that are kept as responses.
    this.turns.insert(record, before?.isKept === true ? undefined : before, draft)
    this.#begun.add(record)
    return this.#entered(record)
  }

  /** The record, which nobody else begins now; one that is told again by a copy is never entered. */
  #entered(record: TurnRecord): TurnRecord {
    if (!isToldByCopy(record)) this.#entering.add(record.session)
    return record
  }

  /** A session's last turn (`sess_...`) or a kept one. Throws not_found. */
  find(tenant: string, id: string): TurnRecord {
    const found = id.startsWith('sess_') ? this.turns.newest(tenant, id) : this.turns.turn(tenant, id)
    const record = id.startsWith('sess_') || found?.conversation !== undefined ? found : undefined
    if (record === undefined) throw noSuch(id.startsWith('sess_') ? 'session' : 'turn')
    return this.live(record)
  }

  /** A session's last turn; undefined for none. */
  newest(tenant: string, session: string): TurnRecord | undefined {
    const record = this.turns.newest(tenant, session)
    return record === undefined ? undefined : this.live(record)
  }

  /** The record that is driven now, where it is of the same turn. */
  live(record: TurnRecord): TurnRecord {
    const live = this.drivers.of(record.session)?.record
    if (live?.turn === record.turn) return live
    // The object died while it ran this turn.
    if (record.state === 'running' && !record.request.background) record.state = 'paused'
    return record
  }

  /** Throws conflict for a turn of another model, whose missing tokens cannot be computed any more. */
  checkModel(record: TurnRecord): void {
    if (isOver(record) || record.model === this.#model) return
    throw new IsletError(
      'conflict',
      'the model or its window was changed since this answer began: it cannot be gone on with; ask again',
    )
  }

  /** Takes the model in place for a turn that began while it loaded. Throws conflict as checkModel does. */
  settle(record: TurnRecord): void {
    if (!isStored(record)) return
    if (this.#begun.has(record) && record.cachedTokens === undefined && record.model !== this.#model) {
      record.model = this.#model
      this.#writes.write(record)
    }
    this.checkModel(record)
  }

  /** `driver` drives the turn from here on; whoever did so before is stopped. */
  async enter(record: TurnRecord, driver: Driver): Promise<void> {
    if (!isStored(record)) return
    this.#entering.delete(record.session)
    // While one is stopped another may come: the last to come drives.
    while (this.drivers.of(record.session) !== undefined) await this.stop(record, readElsewhere())
    record.state = 'running'
    record.usedAt = this.#parts.now()
    this.drivers.set({ record, driver })
    this.#writes.begin(record)
  }

  /** `driver` ends: what there is of the turn becomes durable. Does nothing where another drives it by now. */
  leave(record: TurnRecord, driver: Driver): void {
    if (!this.drivers.leave(record, driver)) return
    record.expiresAt = this.#expiry(record, this.#parts.now())
    if (isOver(record)) record.state = record.end?.type === 'finish' ? 'done' : 'failed'
    else if (record.state === 'running' && !record.request.background) record.state = 'paused'
    this.#writes.end(record)
  }

  /** Whether somebody drives a turn of this session, or is about to. */
  isDriven(session: string): boolean {
    return this.drivers.of(session) !== undefined || this.#entering.has(session)
  }

  /** Writes a turn's row as the record stands; storage that fails is left alone. */
  write(record: TurnRecord): void {
    this.#writes.write(record)
  }

  /** Stops whoever drives a turn of the record's session, who is told why; resolves when nothing of it runs any more. */
  async stop(record: TurnRecord, reason: IsletError): Promise<void> {
    await this.drivers.of(record.session)?.driver.stop(reason)
  }

  /** Writes what is due; true while something will be. */
  tick(): boolean {
    return this.#writes.tick()
  }

  /** The number of turns that somebody drives. Tests wait for it: nothing else shows that a reader's leaving is written. */
  get driven(): number {
    return this.drivers.size
  }

  /** Whether any turn would go on if its reader, or this object, were gone. */
  get goOnUnread(): boolean {
    return this.turns.hasUnfinished()
  }

  /** Turns that go on unread and that nobody drives. Those of another model, which nothing else would ever end, end here. */
  unread(): TurnRecord[] {
    const waiting = this.turns.unfinished().filter(({ session }) => this.drivers.of(session) === undefined)
    return waiting.filter((record) => {
      try {
        this.checkModel(record)
        return true
      } catch (error) {
        record.end = errorEvent(error)
        record.state = 'failed'
        this.#writes.write(record)
        return false
      }
    })
  }

  /** Deletes what has lived its time; gives when to come again, undefined if nothing is left. */
  collect(): Promise<number | undefined> {
    return this.deletion.expired()
  }

  /** What is stored of a turn's pages: ids of the runs that hold them, and their number. */
  held(record: TurnRecord): { runs: number[]; pages: number } {
    if (this.#spec === undefined || record.prompt.kind === 'none') return { runs: [], pages: 0 }
    const shape = promptShape(this.#spec, record.prompt.ids, this.#window)
    return this.pages.held({ tenant: record.request.tenant, ids: idsOf(record), shape }, record)
  }

  #expiry({ conversation }: TurnRecord, usedAt: number): number {
    const { turns, sessions } = this.#parts.lifetimes
    return usedAt + (conversation === undefined ? sessions : turns)
  }
}

function noSuch(what: 'session' | 'turn'): IsletError {
  return new IsletError('not_found', `there is no such ${what}`)
}
