// A reader driver moves one answer along by its reader's pulls, until its end or until it is stopped.

import type { GenerationEvent } from '../protocol/generation.ts'
import type { IsletError } from '../lib/errors.ts'
import { pulledBytes } from '../lib/pulled-bytes.ts'
import type { Driver } from './drivers.ts'
import { encodeEvent, errorEvent } from '../protocol/wire.ts'

export class ReaderDriver implements Driver {
  readonly #abort = new AbortController()
  readonly #events: AsyncGenerator<GenerationEvent, void>
  readonly #now: () => number
  #reason: IsletError | undefined
  /** When it gave its last event; undefined while its reader asks for the next. */
  #givenAt: number | undefined
  #isUnread = false
  #isLeft = false

  /** `now`: milliseconds, any origin. */
  constructor(
    events: (driver: ReaderDriver) => AsyncGenerator<GenerationEvent, void>,
    now: () => number = () => 0,
  ) {
    this.#events = events(this)
    this.#now = now
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
  }

  /** The answer's events as lines of JSON, made as they are read; cancelling the stream ends the answer. */
  stream(): ReadableStream<Uint8Array> {
    let cancelled = false
    return pulledBytes({
      pull: async (controller) => {
        this.#givenAt = undefined
        const { done, value } = await this.#events.next()
        // After a cancel there is nobody to tell.
        if (cancelled) return
        if (!done && !this.signal.aborted) {
          this.#givenAt = this.#now()
          return controller.enqueue(encodeEvent(value))
        }
        if (this.#reason !== undefined) controller.enqueue(encodeEvent(errorEvent(this.#reason)))
        controller.close()
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
    while ((await this.#events.next()).done !== true) await rest()
  }
}
