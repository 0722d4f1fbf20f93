// node:crypto for a bundle that runs in a page: SHA-256 as bytes arrive (FIPS 180-4), which a browser offers for whole
// buffers alone. lib/chromium.ts puts it in the place of node:crypto.

type Hash = { update(bytes: Uint8Array): Hash; digest(encoding: 'hex'): string }

const BLOCK = 64

/** Fractional parts of the cube roots of the first 64 primes, and of the square roots of the first 8. */
const [K, INITIAL] = constants()

export function createHash(algorithm: string): Hash {
  if (algorithm !== 'sha256') throw new Error(`a page has no ${algorithm}`)
  const state = Uint32Array.from(INITIAL)
  const schedule = new Uint32Array(64)
  const rest = new Uint8Array(BLOCK)
  let filled = 0
  let length = 0
  const hash: Hash = {
    update(bytes) {
      length += bytes.length
      let at = 0
      if (filled > 0) {
        at = Math.min(BLOCK - filled, bytes.length)
        rest.set(bytes.subarray(0, at), filled)
        filled += at
        if (filled < BLOCK) return hash
        compress(state, schedule, rest, 0)
        filled = 0
      }
      for (; at + BLOCK <= bytes.length; at += BLOCK) compress(state, schedule, bytes, at)
      rest.set(bytes.subarray(at))
      filled = bytes.length - at
      return hash
    },
    digest() {
      const bits = BigInt(length) * 8n
      const padding = new Uint8Array(((filled < 56 ? 56 : 120) - filled + 8) | 0)
      padding[0] = 0x80
      new DataView(padding.buffer).setBigUint64(padding.length - 8, bits)
      hash.update(padding)
      return [...state].map((word) => word.toString(16).padStart(8, '0')).join('')
    },
  }
  return hash
}

function compress(state: Uint32Array, w: Uint32Array, bytes: Uint8Array, at: number): void {
  for (let i = 0; i < 16; i++, at += 4) {
    w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]
  }
  for (let i = 16; i < 64; i++) {
    const [x, y] = [w[i - 15], w[i - 2]]
    const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3)
    const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10)
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0
  }
  let [a, b, c, d, e, f, g, h] = state
  for (let i = 0; i < 64; i++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  state[0] += a
  state[1] += b
  state[2] += c
  state[3] += d
  state[4] += e
  state[5] += f
  state[6] += g
  state[7] += h
}

function rotate(x: number, by: number): number {
  return (x >>> by) | (x << (32 - by))
}

function constants(): [Uint32Array, Uint32Array] {
  const primes: bigint[] = []
  for (let n = 2n; primes.length < 64; n++) if (primes.every((prime) => n % prime !== 0n)) primes.push(n)
  // floor(2^32 * root) mod 2^32, by whole numbers, so that it is exact.
  const fraction = (n: bigint, degree: bigint): number => {
    const target = n << (32n * degree)
    let root = 0n
    for (let bit = 1n << 36n; bit > 0n; bit >>= 1n) if ((root + bit) ** degree <= target) root += bit
    return Number(root & 0xffffffffn)
  }
  return [
    Uint32Array.from(primes, (prime) => fraction(prime, 3n)),
    Uint32Array.from(primes.slice(0, 8), (prime) => fraction(prime, 2n)),
  ]
}
