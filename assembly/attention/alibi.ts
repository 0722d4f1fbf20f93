// ALiBi adds a bias that grows with the distance between query and key (arXiv 2108.12409). It takes the place
// of a rotation.

/**
 * scores[head][slot] += slopes[head] * (distance + slot) over the first n slots (a multiple of 4); hidden
 * slots stay far below all others.
 * @param scores (heads, stride) f32 @param slopes (heads) f32 @param distance position of slot 0 less the query's
 */
export function alibi(scores: usize, stride: usize, slopes: usize, distance: i32, n: i32, heads: i32): void {
  for (let head = 0; head < heads; head++) {
    const slope = v128.load32_splat(slopes + ((<usize>head) << 2))
    for (let slot = 0; slot < n; slot += 4) {
      const at = scores + ((<usize>slot) << 2)
      const from = i32x4.add(i32x4.splat(distance + slot), i32x4(0, 1, 2, 3))
      v128.store(at, f32x4.add(v128.load(at), f32x4.mul(slope, f32x4.convert_i32x4_s(from))))
    }
    scores += stride << 2
  }
}
