// An exact seed has all of the digits that were sent, where a parsed number has 53 bits of them.

import { parseExactJson } from '../../lib/exact-json.ts'

/**
 * The `seed` of a body in JSON, `parsed` as JSON.parse gives it. Seeds are taken modulo 2^32, so one of 64 bits that no
 * number holds is given as what is left of it then. Any other value is given as it was parsed.
 */
export function exactSeed(parsed: number, text: string): number {
  if (!Number.isInteger(parsed) || Number.isSafeInteger(parsed)) return parsed
  const seed = seedIn(text)
  const fits = typeof seed === 'bigint' && seed >= -(2n ** 63n) && seed < 2n ** 64n
  return fits ? Number(BigInt.asUintN(32, seed)) : parsed
}

function seedIn(text: string): unknown {
  try {
    const body = parseExactJson(text)
    return body instanceof Map ? body.get('seed') : undefined
  } catch {
    return undefined // deeper than it reads, in a field that nobody looks at
  }
}
