// What `pull` recommends for a model that was measured is what the results say, by the rule that docs/sampling.md names.

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { isGood, judge, loops } from '../../bench/lib/sampling-judge.ts'
import { RESULTS_FILE, samplingTasks, type SamplingResults } from '../../bench/sampling.ts'
import { DEFAULT_MODEL, recommendedFor } from '../../cli/lib/pull.ts'
import { fieldsOf, recommendedOf } from '../../report/lib/sampling-tables.ts'

it('the measured model has the setting that did best', () => {
  const results = JSON.parse(readFileSync(RESULTS_FILE, 'utf8')) as SamplingResults
  expect(results.model).toBe(DEFAULT_MODEL)
  expect(recommendedFor(DEFAULT_MODEL)).toEqual(fieldsOf(recommendedOf(results)))
  expect(results.prompts).toBe(samplingTasks().length)
  expect(results.prompts).toBeGreaterThanOrEqual(60)
})

it('what it is chosen by and what it is reported on are different answers, all of them together', () => {
  const results = JSON.parse(readFileSync(RESULTS_FILE, 'utf8')) as SamplingResults
  for (const { halves, answers, good } of results.settings) {
    expect(halves[0].answers + halves[1].answers).toBe(answers)
    expect(halves[0].good + halves[1].good).toBe(good)
  }
  const [raw] = results.settings
  expect(recommendedOf(results).halves[1].good).toBeGreaterThan(raw.halves[1].good)
})

it('the judge knows loops, cuts, scripts, refusals and what was asked for', () => {
  const good = (task: object, answer: string, isCut = false): boolean =>
    isGood(judge({ task: '', text: '', ...task }, answer, isCut))
  expect(loops('a b a b a b a b')).toBe(true)
  expect(loops('a b a b a b c')).toBe(false)
  expect(loops('1. Viola\n2. Viola\n3. Viola')).toBe(true)
  expect(loops('one two three four five six seven eight nine ten')).toBe(false)
  expect([good({}, 'Hello there.'), good({}, 'Hello there.', true), good({}, ' ?!')]).toEqual([
    true,
    false,
    false,
  ])
  expect([good({}, 'Привет всем'), good({}, "I'm sorry, but no")]).toEqual([false, false])
  expect([good({ word: ['yes'] }, ' Yes.'), good({ word: ['yes'] }, 'Yes it is')]).toEqual([true, false])
  expect([good({ any: ['ice'] }, 'It is ice.'), good({ any: ['ice'] }, 'It is nice.')]).toEqual([true, false])
  expect([good({ holds: ['Leeds'] }, 'To Leeds'), good({ holds: ['Leeds'] }, 'leeds')]).toEqual([true, false])
  expect([good({ words: 3 }, 'One two three'), good({ words: 3 }, 'a b c d'), good({ words: 3 }, 'a\nb')]).toEqual([true, false, false]) // prettier-ignore
  expect([good({ items: [2, 3] }, 'a, b'), good({ items: [2, 3] }, 'a')]).toEqual([true, false])
  expect([good({ lines: [2, 2] }, 'Here:\n1. a\n2. b'), good({ lines: [2, 2] }, 'a\nb\nc')]).toEqual([
    true,
    false,
  ])
})
