// Row views say what a row sees and how its query turns; they are worked out once a step.

import { log } from '../lib/math.ts'
import { sightOf, type QueryRotation, type Sight } from './attention.ts'
import type { Row } from './model.ts'
import { rotationTable, type RotationTable } from './rotation.ts'
import type { StageParts } from './stage-parts.ts'

/** One row in each view of the stage's layers (graph/views.ts). */
export type RowView = readonly { sight: Sight; turn: QueryRotation }[]

export class RowViews {
  readonly #parts: StageParts
  readonly #tables: readonly RotationTable[]
  readonly #floats: Float32Array

  constructor(parts: StageParts) {
    this.#parts = parts
    this.#tables = parts.views.list.map(({ position }) => rotationTable(position))
    this.#floats = new Float32Array(parts.memory.buffer)
  }

  /**
   * Of the step's i-th row, whose rotations are filled on the way. Throws RangeError if a page that it sees
   * was given back.
   */
  of(row: Row, i: number): RowView {
    return this.#parts.views.list.map(({ window }, view) => {
      const sight = sightOf(row, window)
      const table = this.#tables[view]
      const width = 2 * table.half
      const rotation = this.#parts.buffers.rotations[view] + i * 2 * width * 4
      const sinkRotation = rotation + width * 4
      table.fill(this.#floats.subarray(rotation >>> 2, (rotation >>> 2) + width), row.position, row.shape)
      if (sight.sinks.pages > 0) {
        const out = this.#floats.subarray(sinkRotation >>> 2, (sinkRotation >>> 2) + width)
        table.fill(out, sight.sinkPosition, row.shape)
      }
      const turn = { half: table.half, rotation, sinkRotation, factor: this.#factorAt(sight) }
      return { sight, turn }
    })
  }

  /** The scores' factor: with LogN it grows with the position in the cache beyond the trained length. */
  #factorAt({ sinkPosition }: Sight): number {
    const { scale, logn } = this.#parts.spec.attention
    // Where a query stands in the cache: its own position until something fell out of sight, then the same
    // for all, sinks or none.
    const seen = sinkPosition + 1
    if (logn === undefined || seen <= logn) return Math.fround(scale)
    return Math.fround((scale * log(seen)) / log(logn))
  }
}
