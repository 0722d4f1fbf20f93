// A model that notes what it was asked to run, so that a test can show that the mix it is about did occur.

import type { Model, Row } from '../../src/graph/model.ts'

/** One step: rows by sequence (rows of a sequence share one table of pages), in order. */
export type Step = number[]

export class SpyModel implements Model {
  steps: Step[] = []
  copies = 0
  /** Most pages that one sequence held in a step since `reset`. */
  mostPages = 0
  readonly #model: Model

  constructor(model: Model) {
    this.#model = model
  }

  get spec(): Model['spec'] {
    return this.#model.spec
  }
  get window(): Model['window'] {
    return this.#model.window
  }
  get maxRows(): number {
    return this.#model.maxRows
  }
  get maxLogitRows(): number {
    return this.#model.maxLogitRows
  }
  get pageCount(): number {
    return this.#model.pageCount
  }
  get pageBytes(): number {
    return this.#model.pageBytes
  }
  get signal(): number {
    return this.#model.signal
  }

  clearSignal(): void {
    this.#model.clearSignal()
  }

  forward(rows: readonly Row[]): void {
    const sequences = Map.groupBy(rows, ({ pages }) => pages)
    this.steps.push([...sequences.values()].map(({ length }) => length))
    for (const pages of sequences.keys()) {
      const held = pages.reduce((sum: number, page) => sum + (page === undefined ? 0 : 1), 0)
      this.mostPages = Math.max(this.mostPages, held)
    }
    this.#model.forward(rows)
  }

  logits(index: number): Float32Array {
    return this.#model.logits(index)
  }

  copyPage(to: number, from: number): void {
    this.copies++
    this.#model.copyPage(to, from)
  }

  readPage(page: number): Uint8Array {
    return this.#model.readPage(page)
  }

  writePage(page: number, bytes: Uint8Array): void {
    this.#model.writePage(page, bytes)
  }

  get gatherPages(): number {
    return this.#model.gatherPages
  }

  gather(pages: readonly number[]): { bytes: Uint8Array; checksum: string } {
    return this.#model.gather(pages)
  }

  scatter(bytes: Uint8Array, checksum: string, pages: readonly (number | undefined)[]): boolean {
    return this.#model.scatter(bytes, checksum, pages)
  }

  /** Forgets what was noted. */
  reset(): void {
    this.steps = []
    this.copies = 0
    this.mostPages = 0
  }

  /** Rows that were run in all. */
  get rowsRun(): number {
    return this.steps.flat().reduce((a, b) => a + b, 0)
  }
}
