// The result of the page's benchmark is a row for each goal, with every round's milliseconds.

import type { Machine } from './results.ts'

export type PageRow = {
  what: string
  goalMs: number
  /** The same in an empty page, where that means something. */
  emptyMs?: number[]
  ms: number[]
}

export type PageResult = { chromium: string; machine: Machine; model: string; rows: PageRow[] }
