// A pool makes one vector of the last states of a text's tokens, by the rule that its model declares.

import { IsletError } from '../lib/errors.ts'
import type { Pooling } from '../weights/manifest.ts'

export class Pool {
  readonly #pooling: Pooling
  /** Length is taken off at the end, so a mean need not be divided. */
  readonly #sums: Float64Array // (hidden)

  constructor(pooling: Pooling, hidden: number) {
    this.#pooling = pooling
    this.#sums = new Float64Array(hidden)
  }

  /** Takes the state at a position, (hidden) f32; in order. */
  add(state: Float32Array, position: number): void {
    // A text of one token keeps its first.
    const isAnew = this.#pooling === 'last' || (this.#pooling === 'mean_without_first' && position === 1)
    if (isAnew) this.#sums.fill(0)
    for (let i = 0; i < state.length; i++) this.#sums[i] += state[i]
  }

  /** (hidden) f32 of length 1. Sums are float64 in order of position, their squares in order of index. */
  vector(): Float32Array {
    const length = Math.sqrt(this.#sums.reduce((sum, value) => sum + value * value, 0))
    if (!(length > 0 && length < Infinity))
      throw new IsletError('engine_failure', `the states of a text have the length ${length}`)
    return Float32Array.from(this.#sums, (value) => value / length)
  }
}

/** Little-endian f32 in base64. */
export function base64Of(vector: Float32Array): string {
  const view = new DataView(new ArrayBuffer(vector.length * 4))
  vector.forEach((value, i) => view.setFloat32(i * 4, value, true))
  let bytes = ''
  for (let i = 0; i < view.byteLength; i++) bytes += String.fromCharCode(view.getUint8(i))
  return btoa(bytes)
}
