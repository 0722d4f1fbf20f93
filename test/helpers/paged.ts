// Runs a text over pages that the test chooses itself: what Feed and the engine do, without their bookkeeping.

import type { LocalModel, Row } from '../../src/graph/model.ts'
import type { OnRow } from './trace.ts'

export type PagedRun = {
  /** Position of the first id. */
  from: number
  /** Page number by position / PAGE_POSITIONS. */
  pages: readonly (number | undefined)[]
  /** Rows of a step. */
  chunk: number
  /** Takes each row's logits; `last`: that of each step's last row alone. Absent: nothing asks. */
  onRow?: OnRow
  last?: boolean
}

/** Runs `ids` in steps. Pages of earlier positions must hold their keys and values. */
export function runPaged(model: LocalModel, ids: readonly number[], run: PagedRun): void {
  const { from, pages, chunk, onRow, last = false } = run
  for (let done = 0; done < ids.length; done += chunk) {
    const step = ids.slice(done, done + chunk)
    const rows = step.map((id, i): Row => {
      const asks = onRow !== undefined && (!last || i === step.length - 1)
      return { id, position: from + done + i, pages, yields: asks ? 'logits' : 'nothing' }
    })
    const outputs = model.run(rows)
    const asked = rows.filter(({ yields }) => yields === 'logits').length
    for (let i = 0; i < asked; i++) onRow?.(outputs.logits(i))
  }
}

/** A new order of `items`. */
export function shuffled<T>(items: readonly T[], random: { int(below: number): number }): T[] {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = random.int(i + 1)
    ;[out[i], out[j]] = [out[j], out[i]]
  }
  return out
}

/** 0, 1, 2 ... */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
