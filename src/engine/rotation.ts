// Rotary angles. Computed in float64 with our own sine and cosine, so every host gets the same bits;
// one position at a time, so no table grows with the position.

import { pow, sinCos, type SinCos } from '../lib/math.ts'
import type { ModelSpec } from '../models/spec.ts'

/** Writes f32 cos[half], then sin[half], for one position. */
export type RotationTable = { half: number; fill(out: Float32Array, position: number): void }

/** The angle of pair i at position p is p / factor * base^(-2i / rotaryDim) (arXiv 2104.09864; linear scaling 2306.15595). */
export function rotationTable(position: ModelSpec['position']): RotationTable {
  const half = position.rotaryDim / 2
  const factor = position.scaling.kind === 'linear' ? position.scaling.factor : 1
  const frequencies = Float64Array.from(
    { length: half },
    (_, i) => 1 / pow(position.base, (2 * i) / position.rotaryDim),
  )
  const angle: SinCos = { sin: 0, cos: 0 }
  return {
    half,
    fill(out, at) {
      for (let i = 0; i < half; i++) {
        sinCos((at / factor) * frequencies[i], angle)
        out[i] = angle.cos
        out[half + i] = angle.sin
      }
    },
  }
}
