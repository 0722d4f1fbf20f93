// A layered run takes the rows of a step through the layers one after another, as their weights arrive.

import type { Row } from './model.ts'

/** Pages that lie side by side. */
export type PageRun = { first: number; count: number }

/** Layers [from, to). */
export type LayerSpan = { from: number; to: number }

/** Where activations wait between two layers: so many rows, and the address of each. */
export type RowRoom = { rows: number; at(row: number): number }

/** A stage of all layers, as a layered run needs it. */
export type LayeredStage = {
  readonly maxRows: number
  readonly layers: number
  /** Takes rows that yield nothing through some layers; the first takes their ids, the others what lies in `room` from row `first` on. */
  through(rows: readonly Row[], span: LayerSpan, room: RowRoom, first: number): void
}

/**
 * The same kernels on the same rows as chunk by chunk through all layers, in another order, so the same bits. Of more rows than
 * `room` holds the last ones go through all layers at the end.
 */
export class LayeredRun {
  readonly #stage: LayeredStage
  readonly #rows: readonly Row[]
  readonly #room: RowRoom
  #done = 0

  constructor(stage: LayeredStage, rows: readonly Row[], room: RowRoom) {
    this.#stage = stage
    this.#rows = rows
    this.#room = room
  }

  /** The first `layers` layers are in place. Where some are no more, a shard came damaged: then all that was run begins again. */
  reach(layers: number): void {
    if (layers < this.#done) this.#done = 0
    if (layers === this.#done) return
    this.#run(0, this.#ahead, { from: this.#done, to: layers })
    this.#done = layers
  }

  /** All weights are in place, and are what they should be: runs what is left. */
  end(): void {
    const { layers } = this.#stage
    this.reach(layers)
    this.#run(this.#ahead, this.#rows.length, { from: 0, to: layers })
  }

  get #ahead(): number {
    return Math.min(this.#room.rows, this.#rows.length)
  }

  #run(from: number, end: number, span: LayerSpan): void {
    const { maxRows } = this.#stage
    for (let first = from; first < end; first += maxRows) {
      const rows = this.#rows.slice(first, Math.min(end, first + maxRows))
      this.#stage.through(rows, span, this.#room, first)
    }
  }
}
