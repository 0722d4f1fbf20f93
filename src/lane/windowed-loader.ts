// A windowed loader reads a lane's model into the isolate, with the largest window that the memory takes.

import type { ModelText } from '../answer/model-text.ts'
import type { PromptLimits } from '../answer/prepare-prompt.ts'
import type { WindowOptions } from '../cache/window.ts'
import type { Seed } from '../graph/prefix-pages.ts'
import { errorCode, IsletError } from '../lib/errors.ts'
import { takesWindow, type ModelSpec } from '../models/spec.ts'
import type { WindowStore } from '../storage/window-store.ts'
import type { LoadedModel, Loader } from './isolate.ts'
import { limitsUnder } from './model-limits.ts'
import type { Clock } from '../lib/clock.ts'
import { Windows } from './windows.ts'

export type WindowSettings = {
  /** Positions, a window for each of so many equal runs of layers; [0] = full attention. */
  windows: readonly number[]
  sinks: number
  /** Longest prompt with a window, in ids. */
  maxPrompt: number
  /** Requests that a lane works on or lets wait. */
  queue: number
  /** Bytes of the isolate that the plan leaves to others. */
  reserve?: number
}

/** Of Loader.readModel. */
export type OnArrival = Parameters<Loader['readModel']>[2]

/** Where a model comes from. */
export type ModelReader = {
  readText(): Promise<ModelText>
  /** Loads the weights for that window. */
  readModel(
    text: ModelText,
    window: WindowOptions,
    onProgress: (done: number, total: number) => void,
    onArrival: OnArrival,
  ): Promise<LoadedModel>
  /** Reads the pages of the prefix that were packed with the model; may reject. */
  readPrefix(text: ModelText, model: LoadedModel): Promise<Seed | undefined>
}

export type WindowedLoaderParts = ModelReader & {
  settings: WindowSettings
  clock: Clock
  store: WindowStore
  log(entry: Record<string, unknown>): void
}

export class WindowedLoader implements Loader {
  readonly clock: Clock
  readonly queueLimit: number
  readonly #parts: WindowedLoaderParts
  readonly #windows: Windows
  #reading: Promise<ModelText> | undefined

  constructor(parts: WindowedLoaderParts) {
    const { settings, clock, store } = parts
    this.#parts = parts
    this.clock = clock
    this.queueLimit = settings.queue
    this.#windows = new Windows(settings.windows, settings.sinks, store, settings.reserve)
  }

  /** Why the windows are not as configured; undefined where they are. */
  get note(): string | undefined {
    return this.#windows.note
  }

  /** The window that the next load of `spec` has; without a spec, of a model that takes any. */
  windowOf(spec?: ModelSpec): WindowOptions {
    return spec === undefined ? this.#windows.options : this.#windows.optionsFor(spec)
  }

  /** What a prompt and an answer may come to. */
  limits({ manifest: { spec } }: ModelText): PromptLimits {
    return limitsUnder(this.windowOf(spec).window, spec.context, this.#parts.settings.maxPrompt)
  }

  /** A cold lane's load and its first request want the text at the same time: it is read once. */
  readText(): Promise<ModelText> {
    this.#reading ??= this.#parts.readText().finally(() => (this.#reading = undefined))
    return this.#reading
  }

  /**
   * Loads with the largest window that the memory takes: halved until it fits, and kept so. Throws
   * engine_failure or out_of_memory.
   */
  async readModel(
    text: ModelText,
    onProgress: (done: number, total: number) => void,
    onArrival: OnArrival,
  ): Promise<LoadedModel> {
    const { spec } = text.manifest
    for (;;) {
      const windows = this.#windows.list.join()
      try {
        return await this.#parts.readModel(text, this.windowOf(spec), onProgress, onArrival)
      } catch (error) {
        // A setting of the deployment that this model cannot have is no client's mistake.
        if (errorCode(error) === 'invalid_request') {
          const why = error instanceof Error ? error.message : String(error)
          throw new IsletError('engine_failure', `WINDOW = "${windows}": ${why}`, { cause: error })
        }
        if (errorCode(error) !== 'out_of_memory' || !takesWindow(spec)) throw error
        // What a reserve takes is known by plan: small steps keep more of the window.
        const part = this.#parts.settings.reserve ? 7 / 8 : undefined
        this.halve(error instanceof Error ? error.message : 'the host refused the memory', text, part)
        if (this.#windows.list.join() === windows) throw error
      }
    }
  }

  /** Without the prefix its positions are computed: that costs time and is no failure. Never rejects. */
  async readPrefix(text: ModelText, model: LoadedModel): Promise<Seed | undefined> {
    try {
      return await this.#parts.readPrefix(text, model)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      this.#parts.log({ code: errorCode(error), message: `the prefix is computed instead: ${message}` })
      return undefined
    }
  }

  /** Half of each window, or another part, from the next load on, kept across restarts. */
  halve(why: string, { manifest }: ModelText, part?: number): void {
    this.#parts.log({ code: 'out_of_memory', message: this.#windows.halve(why, manifest.spec, part) })
  }
}
