// This tile weighs values in i16 with whole codes, for hosts where a four-byte dot is several instructions.
// Tile: 4 dimensions x 3 heads that share their values, or 1.
//
// A vector holds two dimensions of four positions: one product and one addition where halves of 7 bits take
// six instructions. Measured: 0.28 ms for all layers of SmolLM2 over 512 positions in cache, where halves
// took 0.41, and 0.32 with twelve sums, 8 dimensions x 3 heads, more than V8 has registers for.

/** Four codes as i16. */
// @ts-ignore: decorator
@inline
export function pack_pairs(codes: v128): v128 {
  return i16x8.narrow_i32x4_s(codes, codes)
}

// @ts-ignore: decorator
@inline
function weighed(sum: v128, values: v128, codes: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(values, codes))
}

// Locals: a, b, c = heads; 0, 1 = dimensions 0 and 1, 2 and 3, each in two lanes.
export function four_3(
  out: usize, head: usize, codes: usize, row: usize, table: usize, pages: i32, values: usize, sa: f32, sb: f32, sc: f32,
): void {
  let a0 = i32x4.splat(0)
  let a1 = a0
  let b0 = a0
  let b1 = a0
  let c0 = a0
  let c1 = a0
  for (let page = 0; page < pages; page++) {
    let v = <usize>load<u32>(table + (<usize>page << 2)) + values
    for (const end = v + 128; v < end; v += 32) {
      const v0 = v128.load8x8_s(v)
      const v1 = v128.load8x8_s(v + 8)
      let p = v128.load64_splat(codes)
      a0 = weighed(a0, v0, p)
      a1 = weighed(a1, v1, p)
      p = v128.load64_splat(codes + row)
      b0 = weighed(b0, v0, p)
      b1 = weighed(b1, v1, p)
      p = v128.load64_splat(codes + 2 * row)
      c0 = weighed(c0, v0, p)
      c1 = weighed(c1, v1, p)
      codes += 8
    }
  }
  // Heads in order: the zeros behind one belong to the next.
  finish(out, a0, a1, sa)
  finish(out + head, b0, b1, sb)
  finish(out + 2 * head, c0, c1, sc)
}

export function four_1(out: usize, codes: usize, table: usize, pages: i32, values: usize, scale: f32): void {
  let s0 = i32x4.splat(0)
  let s1 = s0
  for (let page = 0; page < pages; page++) {
    let v = <usize>load<u32>(table + (<usize>page << 2)) + values
    for (const end = v + 128; v < end; v += 32) {
      const p = v128.load64_splat(codes)
      s0 = weighed(s0, v128.load8x8_s(v), p)
      s1 = weighed(s1, v128.load8x8_s(v + 8), p)
      codes += 8
    }
  }
  finish(out, s0, s1, scale)
}

// f32(sum) * scale
// @ts-ignore: decorator
@inline
function finish(out: usize, s0: v128, s1: v128, scale: f32): void {
  const sum = i32x4.add(v128.shuffle<i32>(s0, s1, 0, 2, 4, 6), v128.shuffle<i32>(s0, s1, 1, 3, 5, 7))
  v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(sum), f32x4.splat(scale)))
}
