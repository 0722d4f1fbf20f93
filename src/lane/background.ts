// Background work runs beside a lane's requests: alarms, turns that go on unread, and writes that are due.

import type { TurnRecord } from '../storage/turn-record.ts'
import type { Alarm } from './alarm.ts'
import type { Clock } from '../lib/clock.ts'
import type { Lifetimes, Sessions } from './sessions.ts'
import { UnreadQueue } from './unread-queue.ts'

/** Turns that go on unread at the same time: while one waits for its pages the other runs. */
const AT_ONCE = 2

/** How often due writes are looked for while answers grow. */
const TICK_MS = 250

/** Should an object die while a turn goes on unread, its alarm finds the turn after this long at most. */
const HEARTBEAT_MS = 30_000

/** Deletions wait this long at least, so that one alarm does several. */
const LEAST_WAIT_MS = 10 * 60_000

export type BackgroundParts = {
  sessions: Sessions
  alarm: Alarm
  clock: Clock
  lifetimes: Lifetimes
  /** Runs a turn to its end with no reader. */
  run(record: TurnRecord): Promise<void>
  log(entry: Record<string, unknown>): void
}

export class Background {
  readonly #parts: BackgroundParts
  readonly #queue = new UnreadQueue()
  /** Ids of the turns that run unread. */
  readonly #running = new Set<string>()
  #writing = false

  constructor(parts: BackgroundParts) {
    this.#parts = parts
  }

  /**
   * The alarm rang, and the model is named: runs the turns that go on unread, then deletes what has lived its
   * time.
   */
  async awake(): Promise<void> {
    const { sessions, alarm, clock } = this.#parts
    const unread = sessions.unread()
    // Should this object die now, the next one goes on.
    if (unread.length > 0) alarm.wake(clock.now() + HEARTBEAT_MS)
    for (const { request, turn } of unread) this.#queue.add({ tenant: request.tenant, turn })
    const ended = await Promise.all(Array.from({ length: AT_ONCE }, () => this.#runQueued()))
    const now = clock.now()
    const due = await sessions.collect()
    alarm.forget()
    if (sessions.goOnUnread) alarm.wake(ended.includes(false) ? now : now + HEARTBEAT_MS)
    else if (due !== undefined) alarm.wake(Math.max(due, now + LEAST_WAIT_MS))
  }

  /**
   * Runs turns of the queue one after another; false where one stopped before its end, and a later call
   * should go on.
   */
  async #runQueued(): Promise<boolean> {
    const { sessions, run } = this.#parts
    for (let next = this.#queue.take(); next !== undefined; next = this.#queue.take()) {
      const record = sessions.turns.turn(next.tenant, next.turn)
      // Since it was queued somebody may have begun to read it, ended it or deleted it.
      if (record === undefined || !goesOn(record) || sessions.isDriven(record.session)) continue
      this.#running.add(record.turn)
      try {
        await run(record)
      } finally {
        this.#running.delete(record.turn)
      }
      if (!goesOn(record) || sessions.isDriven(record.session)) continue
      // Such as at the end of the CPU time that the platform gives a call.
      this.#queue.clear()
      return false
    }
    return true
  }

  /**
   * A turn begins to run: what it computes is written as it goes, and one that goes on unread is found should
   * its object die.
   */
  begun(record: TurnRecord): void {
    const { alarm, clock } = this.#parts
    this.#write()
    if (record.request.background) alarm.wake(clock.now() + HEARTBEAT_MS)
  }

  /**
   * Nobody reads a stored turn any more: it goes on by the alarm, or is deleted by it when its time is over.
   */
  left(record: TurnRecord): void {
    const { alarm, clock, lifetimes } = this.#parts
    if (goesOn(record)) {
      // Where others run already it gets its turn among them.
      if (this.#running.size > 0 && !this.#running.has(record.turn))
        this.#queue.add({ tenant: record.request.tenant, turn: record.turn })
      alarm.wake(clock.now())
    } else alarm.wake(Math.min(record.expiresAt, clock.now() + Math.max(LEAST_WAIT_MS, lifetimes.pages)))
  }

  /** Writes what is due, beside the answers, until nothing will be. */
  #write(): void {
    if (this.#writing) return
    this.#writing = true
    const { sessions, clock, log } = this.#parts
    const write = async (): Promise<void> => {
      do await clock.wait(TICK_MS)
      while (sessions.tick())
    }
    write()
      .catch((error: unknown) => log({ code: 'internal_error', message: String(error) }))
      .finally(() => (this.#writing = false))
  }
}

/** Whether a turn goes on when nobody reads it. */
function goesOn({ request, state }: TurnRecord): boolean {
  return request.background && state === 'running'
}
