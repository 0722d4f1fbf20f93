// A sequence of these laws is a text with its pages; what its rows yield alone is what they must yield in any company.

import { expect } from 'vitest'
import { promptShape, type PromptShape } from '../../../src/cache/prompt-shape.ts'
import type { Model, Row, Yield } from '../../../src/graph/model.ts'
import { upTo } from '../../helpers/paged.ts'
import { someIds } from '../../helpers/subjects.ts'

export type Sequence = {
  ids: readonly number[]
  pages: readonly (number | undefined)[]
  shape: PromptShape
}

/** What rows have yielded, copied, in the order in which they asked. */
export type Yielded = { logits: Float32Array[]; hidden: Float32Array[] }

/** `count` random ids in these pages. */
export function sequence(model: Model, count: number, pages: Sequence['pages'], seed = 1): Sequence {
  const ids = someIds(count, model.spec.vocab, seed)
  return { ids, pages, shape: promptShape(model.spec, ids, model.window) }
}

export function rowAt({ ids, pages, shape }: Sequence, position: number, yields: Yield): Row {
  return { id: ids[position], position, pages, shape, yields }
}

/** Rows at [from, to), all with the same yield. */
export function rowsOf(text: Sequence, from: number, to: number, yields: Yield): Row[] {
  return Array.from({ length: to - from }, (_, i) => rowAt(text, from + i, yields))
}

/** One step. Rejects where the model throws or rejects. */
export async function step(model: Model, rows: readonly Row[]): Promise<Yielded> {
  const outputs = await model.run(rows)
  const asked = (what: Yield): number[] => [...rows.filter(({ yields }) => yields === what).keys()]
  return {
    logits: asked('logits').map((i) => outputs.logits(i).slice()),
    hidden: asked('hidden').map((i) => outputs.hidden(i).slice()),
  }
}

/** Runs [from, to) of a text row by row: what each row yields, by its position less `from`. */
export async function runAlone(
  model: Model,
  text: Sequence,
  { from = 0, to = text.ids.length } = {},
): Promise<Yielded> {
  const all: Yielded = { logits: [], hidden: [] }
  for (let position = from; position < to; position++) {
    for (const yields of ['hidden', 'logits'] as const)
      all[yields].push(...(await step(model, [rowAt(text, position, yields)]))[yields])
  }
  return all
}

/** Writes K and V of [from, to) in steps as large as may be. */
export async function fill(model: Model, text: Sequence, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += model.maxRows)
    await step(model, rowsOf(text, at, Math.min(to, at + model.maxRows), 'nothing'))
}

/** The bytes of all pages. */
export function pagesOf({ pages }: Model): Uint8Array[] {
  return upTo(pages.count).map((page) => pages.read(page))
}

/** The same bits, row by row; and rows that could be told apart: finite, and none like the one before it. */
export function expectRows(
  got: readonly Float32Array[],
  wanted: readonly Float32Array[],
  what: string,
): void {
  const isSame = (a: Float32Array | undefined, b: Float32Array): boolean =>
    a !== undefined && Buffer.compare(bytesOf(a), bytesOf(b)) === 0
  for (const [i, row] of wanted.entries()) {
    expect(row.every(Number.isFinite) && !isSame(wanted[i - 1], row), `${what}: row ${i} is of no use`).toBe(
      true,
    )
  }
  const first = wanted.findIndex((row, i) => !isSame(got[i], row))
  expect({ rows: got.length, first }, `${what}: rows, and the first that differs`).toEqual({
    rows: wanted.length,
    first: -1,
  })
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
