// Rotary embedding turns pairs (i, i + half) of a head; the rest passes through (arXiv 2104.09864).

/**
 * @param out, x (heads, headDim) f32; out may be x
 * @param table f32 cos[half], then sin[half], of this position
 */
export function rope(out: usize, x: usize, heads: i32, headDim: i32, half: i32, table: usize): void {
  const sines = table + ((<usize>half) << 2)
  const far = (<usize>half) << 2
  for (let head = 0; head < heads; head++) {
    let i = 0
    for (; i + 4 <= half; i += 4) {
      const at = (<usize>i) << 2
      const a = v128.load(x + at)
      const b = v128.load(x + at + far)
      const c = v128.load(table + at)
      const s = v128.load(sines + at)
      v128.store(out + at, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)))
      v128.store(out + at + far, f32x4.add(f32x4.mul(b, c), f32x4.mul(a, s)))
    }
    for (; i < half; i++) {
      const at = (<usize>i) << 2
      const a = load<f32>(x + at)
      const b = load<f32>(x + at + far)
      const c = load<f32>(table + at)
      const s = load<f32>(sines + at)
      store<f32>(out + at, a * c - b * s)
      store<f32>(out + at + far, b * c + a * s)
    }
    if (out != x && 2 * half < headDim) {
      memory.copy(out + 2 * far, x + 2 * far, (<usize>(headDim - 2 * half)) << 2)
    }
    x += (<usize>headDim) << 2
    out += (<usize>headDim) << 2
  }
}
