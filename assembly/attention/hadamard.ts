// The Walsh-Hadamard transform spreads an outlier of a head over its dimensions before quantising. Queries
// and keys both pass through it, so their dots stay what they were (QuaRot, arXiv 2404.00456).

/** The largest power of two that divides headDim: a head is transformed in runs of so many dimensions. */
// @ts-ignore: decorator
@inline
function run_of(headDim: i32): i32 {
  return headDim & -headDim
}

/**
 * x = H x / sqrt(run), by runs, in place; x (heads, headDim) f32. Butterflies from near to far, then one
 * factor.
 */
export function hadamard(x: usize, heads: i32, headDim: i32): void {
  const run = run_of(headDim)
  const factor: f32 = <f32>1 / sqrt<f32>(<f32>run)
  if (run < 8) short_runs(x, heads * headDim, run, factor)
  else long_runs(x, <usize>(heads * headDim) << 2, run, factor)
}

function long_runs(x: usize, bytes: usize, run: i32, factor: f32): void {
  for (let at: usize = 0; at < bytes; at += 16) v128.store(x + at, four(v128.load(x + at)))
  let far: usize = 16
  for (; far < <usize>run << 1; far <<= 1) {
    for (let from: usize = 0; from < bytes; from += far << 1) {
      for (let at = from; at < from + far; at += 16) {
        const a = v128.load(x + at)
        const b = v128.load(x + at + far)
        v128.store(x + at, f32x4.add(a, b))
        v128.store(x + at + far, f32x4.sub(a, b))
      }
    }
  }
  const factors = f32x4.splat(factor)
  for (let from: usize = 0; from < bytes; from += far << 1) {
    for (let at = from; at < from + far; at += 16) {
      const a = v128.load(x + at)
      const b = v128.load(x + at + far)
      v128.store(x + at, f32x4.mul(f32x4.add(a, b), factors))
      v128.store(x + at + far, f32x4.mul(f32x4.sub(a, b), factors))
    }
  }
}

// The butterflies of distance 1 and 2 inside a vector.
// @ts-ignore: decorator
@inline
function four(v: v128): v128 {
  const swapped = v128.shuffle<i32>(v, v, 1, 0, 3, 2)
  const near = v128.shuffle<i32>(f32x4.add(v, swapped), f32x4.sub(v, swapped), 0, 4, 2, 6)
  const far = v128.shuffle<i32>(near, near, 2, 3, 0, 1)
  return v128.shuffle<i32>(f32x4.add(near, far), f32x4.sub(far, near), 0, 1, 6, 7)
}

function short_runs(x: usize, n: i32, run: i32, factor: f32): void {
  for (let far = 1; far < run; far <<= 1) {
    for (let d = 0; d < n; d++) {
      if (d & far) continue
      const p = x + (<usize>d << 2)
      const q = p + (<usize>far << 2)
      const a = load<f32>(p)
      const b = load<f32>(q)
      store<f32>(p, a + b)
      store<f32>(q, a - b)
    }
  }
  for (let d = 0; d < n; d++) store<f32>(x + (<usize>d << 2), load<f32>(x + (<usize>d << 2)) * factor)
}
