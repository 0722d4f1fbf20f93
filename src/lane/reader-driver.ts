// A reader driver moves one answer along by its reader's pulls, until its end or until it is stopped.

import type { GenerationEvent } from '../protocol/generation.ts'
import type { IsletError } from '../lib/errors.ts'
import { pulledBytes } from '../lib/pulled-bytes.ts'
import type { Driver } from './drivers.ts'
import { Meter, type Tally } from '../protocol/tally.ts'
import { encodeEvent, encodeEvents, errorEvent } from '../protocol/wire.ts'

/**
 * Texts of one piece, where they may go together. The host has its turn behind each piece, so no more than it waits for where
 * tokens give no text.
 */
export const TEXTS_A_PIECE = 4

export class ReaderDriver implements Driver {
  readonly #abort = new AbortController()
  readonly #events: AsyncGenerator<GenerationEvent, void>
  readonly #now: () => number
  readonly #ended: (tally: Tally) => void
  readonly meter: Meter
  #reason: IsletError | undefined
  /** When it gave its last event; undefined while its reader asks for the next. */
  #givenAt: number | undefined
  #isUnread = false
  #isLeft = false

  /** `now`: milliseconds, any origin. `ended` is told once what was read. */
  constructor(
    events: (driver: ReaderDriver) => AsyncGenerator<GenerationEvent, void>,
    now: () => number = () => 0,
    ended: (tally: Tally) => void = () => undefined,
  ) {
    this.meter = new Meter(now)
    this.#events = events(this)
    this.#now = now
    this.#ended = ended
  }

  /** True when it runs with no reader. */
  get isUnread(): boolean {
    return this.#isUnread
  }

  /** True once its reader cancelled. */
  get isLeft(): boolean {
    return this.#isLeft
  }

  /** Milliseconds for which its reader has asked for nothing. */
  unreadFor(): number {
    return this.#givenAt === undefined ? 0 : this.#now() - this.#givenAt
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /**
   * Ends the answer; a reader that asks once more is told `reason`. Resolves when nothing of it runs any
   * more.
   */
  async stop(reason?: IsletError): Promise<void> {
    this.#reason ??= reason
    this.#abort.abort()
    await this.#events.return(undefined)
    this.#end()
  }

  /**
   * The answer's events as lines of JSON, made as they are read; cancelling the stream ends the answer. `mayGather` says, behind
   * each text, whether the next one may go in the same piece: of each piece objects of the host keep kilobytes for long.
   */
  stream(mayGather: () => boolean = () => false): ReadableStream<Uint8Array> {
    let cancelled = false
    return pulledBytes({
      pull: async (controller) => {
        this.#givenAt = undefined
        const events: GenerationEvent[] = []
        for (;;) {
          const { done, value } = await this.#events.next()
          // After a cancel there is nobody to tell.
          if (cancelled) return
          if (done || this.signal.aborted) break
          this.meter.see(value)
          events.push(value)
          if (value.type === 'text' && events.length < TEXTS_A_PIECE && mayGather()) continue
          this.#givenAt = this.#now()
          return controller.enqueue(encodeEvents(events))
        }
        if (events.length > 0) controller.enqueue(encodeEvents(events))
        if (this.#reason !== undefined) controller.enqueue(encodeEvent(errorEvent(this.#reason)))
        controller.close()
        this.#end()
      },
      cancel: async () => {
        cancelled = true
        this.#isLeft = true
        await this.stop()
      },
    })
  }

  /**
   * Runs the answer to its end with no reader. No reader gives the host its turn then, so `rest` does after
   * each event.
   */
  async run(rest: () => Promise<void>): Promise<void> {
    this.#isUnread = true
    for (;;) {
      const { done, value } = await this.#events.next()
      if (done === true) break
      this.meter.see(value)
      await rest()
    }
    this.#end()
  }

  #end(): void {
    const tally = this.meter.end()
    if (tally !== undefined) this.#ended(tally)
  }
}
