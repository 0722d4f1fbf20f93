// Messages of a chain go from the lane to its stages: rows of a step, and what becomes of their pages.
// They hold numbers and names of pages alone: a stage knows no text and no tenant.

import type { PromptShape } from '../cache/prompt-shape.ts'
import type { WindowOptions } from '../cache/window.ts'
import type { Row, Yield } from '../graph/model.ts'

/** An error as a value: what RPC throws loses its code. */
export type Failure = { code: string; message: string }

/** What a stage plans its memory by, the same in all stages of a chain, and whose pages it is to hold. */
export type StageSetup = {
  /** The engine that gives the pages their numbers: for another one nothing in memory means anything. */
  engine: string
  window: WindowOptions
  /** Rows of a call, how many of them may yield logits, and pages of the pool. */
  chunk: number
  logitRows: number
  pages: number
}

/**
 * What happens to pages between two steps, in order. A run is pages that lie in storage together; `names` are those of its pages by
 * content (cache/chain.ts), `pages` where they lie in the pool, -1 for one that nobody needs.
 */
export type PageOp =
  | { do: 'copy'; to: number; from: number }
  | { do: 'save' | 'restore'; names: readonly string[]; pages: Int32Array }
  | { do: 'drop'; runs: readonly number[] }

/** Rows of a step without their ids. */
export type PlainRows = {
  positions: Int32Array
  /** Each a place in YIELDS. */
  yields: Uint8Array
  /** By row its place in `sequences`. */
  of: Uint8Array
  /** Page numbers by position / PAGE_POSITIONS, -1 where the page was given back. */
  sequences: { pages: Int32Array; shape?: PromptShape }[]
}

export const YIELDS: readonly Yield[] = ['nothing', 'logits', 'hidden']

/** `ops` come first. Streams are (rows, hidden) f32. `spin` keeps the stage's thread busy, so that it shows whose thread that is. */
export type StageCall =
  | { do: 'pages'; ops: readonly PageOp[] }
  | { do: 'run'; ops: readonly PageOp[]; rows: PlainRows; stream: Float32Array }
  | { do: 'spin'; ms: number }
  | { do: 'embed'; ids: Int32Array }
  | { do: 'conclude'; yields: Uint8Array; stream: Float32Array }

export type StageReply = {
  /** Milliseconds of computing, where the host's clock tells. */
  ms: number
  /** Of `run` what goes to the next stage, of `embed` the ids' rows of the table. */
  stream?: Float32Array
  /** Of `conclude`: (rows that yield logits, rows of the table), and (rows that yield their state, hidden). */
  logits?: Float32Array
  hidden?: Float32Array
  /** Ids of runs that were to be restored and are not there, or not what they were: nothing was computed. */
  missing?: number[]
  error?: Failure
}

/** `epoch` is another whenever what the stage's memory held is of no use any more. */
export type OpenedStage = { epoch: string } | { error: Failure }

/** Rows as a layer stage gets them. */
export function plainRows(rows: readonly Row[]): PlainRows {
  const places = new Map<Row['pages'], number>()
  const sequences: PlainRows['sequences'] = []
  const of = Uint8Array.from(rows, ({ pages, shape }) => {
    const known = places.get(pages)
    if (known !== undefined) return known
    places.set(pages, sequences.length)
    return sequences.push({ pages: pageNumbers(pages), shape }) - 1
  })
  return {
    positions: Int32Array.from(rows, ({ position }) => position),
    yields: yieldsOf(rows.map((row) => row.yields)),
    of,
    sequences,
  }
}

/** The same rows in the stage; their ids are not told. */
export function rowsOf({ positions, yields, of, sequences }: PlainRows): Row[] {
  const tables = sequences.map(({ pages }) => pagesOf(pages))
  return Array.from(positions, (position, i) => ({
    id: -1,
    position,
    pages: tables[of[i]],
    yields: YIELDS[yields[i]],
    shape: sequences[of[i]].shape,
  }))
}

export function yieldsOf(yields: readonly Yield[]): Uint8Array {
  return Uint8Array.from(yields, (what) => YIELDS.indexOf(what))
}

export function pageNumbers(pages: readonly (number | undefined)[]): Int32Array {
  return Int32Array.from(pages, (page) => page ?? -1)
}

/** The pages that `pageNumbers` was given. */
export function pagesOf(numbers: Int32Array): (number | undefined)[] {
  return Array.from(numbers, (page) => (page < 0 ? undefined : page))
}

/** Rows of all parts, one behind the other, copied: a view of memory would not outlast the next call. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
