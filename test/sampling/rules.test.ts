// llama-server's rules against their definitions done plainly, alone and together, free, under a constraint and beside others.

import { describe, expect, test } from 'vitest'
import type { SamplingOptions } from '../../src/protocol/generation.ts'
import { createScratch } from '../../src/sampling/candidates.ts'
import type { Constraint } from '../../src/sampling/constrained.ts'
import { uniform } from '../../src/sampling/random.ts'
import { createSampler } from '../../src/sampling/sampler.ts'
import { rng } from '../helpers/rng.ts'
import { at, samplingOptions } from './helpers.ts'
import { drawPlainly, plainRules } from './plain-rules.ts'

type Random = ReturnType<typeof rng>

/** Each rule at values of its range. */
const RULES: Record<string, (random: Random) => Partial<SamplingOptions>> = {
  top_n_sigma: ({ int }) => ({ topNSigma: [0.3, 1, 2, 5][int(4)] }),
  'dynamic temperature': ({ int }) => ({
    dynatemp: { range: [0.2, 0.5, 3][int(3)], exponent: [0, 0.5, 1, 2][int(4)] },
  }),
  typical_p: ({ int }) => ({ typicalP: [0, 0.1, 0.5, 0.9, 0.99][int(5)] }),
  XTC: ({ int }) => ({ xtc: { probability: [0.3, 0.7, 1][int(3)], threshold: [0, 0.05, 0.1, 0.6][int(4)] } }),
  'Mirostat 2': ({ int }) => ({ mirostat: { tau: [0, 1, 3, 8][int(4)], eta: 0.1 } }),
}

const SHAPES: ((random: Random) => number)[] = [
  ({ normal }) => 2 * normal(),
  ({ normal }) => 0.3 * normal(),
  ({ int }) => int(5),
  ({ int, normal }) => (int(3) === 0 ? -Infinity : normal()),
  ({ normal }) => 60 * normal(),
]

function someLogits(random: Random): Float32Array {
  const size = 1 + random.int(random.int(5) === 0 ? 300 : 40)
  const shape = SHAPES[random.int(SHAPES.length)]
  const logits = Float32Array.from({ length: size }, () => shape(random))
  logits[random.int(size)] = 1 // one is finite at least
  return logits
}

const common = ({ int }: Random): Partial<SamplingOptions> => ({
  temperature: [0.4, 1, 1.7][int(3)],
  topK: [0, 0, 3, 30, 200][int(5)],
  topP: [1, 1, 0.5, 0.95][int(4)],
  minP: [0, 0, 0.1][int(3)],
})

const together = (random: Random): Partial<SamplingOptions> =>
  Object.values(RULES).reduce((all, rule) => (random.int(2) === 0 ? all : { ...all, ...rule(random) }), {})

describe.each(Object.entries({ ...RULES, 'some of them together': together }))('%s', (_, rule) => {
  test('agrees with its definition, alone and with the other rules', () => {
    const random = rng(31)
    const scratch = createScratch(320)
    let compared = 0
    for (let round = 0; round < 3000; round++) {
      const logits = someLogits(random)
      const seed = random.int(2 ** 32)
      const options = samplingOptions({ ...(round % 3 === 0 ? {} : common(random)), ...rule(random), seed })
      const mu = [0.5, 2, 6][random.int(3)]
      const plain = drawPlainly(plainRules(logits, options, round, mu), uniform(seed, round))
      if (plain.margin < 1e-6) continue // either answer is right
      compared++
      const { id } = createSampler(options, { scratch, mu }).sample(logits, at(round))
      if (id !== plain.id)
        expect({ id, options, mu, logits: [...logits] }).toEqual({
          id: plain.id,
          probability: plain.probability,
        })
    }
    expect(compared).toBeGreaterThan(1200)
  })

  test('under a constraint leaves what it leaves and fits, else what it leaves of all that fits', () => {
    const random = rng(32)
    let again = 0
    for (let round = 0; round < 1500; round++) {
      const logits = someLogits(random)
      const options = samplingOptions({ ...common(random), ...rule(random), seed: round })
      const fits = (id: number): boolean => (id * 7 + round) % 4 === 0 && logits[id] !== -Infinity
      if (!logits.some((_, id) => fits(id))) continue
      const free = plainRules(logits, options, round, 3)
      const inside = logits.map((logit, id) => (fits(id) ? logit : -Infinity))
      const fitting = free.choices.filter(({ id, probability }) => fits(id) && probability > 1e-12)
      const anew = plainRules(inside, options, round, 3)
      if (free.margin < 1e-6 || anew.margin < 1e-6) continue
      if (free.choices.some(({ probability }) => probability > 0 && probability < 1e-12)) continue
      if (fitting.length === 0) again++
      const left = fitting.length > 0 ? fitting : anew.choices
      const constraint: Constraint = {
        verdict: (id) => (fits(id) ? 'fits' : 'no'),
        pass: () => constraint.verdict,
      }
      const { id } = createSampler(options, { constraint, mu: 3 }).sample(logits, at(round))
      expect(left.map((choice) => choice.id)).toContain(id)
    }
    expect(again).toBeGreaterThan(50)
  })

  test('a constraint that forbids nothing changes nothing', () => {
    const random = rng(33)
    const constraint: Constraint = { verdict: () => 'fits', pass: () => () => 'fits' }
    for (let round = 0; round < 500; round++) {
      const logits = someLogits(random)
      const options = samplingOptions({ ...common(random), ...rule(random), seed: round })
      const free = createSampler(options).sample(logits, at(round))
      const held = createSampler(options, { constraint }).sample(logits, at(round))
      expect([held.id, held.mu]).toEqual([free.id, free.mu])
    }
  })

  test('beside others that share its scratch gives the same ids', () => {
    const random = rng(34)
    const rows = Array.from({ length: 40 }, () =>
      Float32Array.from({ length: 200 }, () => 2 * random.normal()),
    )
    const options = samplingOptions({ ...rule(random), seed: 4 })
    const alone = createSampler(options)
    const ids = rows.map((row, i) => alone.sample(row, at(i)).id)
    const scratch = createScratch(200)
    const own = createSampler(options, { scratch })
    const others = [
      { typicalP: 0.5 },
      { topK: 5 },
      { mirostat: { tau: 2, eta: 1 } },
      { logitBias: [[3, 9]] },
    ].map((changes) => createSampler(samplingOptions(changes as Partial<SamplingOptions>), { scratch }))
    const beside = rows.map((row, i) => {
      for (const other of others) other.sample(rows[(i * 7) % 40], at(i))
      return own.sample(row, at(i)).id
    })
    expect(beside).toEqual(ids)
  })
})

test('temperature 0 takes the best score whatever narrows, and Mirostat stands still', () => {
  const random = rng(35)
  for (let round = 0; round < 100; round++) {
    const logits = Float32Array.from({ length: 50 }, () => random.normal())
    const plain = createSampler(samplingOptions({ temperature: 0 })).sample(logits, at(round))
    const options = samplingOptions({
      ...Object.values(RULES).reduce((all, rule) => ({ ...all, ...rule(random) }), {}),
      temperature: 0,
    })
    expect(createSampler(options).sample(logits, at(round))).toEqual(plain)
  }
})

test('XTC comes with its probability, by a number of its own', () => {
  const logits = Float32Array.of(3, 2.9, 0)
  const options = (seed: number): SamplingOptions =>
    samplingOptions({ seed, temperature: 0.01, xtc: { probability: 0.4, threshold: 1e-6 } })
  const ids = Array.from({ length: 4000 }, (_, seed) => createSampler(options(seed)).sample(logits, at(0)).id)
  const excluded = ids.filter((id) => id === 1).length / ids.length
  expect(excluded).toBeGreaterThan(0.37)
  expect(excluded).toBeLessThan(0.43)
})

test('of equal candidates XTC leaves the last, the others below the threshold stay', () => {
  const logits = Float32Array.of(0, 5, 5, 5, 0)
  const ids = Array.from({ length: 3000 }, (_, seed) => {
    const options = samplingOptions({ seed, temperature: 4, xtc: { probability: 1, threshold: 0.2 } })
    return createSampler(options).sample(logits, at(0)).id
  })
  expect([...new Set(ids)].sort()).toEqual([0, 3, 4])
})

describe('Mirostat 2', () => {
  const tau = 3
  const eta = 0.1
  const options = samplingOptions({ mirostat: { tau, eta }, seed: 5 })
  const zipf = Float32Array.from({ length: 2000 }, (_, id) => -1.1 * Math.log(id + 1))

  test('moves mu by eta times what the surprise is off its target, from twice the target on', () => {
    const random = rng(36)
    const sampler = createSampler(options)
    let mu = 2 * tau
    for (let position = 0; position < 200; position++) {
      const logits = Float32Array.from({ length: 300 }, () => 2 * random.normal())
      const plain = drawPlainly(plainRules(logits, options, position, mu), uniform(5, position))
      const sample = sampler.sample(logits, at(position))
      expect(plain.margin).toBeGreaterThan(1e-9)
      expect(sample.id).toBe(plain.id)
      mu -= eta * (-Math.log2(plain.probability) - tau)
      expect(sample.mu).toBeCloseTo(mu, 4)
      mu = sample.mu ?? NaN
    }
  })

  test('holds the mean surprise at its target', () => {
    const sampler = createSampler(options)
    let before = 2 * tau
    let sum = 0
    for (let position = 0; position < 3000; position++) {
      const { mu = NaN } = sampler.sample(zipf, at(position))
      sum += (before - mu) / eta + tau
      before = mu
    }
    expect(sum / 3000).toBeGreaterThan(tau - 0.1)
    expect(sum / 3000).toBeLessThan(tau + 0.1)
  })

  test('goes on from the mu that it is given', () => {
    const first = createSampler(options)
    const samples = Array.from({ length: 40 }, (_, position) => first.sample(zipf, at(position)))
    const second = createSampler(options, { mu: samples[19].mu })
    expect(samples.slice(20).map((_, i) => second.sample(zipf, at(20 + i)))).toEqual(samples.slice(20))
  })

  test('under a constraint counts what an id had of all that was left before', () => {
    const logits = Float32Array.of(2, 2, 2, 2)
    const constraint: Constraint = {
      verdict: (id) => (id === 3 ? 'fits' : 'no'),
      pass: () => constraint.verdict,
    }
    for (let position = 0; position < 20; position++) {
      const { id, mu = NaN } = createSampler(options, { constraint }).sample(logits, at(position))
      expect(id).toBe(3)
      expect(mu).toBeCloseTo(2 * tau - eta * (2 - tau), 9)
    }
  })
})
