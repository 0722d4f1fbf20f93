// DRY and the repetition window against their definitions, done plainly.

import { expect, test } from 'vitest'
import type { SamplingOptions } from '../../src/protocol/generation.ts'
import type { Occurrences } from '../../src/sampling/history.ts'
import { createProcessors } from '../../src/sampling/processors.ts'
import { rng } from '../helpers/rng.ts'
import { samplingOptions } from './helpers.ts'

type Dry = NonNullable<SamplingOptions['dry']>

const dry = (changes: Partial<Dry> = {}): Dry => ({
  multiplier: 0.8,
  base: 1.75,
  allowedLength: 2,
  breakers: [],
  ...changes,
})

function penalties(ids: number[], rule: Dry, breaks: boolean[] = ids.map(() => false), size = 8): number[] {
  const scores = new Float32Array(size)
  const seen = {
    prompt: new Set<number>(),
    generated: new Map<number, number>(),
    history: { ids, prompt: 0, breaks },
  }
  for (const apply of createProcessors(samplingOptions({ dry: rule }))) apply(scores, seen)
  return [...scores].map((score) => (score === 0 ? 0 : -score))
}

/** p-e-w's definition: for each place where the last id stood before, how far back the ids before agree. */
function plainly(ids: readonly number[], rule: Dry, breaks: readonly boolean[], size = 8): number[] {
  const from = rule.lastN === undefined ? 0 : Math.max(0, ids.length - rule.lastN)
  const lengths = new Map<number, number>()
  for (let place = from + 1; place < ids.length; place++) {
    let length = 0
    while (place - 1 - length >= from && ids[place - 1 - length] === ids[ids.length - 1 - length]) {
      if (breaks[ids.length - 1 - length]) break
      length++
    }
    if (!breaks[place]) lengths.set(ids[place], Math.max(length, lengths.get(ids[place]) ?? 0))
  }
  return Array.from({ length: size }, (_, id) => {
    const length = lengths.get(id) ?? 0
    if (length < Math.max(1, rule.allowedLength)) return 0
    return Math.fround(Math.min(100, rule.multiplier * rule.base ** (length - rule.allowedLength)))
  })
}

test('an id that would go on with a repetition falls by multiplier * base^(length - allowed)', () => {
  // 1 2 3 4 ... 1 2 3: the next could be 4, a match of three ids.
  expect(penalties([1, 2, 3, 4, 5, 1, 2, 3], dry())).toEqual([0, 0, 0, 0, Math.fround(0.8 * 1.75), 0, 0, 0])
  expect(penalties([1, 2, 3, 4, 5, 1, 2, 3], dry({ allowedLength: 3 }))[4]).toBe(Math.fround(0.8))
  expect(penalties([1, 2, 3, 4, 5, 1, 2, 3], dry({ allowedLength: 4 }))).toEqual(Array(8).fill(0))
})

test('a breaker ends what is compared, and is never lowered itself', () => {
  const ids = [1, 2, 3, 4, 5, 1, 2, 3]
  const broken = (...places: number[]) => ids.map((_, i) => places.includes(i))
  expect(penalties(ids, dry(), broken(6))).toEqual(Array(8).fill(0))
  expect(penalties(ids, dry(), broken(5))[4]).toBe(Math.fround(0.8))
  expect(penalties(ids, dry(), broken(3))).toEqual(Array(8).fill(0))
})

test('agrees with its definition on thousands of sequences', () => {
  const random = rng(41)
  let lowered = 0
  for (let round = 0; round < 4000; round++) {
    const letters = 2 + random.int(4)
    const ids = Array.from({ length: random.int(40) }, () => random.int(letters))
    const breaker = random.int(3) === 0 ? random.int(letters) : -1
    const breaks = ids.map((id) => id === breaker)
    const rule = dry({
      multiplier: [0.1, 0.8, 5][random.int(3)],
      base: [1, 1.2, 1.75][random.int(3)],
      allowedLength: random.int(5),
      ...(random.int(2) === 0 && { lastN: 1 + random.int(30) }),
    })
    const found = penalties(ids, rule, breaks)
    const wanted = plainly(ids, rule, breaks)
    wanted.forEach((value, id) => expect(found[id], JSON.stringify({ ids, rule, id })).toBeCloseTo(value, 4))
    if (wanted.some((value) => value > 0)) lowered++
  }
  expect(lowered).toBeGreaterThan(1500)
})

test('is at most a ban, and takes linear time where everything repeats', () => {
  const ids = Array<number>(30_000).fill(3)
  const begun = performance.now()
  expect(penalties(ids, dry())[3]).toBe(100)
  expect(performance.now() - begun).toBeLessThan(2000)
})

test('an id outside the row changes nothing', () => {
  expect(penalties([1, 2, 9, 5, 1, 2], dry(), undefined, 4)).toEqual([0, 0, 0, 0])
})

test('repeat_last_n: the penalties look at the last ids alone, of the prompt for repetition only', () => {
  const ids = [5, 1, 2, 2, 3]
  const seen: Occurrences = {
    prompt: new Set([5, 1]),
    generated: new Map([[2, 2], [3, 1]]), // prettier-ignore
    history: { ids, prompt: 2, breaks: [] },
  }
  const after = (changes: Partial<SamplingOptions>): number[] => {
    const scores = Float32Array.from([8, 8, 8, 8, 8, 8])
    for (const apply of createProcessors(samplingOptions(changes))) apply(scores, seen)
    return [...scores]
  }
  expect(after({ repetitionPenalty: 2, repeatLastN: 5 })).toEqual(after({ repetitionPenalty: 2 }))
  expect(after({ repetitionPenalty: 2, repeatLastN: 4 })).toEqual([8, 4, 4, 4, 8, 8])
  expect(after({ repetitionPenalty: 2, repeatLastN: 1 })).toEqual([8, 8, 8, 4, 8, 8])
  expect(after({ repetitionPenalty: 2, presencePenalty: 1, repeatLastN: 0 })).toEqual(Array(6).fill(8))
  expect(after({ frequencyPenalty: 1, presencePenalty: 0.5, repeatLastN: 2 })).toEqual([8, 8, 6.5, 6.5, 8, 8])
  expect(after({ frequencyPenalty: 1, repeatLastN: 4 })).toEqual([8, 8, 6, 7, 8, 8])
})

test('DRY comes behind the other penalties', () => {
  const ids = [1, 2, 3, 1, 2]
  const seen: Occurrences = {
    prompt: new Set([1, 2, 3]),
    generated: new Map(),
    history: { ids, prompt: 5, breaks: [] },
  }
  const scores = Float32Array.from([4, 4, 4, 4])
  const options = samplingOptions({ repetitionPenalty: 2, dry: dry({ multiplier: 1 }) })
  for (const apply of createProcessors(options)) apply(scores, seen)
  expect([...scores]).toEqual([4, 2, 2, 1])
})
