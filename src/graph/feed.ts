// A feed runs one sequence by hand: ids in, every row's logits out. Commands and goldens use it;
// serving goes through engine.ts.

import { PagePool } from '../cache/page-pool.ts'
import { pageIsDead } from '../cache/window.ts'
import { PAGE_POSITIONS } from '../kernels/layout.ts'
import { IsletError } from '../lib/errors.ts'
import type { LocalModel, Row, Yield } from './model.ts'
import { promptShape, type PromptShape } from '../cache/prompt-shape.ts'

export class Feed {
  readonly #model: LocalModel
  readonly #pool: PagePool
  readonly #pages: (number | undefined)[] = []
  #shape: PromptShape | undefined
  #position = 0
  #firstLive = 0

  constructor(model: LocalModel) {
    this.#model = model
    this.#pool = new PagePool(model.pages.count)
  }

  /**
   * Runs `ids` as the next positions (the first call's are the prompt), at most `chunk` at a time, and gives
   * each row's logits to `onRow` (a view that the next step overwrites). Without `onRow` nothing past the KV
   * pages is computed.
   */
  run(
    ids: readonly number[],
    onRow?: (logits: Float32Array, position: number) => void,
    chunk = this.#model.maxRows,
  ): void {
    const limit = onRow === undefined ? this.#model.maxRows : this.#model.maxLogitRows
    const { spec, window } = this.#model
    const shape = (this.#shape ??= promptShape(spec, ids, window))
    // A prefix is never cut.
    const step = Math.max(1, Math.min(chunk, limit), shape.prefix - this.#position)
    const yields: Yield = onRow === undefined ? 'nothing' : 'logits'
    for (let from = 0; from < ids.length; from += step) {
      const rows = ids.slice(from, from + step).map((id): Row => {
        this.#checkId(id)
        const row = { id, position: this.#position, pages: this.#pages, yields, shape }
        this.#makeRoom(this.#position)
        this.#position++
        return row
      })
      const outputs = this.#model.run(rows)
      rows.forEach((row, i) => onRow?.(outputs.logits(i), row.position))
    }
  }

  #checkId(id: number): void {
    if (Number.isInteger(id) && id >= 0 && id < this.#model.spec.vocab) return
    throw new IsletError(
      'invalid_request',
      `token id ${id} is outside the vocabulary of ${this.#model.spec.vocab}`,
    )
  }

  /** Sees to it that `position` has a page; pages are given back once no row of the step can see them. */
  #makeRoom(position: number): void {
    const index = Math.floor(position / PAGE_POSITIONS)
    if (this.#pages[index] !== undefined) return
    const oldest = position - this.#model.maxRows + 1 // no row of this step lies further back
    for (; this.#firstLive < index; this.#firstLive++) {
      const page = this.#pages[this.#firstLive]
      if (page === undefined) continue
      if (!pageIsDead(this.#firstLive, Math.max(0, oldest), this.#model.window)) {
        if (this.#isSink(this.#firstLive)) continue
        break
      }
      this.#pool.release(page)
      this.#pages[this.#firstLive] = undefined
    }
    const page = this.#pool.take(this.#pages[index - 1])
    if (page === undefined) {
      throw new IsletError(
        'context_length_exceeded',
        `position ${position} does not fit the KV pool of ${this.#model.pages.count} pages`,
      )
    }
    this.#pages[index] = page
  }

  #isSink(index: number): boolean {
    const { window, sinks } = this.#model.window
    return window !== undefined && index * PAGE_POSITIONS < sinks
  }
}
