// The scheduler chooses the rows of a step: decode of each reader that keeps up, then prefill in order.

import { pagesForWindow, type WindowOptions } from '../cache/window.ts'
import { PAGE_POSITIONS } from '../kernels/layout.ts'
import type { Model } from '../graph/model.ts'
import { isStalled, pendingRows, type Turn } from './turn.ts'

/** The next `count` rows of a turn; the last `logits` of them yield logits. */
export type Part = { turn: Turn; count: number; logits: number }

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
      parts.push({ turn, count: 1, logits: 1 })
    }
  }
  let rows = model.maxRows - parts.length
  let logitRows = model.maxLogitRows - parts.length
  for (const turn of prefilling) {
    const held = turn.sequence?.length ?? 0
    const silent = turn.wantsFrom - held
    const count = Math.min(rows, pendingRows(turn), silent + logitRows)
    // A prefix that sees itself both ways is one step: it waits for one that has room.
    if (count === 0 || held + count < turn.shape.prefix) break
    const logits = Math.max(0, count - silent)
    parts.push({ turn, count, logits })
    rows -= count
    logitRows -= logits
  }
  return parts
}

/** Pages a sequence of `positions` needs at most while it runs, whatever was reused. */
export function pagesNeeded(positions: number, window: WindowOptions, chunk: number): number {
  const all = Math.ceil(positions / PAGE_POSITIONS)
  return window.window === undefined ? all : Math.min(all, pagesForWindow(window, chunk))
}
