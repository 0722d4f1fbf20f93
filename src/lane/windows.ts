// Windows holds the windows in force in a lane: as configured, or halved where memory did not suffice.

import { windowOptions, type WindowOptions } from '../cache/window.ts'
import { takesWindow, type ModelSpec } from '../models/spec.ts'
import { halvedWindows, type StoredWindow, type WindowStore } from '../storage/window-store.ts'

/** `WINDOW` for full attention. */
const FULL = '0'

export class Windows {
  readonly #configured: readonly number[]
  readonly #sinks: number
  readonly #store: WindowStore
  /** Of the settings: with others, what is stored no longer counts. */
  readonly #name: string

  /**
   * `configured`: positions, a window for each of so many equal runs of layers; [0] = full attention. `reserve`: bytes of the
   * isolate that are another's.
   */
  constructor(configured: readonly number[], sinks: number, store: WindowStore, reserve = 0) {
    this.#name = configured.join() + (reserve > 0 ? `-${reserve}` : '')
    this.#configured = configured
    this.#sinks = sinks
    this.#store = store
  }

  /** Why they are not as configured. */
  get note(): string | undefined {
    return this.#stored?.note
  }

  get list(): readonly number[] {
    return this.#stored?.windows ?? this.#configured
  }

  get #stored(): StoredWindow | undefined {
    const stored = this.#store.read()
    return stored?.configured === this.#name ? stored : undefined
  }

  get options(): WindowOptions {
    return windowOptions(this.list, this.#sinks)
  }

  /** A model that takes no window is served with full attention, and health and answers say so. */
  optionsFor(spec: ModelSpec): WindowOptions {
    return takesWindow(spec) ? this.options : windowOptions([0], 0)
  }

  /** Half of each, or another part, from now on; gives the sentence that says so. */
  halve(why: string, spec: ModelSpec, part?: number): string {
    const now = this.list
    const windows = halvedWindows(now.join() === FULL ? [spec.context] : now, part)
    const configured = this.#configured.join()
    const note = `the window is ${windows.join()} instead of ${configured === FULL ? 'full attention' : configured}: ${why}`
    this.#store.write({ configured: this.#name, windows, note })
    return note
  }
}
