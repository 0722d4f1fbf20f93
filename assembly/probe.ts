// The probe shows what the host makes of a relaxed dot outside of its defined range. src/kernels/choose.ts
// draws its conclusion from it.

import { dot_wide } from './simd/dot'

/** The sum of four products x * w. With w beyond 127 builds and hosts differ. */
export function dot_four(x: i32, w: i32): i32 {
  return i32x4.extract_lane(dot_wide(i32x4.splat(0), i8x16.splat(<i8>x), i8x16.splat(<i8>w)), 0)
}
