// A reader driver moves one answer along by its reader's pulls, until its end or until it is stopped.

import type { GenerationEvent } from '../protocol/generation.ts'
import type { IsletError } from '../lib/errors.ts'
import { pulledBytes } from '../lib/pulled-bytes.ts'
import type { Driver } from './sessions.ts'
import { encodeEvent, errorEvent } from '../protocol/wire.ts'

export class ReaderDriver implements Driver {
  readonly #abort = new AbortController()
  readonly #events: AsyncGenerator<GenerationEvent, void>
  #reason: IsletError | undefined

  constructor(events: (driver: ReaderDriver) => AsyncGenerator<GenerationEvent, void>) {
    this.#events = events(this)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Ends the answer; a reader that asks once more is told `reason`. Resolves when nothing of it runs any more. */
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
        const { done, value } = await this.#events.next()
        // After a cancel there is nobody to tell.
        if (cancelled) return
        if (!done && !this.signal.aborted) return controller.enqueue(encodeEvent(value))
        if (this.#reason !== undefined) controller.enqueue(encodeEvent(errorEvent(this.#reason)))
        controller.close()
      },
      cancel: async () => {
        cancelled = true
        await this.stop()
      },
    })
  }

  /** Runs the answer to its end with no reader. No reader gives the host its turn then, so `rest` does after each event. */
  async run(rest: () => Promise<void>): Promise<void> {
    while ((await this.#events.next()).done !== true) await rest()
  }
}
