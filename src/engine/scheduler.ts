// The scheduler chooses the rows of a step: decode of each reader that keeps up, then prefill in order.

import { pagesForWindow, type WindowOptions } from '../cache/window.ts'
import { PAGE_POSITIONS } from '../kernels/layout.ts'
import type { Model } from '../graph/model.ts'
import { isStalled, pendingRows, type Turn } from './turn.ts'

/** The next `count` rows of a turn; the last asks for logits when no prompt is left behind it. */
export type Part = { turn: Turn; count: number; logits: boolean }

/**
 * Plans a step within the model's rows. `running` is in order of admission, save that the engine moves turns that just
 * decoded behind the others, so that with more of them than logit rows each has its share.
 */
export function planStep(running: readonly Turn[], model: Pick<Model, 'maxRows' | 'maxLogitRows'>): Part[] {
  const ready = running.filter((turn) => !isStalled(turn))
  const prefilling = ready.filter((turn) => pendingRows(turn) > 1)
  // A prompt's last row needs logits too: decoding must not take them all, or that prompt would wait for ever.
  const forDecode = prefilling.length > 0 ? model.maxLogitRows - 1 : model.maxLogitRows
  const parts: Part[] = []
  for (const turn of ready) {
    if (pendingRows(turn) === 1 && parts.length < Math.min(forDecode, model.maxRows)) {
      parts.push({ turn, count: 1, logits: true })
    }
  }
  let rows = model.maxRows - parts.length
  let logitRows = model.maxLogitRows - parts.length
  for (const turn of prefilling) {
    const pending = pendingRows(turn)
    const ends = pending <= rows && logitRows > 0
    const count = ends ? pending : Math.min(rows, pending - 1)
    // A prefix that sees itself both ways is one step: it waits for one that has room.
    if (count === 0 || (turn.sequence?.length ?? 0) + count < turn.shape.prefix) break
    parts.push({ turn, count, logits: ends })
    rows -= count
    if (ends) logitRows -= 1
  }
  return parts
}

/** Pages a sequence of `positions` needs at most while it runs, whatever was reused. */
export function pagesNeeded(positions: number, window: WindowOptions, chunk: number): number {
  const all = Math.ceil(positions / PAGE_POSITIONS)
  return window.window === undefined ? all : Math.min(all, pagesForWindow(window, chunk))
}
