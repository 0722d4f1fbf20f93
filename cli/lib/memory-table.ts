// What an isolate holds when it runs a model: the table that `inspect` prints.

import type { WindowOptions } from '../../src/cache/window.ts'
import { planMemory } from '../../src/engine/load-model.ts'
import { LOGIT_ROWS } from '../../src/session/memory-plan.ts'
import type { ModelSpec } from '../../src/models/spec.ts'

/** The isolate's peak must stay below this: 128 MB less what locally cannot be seen (10^6 bytes). */
export const BUDGET = 120_000_000

/** JavaScript heap and buffers beside linear memory and the tokenizer: as measured at the peak (docs/performance.md). */
export const JS_ALLOWANCE = 11_000_000

/** Vocabulary entries take about this in tokenizer.bin, where none is there to measure. */
const TOKENIZER_BYTES_PER_TOKEN = 40

export type MemoryRow = { part: string; bytes: number }

export type MemorySettings = {
  window: WindowOptions
  chunk: number
  weightBytes: number
  tokenizerBytes?: number
}

/** Rows of the table and their sum. Linear memory is planned by the engine itself, so the rows are exact there. */
export function memoryTable(spec: ModelSpec, settings: MemorySettings): { rows: MemoryRow[]; total: number } {
  const { window, chunk, weightBytes } = settings
  const layout = planMemory(spec, weightBytes, { window, chunk, logitRows: LOGIT_ROWS })
  const pool = layout.pageBytes * layout.pageCount
  const rows: MemoryRow[] = [
    { part: 'weights', bytes: weightBytes },
    { part: `KV pool, INT8: ${layout.pageCount} pages of ${layout.pageBytes}`, bytes: pool },
    { part: `one step: ${chunk} rows of activations, logits`, bytes: layout.totalBytes - weightBytes - pool },
    { part: 'tokenizer', bytes: settings.tokenizerBytes ?? spec.vocab * TOKENIZER_BYTES_PER_TOKEN },
    { part: 'JavaScript heap and buffers, allowed for', bytes: JS_ALLOWANCE },
  ]
  return { rows, total: rows.reduce((sum, row) => sum + row.bytes, 0) }
}
