// Background work runs beside a lane's requests: alarms, turns that go on unread, and writes that are due.

import type { TurnRecord } from '../storage/turn-record.ts'
import type { Alarm } from './alarm.ts'
import type { Clock } from './pacer.ts'
import type { Lifetimes, Sessions } from './sessions.ts'

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
  #writing = false

  constructor(parts: BackgroundParts) {
    this.#parts = parts
  }

  /** The alarm rang, and the model is named: runs the turns that go on unread, then deletes what has lived its time. */
  async awake(): Promise<void> {
    const { sessions, alarm, clock } = this.#parts
    const unread = sessions.unread()
    // Should this object die now, the next one goes on.
    if (unread.length > 0) alarm.wake(clock.now() + HEARTBEAT_MS)
    await Promise.all(unread.map((record) => this.#parts.run(record)))
    const now = clock.now()
    const due = await sessions.collect()
    alarm.forget()
    if (sessions.goOnUnread) alarm.wake(now + HEARTBEAT_MS)
    else if (due !== undefined) alarm.wake(Math.max(due, now + LEAST_WAIT_MS))
  }

  /** A turn begins to run: what it computes is written as it goes, and one that goes on unread is found should its object die. */
  begun(record: TurnRecord): void {
    const { alarm, clock } = this.#parts
    this.#write()
    if (record.request.background) alarm.wake(clock.now() + HEARTBEAT_MS)
  }

  /** Nobody reads a stored turn any more: it goes on by the alarm, or is deleted by it when its time is over. */
  left(record: TurnRecord): void {
    const { alarm, clock, lifetimes } = this.#parts
    const goesOn = record.request.background && record.state === 'running'
    if (goesOn) alarm.wake(clock.now())
    else alarm.wake(Math.min(record.expiresAt, clock.now() + Math.max(LEAST_WAIT_MS, lifetimes.pages)))
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
