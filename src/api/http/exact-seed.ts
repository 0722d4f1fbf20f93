// An exact seed has all of the digits that were sent, where a parsed number has 53 bits of them.

/**
 * A seed of a body, `parsed` as JSON.parse gives it and `sent` as it was written. Seeds are taken modulo 2^32, so one of 64 bits that
 * no number holds is given as what is left of it then. Any other value is given as it was parsed.
 */
export function exactSeed(parsed: number, sent: unknown): number {
  const fits = typeof sent === 'bigint' && sent >= -(2n ** 63n) && sent < 2n ** 64n
  return fits ? Number(BigInt.asUintN(32, sent)) : parsed
}
