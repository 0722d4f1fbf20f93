// The probe shows what the host makes of relaxed instructions. src/kernels/choose.ts concludes from it.

import { dot_wide, pairs, share } from './simd/dot'

/** The sum of four products x * w. With w beyond 127 builds and hosts differ. */
export function dot_four(x: i32, w: i32): i32 {
  return i32x4.extract_lane(dot_wide(i32x4.splat(0), i8x16.splat(<i8>x), i8x16.splat(<i8>w)), 0)
}

/** The sum of two products x * w. */
export function dot_pair(x: i32, w: i32): i32 {
  return i16x8.extract_lane_s(pairs(i8x16.splat(<i8>x), i8x16.splat(<i8>w)), 0)
}

/** v * fraction / 32768, rounded. */
export function share_one(v: i32, fraction: i32): i32 {
  return i16x8.extract_lane_s(share(i16x8.splat(<i16>v), i16x8.splat(<i16>fraction)), 0)
}
