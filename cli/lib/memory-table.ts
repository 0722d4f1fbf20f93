// The memory table says what an isolate holds when it runs a model; `inspect` prints it.

import type { WindowOptions } from '../../src/cache/window.ts'
import { servedKv } from '../../src/graph/buffers.ts'
import { planMemory } from '../../src/graph/memory-layout.ts'
import { LOGIT_ROWS } from '../../src/lane/memory-plan.ts'
import { ISOLATE_BYTES, JS_BYTES } from '../../src/lib/limits.ts'
import type { ModelSpec } from '../../src/models/spec.ts'

/** The isolate's peak must stay below this. */
export const BUDGET = ISOLATE_BYTES

export const JS_ALLOWANCE = JS_BYTES

/** Where a 32-bit address ends: the largest linear memory that Node makes. */
export const LARGEST_MEMORY = 2 ** 32

/** Vocabulary entries take about this in tokenizer.bin, where none is there to measure. */
const TOKENIZER_BYTES_PER_TOKEN = 40

export type MemoryRow = { part: string; bytes: number }

export type MemorySettings = {
  window: WindowOptions
  chunk: number
  weightBytes: number
  tokenizerBytes?: number
  /** Most positions of a sequence where there is no window; default: the trained context. */
  maxPositions?: number
}

/** An estimate of tokenizer.bin from the size of the vocabulary. */
export function tokenizerBytesOf({ vocab }: ModelSpec): number {
  return vocab * TOKENIZER_BYTES_PER_TOKEN
}

/**
 * The window for a plan. A family that takes none sees its whole text, which then has at most as many
 * positions.
 */
export function planWindow(
  spec: ModelSpec,
  window: WindowOptions,
): Pick<MemorySettings, 'window' | 'maxPositions'> {
  if (spec.prefix === undefined || window.window === undefined) return { window }
  return { window: { window: undefined, sinks: 0 }, maxPositions: Math.min(window.window, spec.context) }
}

/**
 * Rows of the table, their sum, and the linear memory in it. Linear memory is planned by the engine itself,
 * so the rows are exact there.
 */
export function memoryTable(
  spec: ModelSpec,
  settings: MemorySettings,
): { rows: MemoryRow[]; total: number; linear: number } {
  const { window, chunk, weightBytes, maxPositions } = settings
  const layout = planMemory(spec, weightBytes, { window, chunk, maxPositions, logitRows: LOGIT_ROWS })
  const pool = layout.pageBytes * layout.pageCount
  const kv = servedKv(spec) === 'q8' ? 'INT8' : 'f32'
  const rows: MemoryRow[] = [
    { part: 'weights', bytes: weightBytes },
    { part: `KV pool, ${kv}: ${layout.pageCount} pages of ${layout.pageBytes}`, bytes: pool },
    {
      part: `one step: ${layout.rows} rows of activations, logits`,
      bytes: layout.totalBytes - weightBytes - pool,
    },
    { part: 'tokenizer', bytes: settings.tokenizerBytes ?? tokenizerBytesOf(spec) },
    { part: 'JavaScript heap and buffers, allowed for', bytes: JS_ALLOWANCE },
  ]
  return { rows, total: rows.reduce((sum, row) => sum + row.bytes, 0), linear: layout.totalBytes }
}
