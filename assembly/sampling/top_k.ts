// This kernel selects the k largest of n logits, best first; ties go to the lower id.

/**
 * @param ids (k) i32 out; @param values (k) f32 out; @param logits (n) f32
 * Keeps a sorted list; a whole vector of four below the k-th best is passed over at once. k <= n.
 */
export function top_k(ids: usize, values: usize, logits: usize, n: i32, k: i32): void {
  let held = 0
  let floor = f32x4.splat(-Infinity)
  for (let i = 0; i < n; i += 4) {
    // Lanes past n are masked by the count below.
    if (held == k && i + 4 <= n && !v128.any_true(f32x4.gt(v128.load(logits + ((<usize>i) << 2)), floor)))
      continue
    for (let id = i; id < i + 4 && id < n; id++) {
      const value = load<f32>(logits + ((<usize>id) << 2))
      if (held == k) {
        if (value <= load<f32>(values + ((<usize>(k - 1)) << 2))) continue
      } else {
        held++
      }
      let slot = held - 1
      while (slot > 0 && load<f32>(values + ((<usize>(slot - 1)) << 2)) < value) {
        store<f32>(values + ((<usize>slot) << 2), load<f32>(values + ((<usize>(slot - 1)) << 2)))
        store<i32>(ids + ((<usize>slot) << 2), load<i32>(ids + ((<usize>(slot - 1)) << 2)))
        slot--
      }
      store<f32>(values + ((<usize>slot) << 2), value)
      store<i32>(ids + ((<usize>slot) << 2), id)
    }
    if (held == k) floor = f32x4.splat(load<f32>(values + ((<usize>(k - 1)) << 2)))
  }
}
