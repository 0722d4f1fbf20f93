// A model that notes what it was asked to run, so that a test can show that the mix it is about did occur.

import type { LocalModel, Outputs, Pages, Row } from '../../src/graph/model.ts'

/** One step: rows by sequence (rows of a sequence share one table of pages), in order. */
export type Step = number[]

export class SpyModel implements LocalModel {
  steps: Step[] = []
  copies = 0
  /** Most pages that one sequence held in a step since `reset`. */
  mostPages = 0
  readonly #model: LocalModel

  readonly pages: Pages

  constructor(model: LocalModel) {
    this.#model = model
    const { pages } = model
    this.pages = {
      count: pages.count,
      pageBytes: pages.pageBytes,
      copy: (to, from) => {
        this.copies++
        pages.copy(to, from)
      },
      read: (page) => pages.read(page),
      write: (page, bytes) => pages.write(page, bytes),
    }
  }

  get spec(): LocalModel['spec'] {
    return this.#model.spec
  }
  get window(): LocalModel['window'] {
    return this.#model.window
  }
  get maxRows(): number {
    return this.#model.maxRows
  }
  get maxLogitRows(): number {
    return this.#model.maxLogitRows
  }
  get staging(): LocalModel['staging'] {
    return this.#model.staging
  }
  get signal(): LocalModel['signal'] {
    return this.#model.signal
  }

  run(rows: readonly Row[]): Outputs {
    const sequences = Map.groupBy(rows, ({ pages }) => pages)
    this.steps.push([...sequences.values()].map(({ length }) => length))
    for (const pages of sequences.keys()) {
      const held = pages.reduce((sum: number, page) => sum + (page === undefined ? 0 : 1), 0)
      this.mostPages = Math.max(this.mostPages, held)
    }
    return this.#model.run(rows)
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
