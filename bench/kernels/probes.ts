// What the machine can do at best, in AssemblyScript, compiled by the benchmark as the kernels are (asconfig.json):
// loading bytes with nothing computed from them, and dots with nothing loaded.

/* eslint-disable -- AssemblyScript, which its own compiler checks */
// @ts-nocheck

/** Loads `bytes` bytes from `at`, rounded down to whole rounds of 128, and folds them by OR: the least that keeps a load. */
export function load_bytes(at: usize, bytes: usize): i32 {
  let a = i64x2.splat(0)
  let b = a
  let c = a
  let d = a
  const end = at + (bytes & ~127)
  for (; at < end; at += 128) {
    a = v128.or(a, v128.load(at))
    b = v128.or(b, v128.load(at, 16))
    c = v128.or(c, v128.load(at, 32))
    d = v128.or(d, v128.load(at, 48))
    a = v128.or(a, v128.load(at, 64))
    b = v128.or(b, v128.load(at, 80))
    c = v128.or(c, v128.load(at, 96))
    d = v128.or(d, v128.load(at, 112))
  }
  return i32x4.extract_lane(v128.or(v128.or(a, b), v128.or(c, d)), 0)
}

// Twelve chains hide the latency of one dot behind the others; with the constant operand they leave three registers free.
/** `count` dots of sixteen products, rounded down to whole rounds of twelve. */
export function dots(count: i32, seed: i32): i32 {
  const k = i8x16.splat(<i8>(seed & 127))
  let a = i8x16.splat(1)
  let b = i8x16.splat(2)
  let c = i8x16.splat(3)
  let d = i8x16.splat(4)
  let e = i8x16.splat(5)
  let f = i8x16.splat(6)
  let g = i8x16.splat(7)
  let h = i8x16.splat(8)
  let i = i8x16.splat(9)
  let j = i8x16.splat(10)
  let l = i8x16.splat(11)
  let m = i8x16.splat(12)
  for (let n = count / 12; n > 0; n--) {
    a = i16x8.relaxed_dot_i8x16_i7x16_s(a, k)
    b = i16x8.relaxed_dot_i8x16_i7x16_s(b, k)
    c = i16x8.relaxed_dot_i8x16_i7x16_s(c, k)
    d = i16x8.relaxed_dot_i8x16_i7x16_s(d, k)
    e = i16x8.relaxed_dot_i8x16_i7x16_s(e, k)
    f = i16x8.relaxed_dot_i8x16_i7x16_s(f, k)
    g = i16x8.relaxed_dot_i8x16_i7x16_s(g, k)
    h = i16x8.relaxed_dot_i8x16_i7x16_s(h, k)
    i = i16x8.relaxed_dot_i8x16_i7x16_s(i, k)
    j = i16x8.relaxed_dot_i8x16_i7x16_s(j, k)
    l = i16x8.relaxed_dot_i8x16_i7x16_s(l, k)
    m = i16x8.relaxed_dot_i8x16_i7x16_s(m, k)
  }
  const low = v128.or(v128.or(v128.or(a, b), v128.or(c, d)), v128.or(e, f))
  const high = v128.or(v128.or(v128.or(g, h), v128.or(i, j)), v128.or(l, m))
  return i32x4.extract_lane(v128.or(low, high), 0)
}

/** The same by the dot that adds to its third operand, which the build called quads uses. */
export function dots_add(count: i32, seed: i32): i32 {
  const k = i8x16.splat(<i8>(seed & 127))
  const x = i8x16.splat(3)
  let a = i8x16.splat(1)
  let b = i8x16.splat(2)
  let c = i8x16.splat(3)
  let d = i8x16.splat(4)
  let e = i8x16.splat(5)
  let f = i8x16.splat(6)
  let g = i8x16.splat(7)
  let h = i8x16.splat(8)
  let i = i8x16.splat(9)
  let j = i8x16.splat(10)
  let l = i8x16.splat(11)
  let m = i8x16.splat(12)
  for (let n = count / 12; n > 0; n--) {
    a = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, k, a)
    b = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, k, b)
    c = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, k, c)
    d = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, k, d)
    e = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, k, e)
    f = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, k, f)
    g = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, k, g)
    h = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, k, h)
    i = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, k, i)
    j = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, k, j)
    l = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, k, l)
    m = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, k, m)
  }
  const low = v128.or(v128.or(v128.or(a, b), v128.or(c, d)), v128.or(e, f))
  const high = v128.or(v128.or(v128.or(g, h), v128.or(i, j)), v128.or(l, m))
  return i32x4.extract_lane(v128.or(low, high), 0)
}
