// Seeded random numbers for tests (mulberry32): the same cases on every machine.

export type Rng = { uniform(): number; normal(): number; int(below: number): number }

export function rng(seed: number): Rng {
  let state = seed >>> 0
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    int: (below) => Math.floor(uniform() * below),
  }
}
