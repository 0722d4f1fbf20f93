// Owned sessions are a lane's sessions as their owner may use them: seen, copied, cancelled and deleted.

import { pagesHeld } from '../engine/sequence.ts'
import { IsletError } from '../lib/errors.ts'
import type { SessionPage, SessionView } from '../protocol/lanes.ts'
import type { TurnRecord } from '../storage/turn-record.ts'
import { sessionView } from './session-view.ts'
import type { Sessions, SessionsParts } from './sessions.ts'

export type OwnedSessionsParts = Pick<SessionsParts, 'now' | 'newId' | 'lifetimes' | 'engine'>

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

  /** A tenant's sessions, those used last first. */
  list(tenant: string, page?: SessionPage): SessionView[] {
    return this.#sessions.turns.sessionIds(tenant, page).map((id) => this.view(this.find(tenant, id)))
  }

  /** A session as its owner sees it. */
  view(record: TurnRecord): SessionView {
    const engine = this.#parts.engine()
    const sequences = engine
      ?.sequencesOf(this.#sessions.pages)
      .filter(({ session }) => session === record.session)
    return sessionView(record, this.#sessions.window, {
      pageBytes: engine?.model.pages.pageBytes ?? 0,
      memory: sequences?.reduce((sum, sequence) => sum + pagesHeld(sequence), 0) ?? 0,
      storage: this.#sessions.held(record).pages,
    })
  }

  /** A copy of a session that goes on by itself; it shares the pages. Throws not_found, or conflict while the session answers. */
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
    this.#sessions.turns.insert(copy, undefined)
    this.#sessions.write(copy)
    return this.view(copy)
  }

  /** Deletes a session: its turns, its pages in memory, and those in storage that no other needs. Throws not_found. */
  async remove(tenant: string, id: string): Promise<void> {
    await this.#forget(this.find(tenant, id))
    this.#sessions.collect()
  }

  /** Deletes all sessions of a tenant; gives their number. */
  async removeAll(tenant: string): Promise<number> {
    const ids = this.#sessions.turns.sessionIds(tenant)
    for (const id of ids) {
      // Somebody else may delete while a turn is being stopped.
      const [record] = this.#sessions.turns.session(tenant, id)
      if (record !== undefined) await this.#forget(record)
    }
    this.#sessions.collect()
    return ids.length
  }

  /** Deletes a kept turn. Throws not_found. */
  async removeTurn(tenant: string, id: string): Promise<void> {
    const record = this.find(tenant, id)
    record.state = 'cancelled'
    await this.#sessions.stop(record, new IsletError('not_found', 'this answer was deleted'))
    this.#sessions.turns.removeTurn(record)
    this.#sessions.collect()
  }

  async #forget(record: TurnRecord): Promise<void> {
    record.state = 'cancelled'
    await this.#sessions.stop(record, new IsletError('not_found', 'this session was deleted'))
    this.#sessions.turns.removeSession(record.session)
    this.#parts.engine()?.forget(record.session)
  }

  /** Ends a turn that runs or waits. Throws not_found. */
  async cancel(tenant: string, id: string): Promise<TurnRecord> {
    const record = this.find(tenant, id)
    if (record.end !== undefined || record.state === 'cancelled') return record
    record.state = 'cancelled'
    await this.#sessions.stop(record, new IsletError('conflict', 'this answer was cancelled'))
    this.#sessions.write(record)
    return record
  }
}
