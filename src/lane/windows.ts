// Windows holds the windows in force in a lane: as configured, or halved where memory did not suffice.

import { windowOptions, type WindowOptions } from '../cache/window.ts'
import { takesWindow, type ModelSpec } from '../models/spec.ts'
import { halvedWindows, type WindowStore } from '../storage/window-store.ts'

/** `WINDOW` for full attention. */
const FULL = '0'

export class Windows {
  readonly #configured: readonly number[]
  readonly #sinks: number
  readonly #store: WindowStore

  /** `configured`: positions, a window for each of so many equal runs of layers; [0] = full attention. */
  constructor(configured: readonly number[], sinks: number, store: WindowStore) {
    this.#configured = configured
    this.#sinks = sinks
    this.#store = store
  }

  /** Why they are not as configured. */
  get note(): string | undefined {
    return this.#store.read()?.note
  }

  get list(): readonly number[] {
    const stored = this.#store.read()
    return stored !== undefined && stored.configured === this.#configured.join()
      ? stored.windows
      : this.#configured
  }

  get options(): WindowOptions {
    return windowOptions(this.list, this.#sinks)
  }

  /** A model that takes no window is served with full attention, and health and answers say so. */
  optionsFor(spec: ModelSpec): WindowOptions {
    return takesWindow(spec) ? this.options : windowOptions([0], 0)
  }

  /** Half of each from now on; gives the sentence that says so. */
  halve(why: string, spec: ModelSpec): string {
    const now = this.list
    const windows = halvedWindows(now.join() === FULL ? [spec.context] : now)
    const configured = this.#configured.join()
    const note = `the window is ${windows.join()} instead of ${configured === FULL ? 'full attention' : configured}: ${why}`
    this.#store.write({ configured, windows, note })
    return note
  }
}
