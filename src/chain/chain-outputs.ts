// Chain outputs are what rows have left, put together of what several stages or several calls made.

import type { Outputs, Yield } from '../graph/model.ts'
import type { Stage } from '../graph/stage.ts'
import type { TableRows } from '../weights/table.ts'

export class ChainOutputs implements Outputs {
  readonly #vocab: number
  readonly #hidden: number
  /** As many rows as were ever asked for: of a large vocabulary each is a megabyte. */
  #logits = new Float32Array(0)
  #states: Float32Array[] = []
  /** Rows of logits that are whole, and where the next call's begin. */
  #rows = 0

  constructor({ spec }: Pick<Stage, 'spec'>) {
    this.#vocab = spec.vocab
    this.#hidden = spec.hidden
  }

  /** A step begins, with so many rows of logits. */
  begin(rows: number): void {
    this.#rows = 0
    this.#states = []
    if (rows * this.#vocab > this.#logits.length) this.#logits = new Float32Array(rows * this.#vocab)
  }

  /** Copies what a call of the hub made. */
  add(yields: readonly Yield[], made: Outputs): void {
    let [logits, hidden] = [0, 0]
    for (const what of yields)
      if (what === 'logits') this.#logits.set(made.logits(logits++), this.#rows++ * this.#vocab)
      else this.#states.push(made.hidden(hidden++).slice())
  }

  /** Takes what the rows [first, end) of the table made; the states come with one of them, and the last ends the call. */
  addPart(
    yields: readonly Yield[],
    { first, end }: TableRows,
    logits: Float32Array,
    states: Float32Array | undefined,
  ): void {
    const count = yields.filter((what) => what === 'logits').length
    const size = end - first
    for (let i = 0; i < count; i++)
      this.#logits.set(logits.subarray(i * size, (i + 1) * size), (this.#rows + i) * this.#vocab + first)
    for (let i = 0; i < yields.length - count && states !== undefined; i++)
      this.#states.push(states.slice(i * this.#hidden, (i + 1) * this.#hidden))
    if (end === this.#vocab) this.#rows += count
  }

  logits(index: number): Float32Array {
    return this.#logits.subarray(index * this.#vocab, (index + 1) * this.#vocab)
  }

  hidden(index: number): Float32Array {
    return this.#states[index]
  }
}
