// Owned sessions are a lane's sessions as their owner may use them: seen, copied, cancelled and deleted.

import { pagesHeld } from '../engine/sequence.ts'
import { IsletError } from '../lib/errors.ts'
import type { ConversationEntry } from '../protocol/conversations.ts'
import type { SessionPage, SessionView } from '../protocol/lane-reports.ts'
import { isOver, type TurnRecord } from '../storage/turn-record.ts'
import { keepConversation } from './kept-conversations.ts'
import { sessionView } from './session-view.ts'
import type { Sessions, SessionsParts } from './sessions.ts'

/**
 * A list gives the host its turn after so many rows; so many tokens, whose pages are looked for, count as one
 * more, and so many bytes of a row.
 */
const LIST_STEP = 32
const TOKENS_A_ROW = 512
const BYTES_A_ROW = 32_768

const IDS_A_STEP = 1000

export type OwnedSessionsParts = Pick<SessionsParts, 'now' | 'newId' | 'lifetimes' | 'engine' | 'rest'>

export class OwnedSessions {
  readonly #sessions: Sessions
  readonly #parts: OwnedSessionsParts

  constructor(sessions: Sessions, parts: OwnedSessionsParts) {
    this.#sessions = sessions
    this.#parts = parts
  }

  /** A session's last turn (`sess_...`) or a kept one. Throws not_found. */
  find(tenant: string, id: string): TurnRecord {
    return this.#sessions.find(tenant, id)
  }

  /** A tenant's sessions, those used last first, in one go. */
  list(tenant: string, page?: SessionPage): SessionView[] {
    return [...this.#views(tenant, page)].map(({ view }) => view)
  }

  /** The same in steps, between which the lane serves others. */
  async listed(tenant: string, page: SessionPage): Promise<SessionView[]> {
    const views: SessionView[] = []
    let work = 0
    for (const { view, bytes } of this.#views(tenant, page)) {
      views.push(view)
      work += 1 + view.tokens / TOKENS_A_ROW + bytes / BYTES_A_ROW
      if (work < LIST_STEP) continue
      work = 0
      await this.#parts.rest()
    }
    return views
  }

  *#views(tenant: string, page?: SessionPage): Generator<{ view: SessionView; bytes: number }> {
    for (const { session } of this.#sessions.ledger.sessions(tenant, page)) {
      // One may have been deleted since.
      const found = this.#sessions.turns.outline(tenant, session)
      if (found !== undefined)
        yield { view: this.view(this.#sessions.live(found.record)), bytes: found.bytes }
    }
  }

  /** A session as its owner sees it. */
  view(record: TurnRecord): SessionView {
    const engine = this.#parts.engine()
    const sequences = engine
      ?.sequencesOf(this.#sessions.pages)
      .filter(({ session }) => session === record.session)
    // Of a turn that runs the lists have when it began.
    const usedAt = this.#sessions.ledger.usedAt(record.session) ?? record.usedAt
    return sessionView({ ...record, usedAt }, this.#sessions.window, {
      pageBytes: engine?.model.pages.pageBytes ?? 0,
      memory: sequences?.reduce((sum, sequence) => sum + pagesHeld(sequence), 0) ?? 0,
      storage: this.#sessions.held(record).pages,
    })
  }

  /**
   * A copy of a session that goes on by itself; it shares the pages. Throws not_found, or conflict while the
   * session answers.
   */
  fork(tenant: string, id: string, lane: string): SessionView {
    const source = this.find(tenant, id)
    if (this.#sessions.isDriven(source.session)) {
      throw new IsletError('conflict', 'this session is answering now: fork it when it has ended')
    }
    const now = this.#parts.now()
    const session = `sess_${lane}_${this.#parts.newId()}`
    const copy = {
      ...source,
      session,
      turn: `${session.slice('sess_'.length)}_${this.#parts.newId()}`,
      createdAt: now,
      usedAt: now,
      expiresAt: now + this.#parts.lifetimes.sessions,
      conversation: undefined,
      request: { ...source.request, sessionKey: session, background: false },
    }
    const { runs } = this.#sessions.held(copy)
    this.#sessions.turns.insertFork(copy, source, runs, (bytes) => {
      if (!this.#sessions.room.admit({ tenant, bytes, sessions: 1, keep: source.session }))
        throw new IsletError('overloaded', 'room is being made for another session: try again')
    })
    return this.view(copy)
  }

  /** Writes what a conversation holds, and gives its session; as keepConversation. */
  keepConversation(entry: ConversationEntry, lane: string): string {
    return keepConversation(entry, lane, this.#sessions, this.#parts)
  }

  /**
   * Deletes a session: its turns, its pages in memory, and those in storage that no other needs. Throws
   * not_found.
   */
  async remove(tenant: string, id: string): Promise<void> {
    await this.#forget(this.find(tenant, id))
    await this.#sessions.deletion.sweep()
  }

  /** Deletes all sessions of a tenant; gives their number. */
  async removeAll(tenant: string): Promise<number> {
    const ids = await this.#ids(tenant)
    for (const id of ids) {
      // Somebody else may delete while a turn is being stopped.
      const record = this.#sessions.newest(tenant, id)
      if (record !== undefined) await this.#forget(record)
    }
    await this.#sessions.deletion.sweep()
    return ids.length
  }

  /** Deletes a kept turn. Throws not_found. */
  async removeTurn(tenant: string, id: string): Promise<void> {
    const record = this.find(tenant, id)
    record.state = 'cancelled'
    await this.#sessions.stop(record, new IsletError('not_found', 'this answer was deleted'))
    this.#sessions.turns.removeTurn(record)
    await this.#sessions.deletion.sweep()
  }

  /** Ids of all sessions of a tenant. */
  async #ids(tenant: string): Promise<string[]> {
    const { ledger } = this.#sessions
    const found: { session: string; usedAt: number }[] = []
    for (;;) {
      const last = found.at(-1)
      const after = last === undefined ? undefined : { id: last.session, usedAt: last.usedAt }
      const more = ledger.sessions(tenant, { limit: IDS_A_STEP, after })
      found.push(...more)
      if (more.length < IDS_A_STEP) return found.map(({ session }) => session)
      await this.#parts.rest()
    }
  }

  async #forget(record: TurnRecord): Promise<void> {
    record.state = 'cancelled'
    await this.#sessions.stop(record, new IsletError('not_found', 'this session was deleted'))
    await this.#sessions.deletion.session(record.session)
    this.#parts.engine()?.forget(record.session)
  }

  /** Ends a turn that runs or waits. Throws not_found. */
  async cancel(tenant: string, id: string): Promise<TurnRecord> {
    const record = this.find(tenant, id)
    if (isOver(record) || record.state === 'cancelled') return record
    record.state = 'cancelled'
    await this.#sessions.stop(record, new IsletError('conflict', 'this answer was cancelled'))
    this.#sessions.write(record)
    return record
  }
}
