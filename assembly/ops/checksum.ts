// This kernel computes the checksum of shards; src/lib/checksum.ts defines it.

const MULTIPLIER: u32 = 0x9e3779b1

// @ts-ignore: decorator
@inline
function absorbed(v: v128, d: v128, multiplier: v128): v128 {
  const y = i32x4.mul(v128.xor(v, d), multiplier)
  const turned = i8x16.shuffle(d, d, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4)
  return i32x4.add(v128.xor(y, i32x4.shr_u(y, 15)), turned)
}

/**
 * state: 64 bytes; takes `blocks` blocks of 64 bytes. Four chains, so that a multiply need not wait for the
 * one before.
 */
export function absorb_blocks(state: usize, bytes: usize, blocks: i32): void {
  const multiplier = i32x4.splat(MULTIPLIER)
  let a = v128.load(state)
  let b = v128.load(state, 16)
  let c = v128.load(state, 32)
  let d = v128.load(state, 48)
  for (let i = 0; i < blocks; i++) {
    a = absorbed(a, v128.load(bytes), multiplier)
    b = absorbed(b, v128.load(bytes, 16), multiplier)
    c = absorbed(c, v128.load(bytes, 32), multiplier)
    d = absorbed(d, v128.load(bytes, 48), multiplier)
    bytes += 64
  }
  v128.store(state, a)
  v128.store(state, b, 16)
  v128.store(state, c, 32)
  v128.store(state, d, 48)
}
