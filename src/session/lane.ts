// A lane: the isolate's engine behind three calls. Knows no Cloudflare module; object.ts makes a Durable Object of it.

import type { GenerateRequest, GenerationEvent } from '../engine/events.ts'
import { errorCode, isUserCode } from '../lib/errors.ts'
import type { ModelText } from './asset-source.ts'
import { generate, type Host } from './generation.ts'
import type { Isolate, LoadedModel, Loader } from './isolate.ts'
import type { LaneHealth } from './lane-client.ts'
import type { Clock } from './pacer.ts'
import { encodeEvent, errorEvent } from './wire.ts'
import { halvedWindow, type WindowStore } from './window-store.ts'

export type LaneConfig = {
  /** Folder of the model, and its id. */
  model: string
  /** Positions; 0 = full attention. */
  window: number
  sinks: number
  /** Rows of a step. */
  chunk: number
  /** Longest prompt with a window, in ids. */
  maxPrompt: number
}

export type LaneParts = {
  config: LaneConfig
  isolate: Isolate
  clock: Clock
  store: WindowStore
  readText(): Promise<ModelText>
  /** Loads the weights for a window of that many positions (0 = full attention). */
  readModel(text: ModelText, window: number, onProgress: (done: number, total: number) => void): Promise<LoadedModel>
  log(entry: Record<string, unknown>): void
}

export class Lane {
  readonly #parts: LaneParts
  readonly #loader: Loader

  constructor(parts: LaneParts) {
    this.#parts = parts
    this.#loader = {
      clock: parts.clock,
      readText: () => parts.readText(),
      readModel: (text, onProgress) => this.#readModel(text, onProgress),
    }
  }

  /** Events of one request as lines of JSON, made as they are read; cancelling the stream ends the generation. */
  generate(request: GenerateRequest): ReadableStream<Uint8Array> {
    const abort = new AbortController()
    const events = this.#events(request, abort.signal)
    return new ReadableStream({
      type: 'bytes',
      async pull(controller) {
        const { done, value } = await events.next()
        // After a cancel there is nobody to tell.
        if (abort.signal.aborted) return
        if (!done) controller.enqueue(encodeEvent(value))
        else controller.close()
      },
      async cancel() {
        abort.abort()
        await events.return(undefined)
      },
    })
  }

  /** What the lane can do now; begins the load when it is cold. */
  health(): LaneHealth {
    const { isolate, config, store } = this.#parts
    void isolate.begin(this.#loader)
    const { failure, inPlace } = isolate
    const window = inPlace?.model.window ?? { window: this.#window() || undefined, sinks: this.#sinks() }
    const note = store.read()?.note
    return {
      state: isolate.state,
      done: isolate.done,
      total: isolate.total,
      window,
      model: config.model,
      ...(inPlace !== undefined && {
        linearMemoryBytes: inPlace.model.linearMemoryBytes,
        running: inPlace.engine.load.running,
        waiting: inPlace.engine.load.waiting,
      }),
      ...(failure !== undefined && { message: errorEvent(failure).message }),
      ...(note !== undefined && { note }),
    }
  }

  /** The platform killed this lane for its memory: from now on it has half the window, kept across restarts. */
  memoryReset(): void {
    this.#halveWindow('the isolate exceeded its memory limit and was reset')
    // A new isolate is cold; should this one have survived, its engine is the one that was too large.
    this.#parts.isolate.drop()
  }

  async *#events(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<GenerationEvent> {
    const { isolate, clock, config, log } = this.#parts
    void isolate.begin(this.#loader)
    const host: Host = {
      clock,
      text: () => isolate.readText(this.#loader),
      limits: ({ manifest }) =>
        this.#window() === 0
          ? { maxPrompt: manifest.spec.context, maxPositions: manifest.spec.context }
          : { maxPrompt: config.maxPrompt, maxPositions: Infinity },
      loaded: () => isolate.loaded,
      progress: () => ({ done: isolate.done, total: isolate.total }),
    }
    try {
      yield* generate(request, host, signal)
    } catch (error) {
      const event = errorEvent(error)
      if (!isUserCode(event.code)) {
        const { message, stack, facts } = (error ?? {}) as { message?: unknown; stack?: unknown; facts?: unknown }
        log({ requestId: request.requestId, code: event.code, message: message ?? String(error), facts, stack })
      }
      yield event
    }
  }

  async #readModel(text: ModelText, onProgress: (done: number, total: number) => void): Promise<LoadedModel> {
    try {
      return await this.#parts.readModel(text, this.#window(), onProgress)
    } catch (error) {
      if (errorCode(error) === 'out_of_memory') this.#halveWindow('the host refused the memory')
      throw error
    }
  }

  /** The window in force: as configured, or less after resets; 0 = full attention. */
  #window(): number {
    const { config, store } = this.#parts
    const stored = store.read()
    return stored !== undefined && stored.configured === config.window ? stored.window : config.window
  }

  #sinks(): number {
    return this.#window() === 0 ? 0 : this.#parts.config.sinks
  }

  #halveWindow(why: string): void {
    const { config, store, isolate, log } = this.#parts
    const before = this.#window()
    const window = halvedWindow(before, isolate.text?.manifest.spec.context)
    const note = `the window is ${window} instead of ${config.window === 0 ? 'full attention' : config.window}: ${why}`
    store.write({ configured: config.window, window, note })
    log({ code: 'out_of_memory', message: note })
  }
}
