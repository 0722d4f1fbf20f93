// A residue is what quantising has left of an input. Quantised in its turn, it gives the products that the first eight
// bits lack.

import { BLOCK, SPAN, X1 } from '../kernels/layout.ts'

/** Views of one linear memory. */
export type ResidueViews = { i8: Int8Array; i16: Int16Array; f32: Float32Array }

const { fround } = Math

/**
 * Subtracts from the row of `cols` floats at `x` what the kernels take its quantised form at `quantised` (x1) for: codes
 * under the token's scale and a fraction of it (`byToken`: kinds of 4 bits), or under each block's own scale.
 */
export function leaveResidue(
  { i8, i16, f32 }: ResidueViews,
  x: number,
  quantised: number,
  cols: number,
  byToken: boolean,
): void {
  const scale = f32[quantised >>> 2]
  for (let col = 0; col < cols; col += BLOCK) {
    const b = (col % SPAN) / BLOCK
    const span = quantised + X1.header + Math.floor(col / SPAN) * X1.bytes
    const own = f32[((span + X1.blockScales) >>> 2) + b] * 2 ** -56
    const step = byToken ? fround(i16[((span + X1.fractions) >>> 1) + b] * scale) * 2 ** -15 : own
    for (let c = 0; c < BLOCK && col + c < cols; c++) {
      const at = (x >>> 2) + col + c
      f32[at] -= fround(i8[span + X1.codes + (c >> 2) * 8 + 4 * b + (c & 3)] * step)
    }
  }
}
