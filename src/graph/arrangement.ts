// An arrangement puts matrices that have arrived into the order that this host's kernels multiply by.

import type { Kernels } from '../kernels/kernels.ts'
import { isBySpan, rowGroupBytes, SPAN, TILE_ROWS, TILES } from '../kernels/layout.ts'
import type { TensorEntry } from '../weights/manifest.ts'

type Nibbles = Pick<Kernels, 'arrange_nibbles' | 'restore_nibbles'>
type Placed = Pick<TensorEntry, 'offset' | 'length' | 'kind' | 'rows' | 'cols'>

export class Arrangement {
  readonly #kernels: Nibbles
  readonly #entries: readonly Placed[]
  readonly #base: number
  #done = 0

  /** Of tensors in the order of their offsets, from `base` on. */
  constructor(kernels: Nibbles, entries: readonly Placed[], base: number) {
    this.#kernels = kernels
    this.#entries = entries
    this.#base = base
  }

  /**
   * The first `bytes` are in place, and nobody has to read them as packed any more. Fewer than before: the others come once
   * more, and a tensor of which only the end does is brought back into the order in which they come.
   */
  reach(bytes: number): void {
    while (this.#done < this.#entries.length && endOf(this.#entries[this.#done]) <= bytes)
      this.#each(this.#entries[this.#done++], this.#kernels.arrange_nibbles)
    while (this.#done > 0 && endOf(this.#entries[this.#done - 1]) > bytes)
      this.#each(this.#entries[--this.#done], this.#kernels.restore_nibbles)
  }

  #each({ offset, kind, rows, cols }: Placed, kernel: Kernels['arrange_nibbles']): void {
    if (kind === 'f16' || kind === 'f32' || !isBySpan(kind)) return
    const bytes = rowGroupBytes(kind, cols)
    for (let group = 0; group < Math.ceil(rows / TILE_ROWS); group++)
      kernel(this.#base + offset + group * bytes, Math.ceil(cols / SPAN), TILES[kind].bytes)
  }
}

function endOf({ offset, length }: Placed): number {
  return offset + length
}
