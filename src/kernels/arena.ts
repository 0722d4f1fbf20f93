// The arena plan gives regions of linear memory their places, at offsets that are multiples of 64. Memory is
// allocated once, never grows, and nothing is freed.

import { IsletError } from '../lib/errors.ts'

const WASM_PAGE = 65536
const ALIGNMENT = 64

/** The modules' own static data ends below this (asconfig memoryBase 1024 and a few constants). */
const FIRST = WASM_PAGE

/** Counts bytes first, so that the memory is made at its final size; then hands out the same offsets. */
export class ArenaPlan {
  #next = FIRST

  /** Reserves `bytes` and returns their offset. */
  reserve(bytes: number): number {
    const offset = this.#next
    this.#next = Math.ceil((offset + bytes) / ALIGNMENT) * ALIGNMENT
    return offset
  }

  /** Two plans on the same bytes: what one keeps there is dead when the other is written. */
  overlay<A, B>(first: () => A, second: () => B): A & B {
    const start = this.#next
    const a = first()
    const end = this.#next
    this.#next = start
    const b = second()
    this.#next = Math.max(end, this.#next)
    return { ...a, ...b }
  }

  get bytes(): number {
    return Math.ceil(this.#next / WASM_PAGE) * WASM_PAGE
  }

  /** Makes the memory. Throws out_of_memory when the host refuses; wasm32 ends at 4 GiB. */
  allocate(): WebAssembly.Memory {
    const pages = this.bytes / WASM_PAGE
    if (pages > WASM_PAGE) {
      throw new IsletError(
        'out_of_memory',
        `the model needs ${this.bytes} bytes, and one linear memory ends at 4 GiB, which is as far as this program goes: ` +
          'pack it with fewer bits (--quant q4), or give it a smaller window',
      )
    }
    try {
      return new WebAssembly.Memory({ initial: pages, maximum: pages })
    } catch (cause) {
      throw new IsletError('out_of_memory', `the host refused ${this.bytes} bytes of linear memory`, {
        cause,
      })
    }
  }
}
