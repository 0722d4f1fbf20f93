// The window rule says which keys a query sees, by its position alone: sinks and the nearest positions.
// Positions inside the window are the cache's, as in StreamingLLM (arXiv 2309.17453); page and chunk borders
// never change what a query sees.

import { PAGE_POSITIONS } from '../kernels/layout.ts'

export type WindowOptions = {
  /** Last positions seen, the query's own included; undefined = full attention. */
  window: number | undefined
  /** First positions always seen; 0 without a window. */
  sinks: number
  /** A window for each run of layers, from the first up; `window` is then the widest of them. */
  byDepth?: readonly number[]
}

/** The first `sinks` and the last positions of each run of layers; one window of 0 = full attention. */
export function windowOptions(windows: readonly number[], sinks: number): WindowOptions {
  const window = Math.max(...windows)
  if (window === 0) return { window: undefined, sinks: 0 }
  return windows.length === 1 ? { window, sinks } : { window, sinks, byDepth: windows }
}

export type Visible = {
  /**
   * Keys [0, sinkEnd) are seen with the query rotated at `sinkQueryPosition`; empty while nothing fell out of
   * sight.
   */
  sinkEnd: number
  sinkQueryPosition: number
  /** Keys [start, position] are seen with the query at its own position. */
  start: number
}

/** What the query at `position` sees. */
export function visible(position: number, options: WindowOptions): Visible {
  const { window, sinks } = options
  if (window === undefined || position < window + sinks) {
    return { sinkEnd: 0, sinkQueryPosition: position, start: 0 }
  }
  return { sinkEnd: sinks, sinkQueryPosition: sinks + window - 1, start: position - window + 1 }
}

/** How many earlier positions the query at `position` no longer sees. */
export function outOfSight(position: number, options: WindowOptions): number {
  const seen = visible(position, options)
  return seen.start - seen.sinkEnd
}

/** True when no query at `position` or later will see any slot of page `index`. */
export function pageIsDead(index: number, position: number, options: WindowOptions): boolean {
  return isHidden(index, visible(position, options))
}

/** True when a query sees no slot of page `index`. */
export function isHidden(index: number, seen: Visible): boolean {
  const first = index * PAGE_POSITIONS
  return first >= seen.sinkEnd && first + PAGE_POSITIONS <= seen.start
}

/** Pages that one sequence needs at most: sinks, window, a prefill chunk, and one for each ragged end. */
export function pagesForWindow(options: WindowOptions, chunk: number): number {
  if (options.window === undefined) throw new RangeError('full attention has no bound')
  const pages = (positions: number): number => Math.ceil(positions / PAGE_POSITIONS)
  return pages(options.sinks) + pages(options.window - 1 + chunk) + 1
}
