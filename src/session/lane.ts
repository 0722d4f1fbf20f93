// A lane: the isolate's engine behind three calls. Knows no Cloudflare module; object.ts makes a Durable Object of it.

import { windowOptions, type WindowOptions } from '../cache/window.ts'
import type { GenerateRequest, GenerationEvent } from '../engine/events.ts'
import type { Seed } from '../engine/prefix.ts'
import { pulledBytes } from '../lib/pulled-bytes.ts'
import { errorCode, IsletError, isUserCode } from '../lib/errors.ts'
import { takesWindow, type ModelSpec } from '../models/spec.ts'
import type { ModelText } from './asset-source.ts'
import { generate, type Host } from './generation.ts'
import type { Isolate, LoadedModel, Loader } from './isolate.ts'
import type { LaneHealth } from './lane-client.ts'
import type { Clock } from './pacer.ts'
import { encodeEvent, errorEvent } from './wire.ts'
import { halvedWindows, type WindowStore } from './window-store.ts'

/** `WINDOW` for full attention. */
const FULL = '0'

export type LaneConfig = {
  /** Folder of the model, and its id. */
  model: string
  /** Positions, a window for each of so many equal runs of layers; [0] = full attention. */
  windows: readonly number[]
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
  /** Loads the weights for that window. */
  readModel(
    text: ModelText,
    window: WindowOptions,
    onProgress: (done: number, total: number) => void,
  ): Promise<LoadedModel>
  /** Reads what the model brings computed; may reject. */
  readPrefix?(text: ModelText, model: LoadedModel): Promise<Seed | undefined>
  log(entry: Record<string, unknown>): void
}

export class Lane {
  readonly #parts: LaneParts
  readonly #loader: Loader
  #resetKnown = false
  #reading: Promise<ModelText> | undefined

  constructor(parts: LaneParts) {
    this.#parts = parts
    this.#loader = {
      clock: parts.clock,
      readText: () => this.#readText(),
      readModel: (text, onProgress) => this.#readModel(text, onProgress),
      readPrefix: (text, model) => this.#readPrefix(text, model),
    }
  }

  /** Events of one request as lines of JSON, made as they are read; cancelling the stream ends the generation. */
  generate(request: GenerateRequest): ReadableStream<Uint8Array> {
    const abort = new AbortController()
    const events = this.#events(request, abort.signal)
    return pulledBytes({
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
    const window = inPlace?.model.window ?? this.#window()
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

  /**
   * The platform killed this lane for its memory: the next load has half the window, kept across restarts. Every
   * request that was under way reports the same reset to the object made after it, so only the first one counts.
   */
  async memoryReset(): Promise<void> {
    if (this.#resetKnown) return
    this.#resetKnown = true
    // Half of full attention is half the trained context, which a new object has not read yet.
    const text = await this.#parts.isolate.readText(this.#loader)
    this.#halveWindow('the isolate exceeded its memory limit and was reset', text)
  }

  async *#events(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<GenerationEvent, void> {
    const { isolate, clock, config, log } = this.#parts
    let loading = true
    const load = isolate.begin(this.#loader).then(() => void (loading = false))
    const host: Host = {
      clock,
      text: () => isolate.readText(this.#loader),
      limits: ({ manifest }) =>
        this.#windowFor(manifest.spec).window === undefined
          ? { maxPrompt: manifest.spec.context, maxPositions: manifest.spec.context }
          : { maxPrompt: config.maxPrompt, maxPositions: Infinity },
      loaded: () => isolate.loaded,
      progress: () => ({ done: isolate.done, total: isolate.total }),
      // Another lane's load can only be looked at now and then.
      loadWait: (ms) => (loading ? Promise.race([load, clock.wait(ms)]) : clock.wait(ms)),
    }
    try {
      yield* generate(request, host, signal)
    } catch (error) {
      const event = errorEvent(error)
      if (!isUserCode(event.code)) {
        const { message, stack, facts } = (error ?? {}) as {
          message?: unknown
          stack?: unknown
          facts?: unknown
        }
        log({
          requestId: request.requestId,
          code: event.code,
          message: message ?? String(error),
          facts,
          stack,
        })
      }
      yield event
    }
  }

  /** A cold lane's load and its first request want the words at the same time: they are read once. */
  #readText(): Promise<ModelText> {
    this.#reading ??= this.#parts.readText().finally(() => (this.#reading = undefined))
    return this.#reading
  }

  /** Loads with the largest window that the memory takes: halved until it fits, and kept so. */
  async #readModel(text: ModelText, onProgress: (done: number, total: number) => void): Promise<LoadedModel> {
    for (;;) {
      const windows = this.#windows()
      try {
        return await this.#parts.readModel(text, this.#windowFor(text.manifest.spec), onProgress)
      } catch (error) {
        // A setting of the deployment that this model cannot have is no client's mistake.
        if (errorCode(error) === 'invalid_request') {
          const why = error instanceof Error ? error.message : String(error)
          throw new IsletError('engine_failure', `WINDOW = "${windows.join()}": ${why}`, { cause: error })
        }
        if (errorCode(error) !== 'out_of_memory' || !takesWindow(text.manifest.spec)) throw error
        this.#halveWindow(error instanceof Error ? error.message : 'the host refused the memory', text)
        if (this.#windows().join() === windows.join()) throw error
      }
    }
  }

  /** Without the prefix its positions are computed: that costs time and is no failure. */
  async #readPrefix(text: ModelText, model: LoadedModel): Promise<Seed | undefined> {
    try {
      return await this.#parts.readPrefix?.(text, model)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      this.#parts.log({ code: errorCode(error), message: `the prefix is computed instead: ${message}` })
      return undefined
    }
  }

  /** The windows in force: as configured, or less after resets; [0] = full attention. */
  #windows(): readonly number[] {
    const { config, store } = this.#parts
    const stored = store.read()
    return stored !== undefined && stored.configured === config.windows.join()
      ? stored.windows
      : config.windows
  }

  #window(): WindowOptions {
    return windowOptions(this.#windows(), this.#parts.config.sinks)
  }

  /** A model that takes no window is served with full attention, and health and answers say so. */
  #windowFor(spec: ModelSpec): WindowOptions {
    return takesWindow(spec) ? this.#window() : windowOptions([0], 0)
  }

  #halveWindow(why: string, { manifest }: ModelText): void {
    const { config, store, log } = this.#parts
    const now = this.#windows()
    const windows = halvedWindows(now.join() === FULL ? [manifest.spec.context] : now)
    const configured = config.windows.join()
    const note = `the window is ${windows.join()} instead of ${configured === FULL ? 'full attention' : configured}: ${why}`
    store.write({ configured, windows, note })
    log({ code: 'out_of_memory', message: note })
  }
}
