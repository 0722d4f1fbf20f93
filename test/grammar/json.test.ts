// Grammars of JSON values: numbers against arithmetic, strings and escapes, objects, arrays, sets, and walks at random.

import { describe, expect, it } from 'vitest'
import { arrayTerm } from '../../src/grammar/array-term.ts'
import { JsonTerms } from '../../src/grammar/json-terms.ts'
import { numberDfa, type NumberRule } from '../../src/grammar/number-language.ts'
import { seal } from '../../src/grammar/rule.ts'
import { Terms } from '../../src/grammar/terms.ts'
import { randomOf, takes, walk } from './accepts.ts'

const RULES: readonly NumberRule[] = [
  { isInteger: true, least: { value: -7, isOpen: false }, most: { value: 120, isOpen: true } },
  { isInteger: false, least: { value: -1.25, isOpen: true }, most: { value: 12.5, isOpen: false } },
  { isInteger: false, least: { value: 0, isOpen: true } },
  { isInteger: false, most: { value: 0, isOpen: false } },
  { isInteger: true, multipleOf: 5, least: { value: 0, isOpen: false }, most: { value: 100, isOpen: false } },
  { isInteger: false, multipleOf: 0.25 },
  { isInteger: false, multipleOf: 0.01, most: { value: 9.99, isOpen: false } },
  { isInteger: false, least: { value: 0.001, isOpen: false }, most: { value: 1000, isOpen: false } },
]

function fulfils({ isInteger, least, most, multipleOf }: NumberRule, value: number): boolean {
  return (
    (!isInteger || Number.isInteger(value)) &&
    (least === undefined || (least.isOpen ? value > least.value : value >= least.value)) &&
    (most === undefined || (most.isOpen ? value < most.value : value <= most.value)) &&
    (multipleOf === undefined || Math.abs(value / multipleOf - Math.round(value / multipleOf)) < 1e-9)
  )
}

describe('numbers', () => {
  it.each(RULES)('$isInteger $least $most $multipleOf', (rule) => {
    const term = new JsonTerms(new Terms()).number(numberDfa(rule))
    for (let thousandths = -30_000; thousandths <= 1_100_000; thousandths += 125) {
      const value = thousandths / 1000
      expect([value, takes(term, JSON.stringify(value))]).toEqual([value, fulfils(rule, value)])
    }
    for (let seed = 0; seed < 50; seed++) {
      const text = walk(term, randomOf(seed), 12)
      expect([text, fulfils(rule, JSON.parse(text) as number)]).toEqual([text, true])
    }
  })
})

describe('any value', () => {
  const json = new JsonTerms(new Terms())
  const any = json.any()
  seal(json.terms, json.rules)

  it.each([
    ...[
      'null',
      '[1,-2.5e+3,"x",{"a":[],"b":{}}]',
      '"\\ud83d\\ude00"',
      '[ 1 ]',
      '[\n  1\n]',
      '{}',
      '[]',
      '-0.5',
    ],
    ...['{"__proto__":1,"constructor":2,"":3,"\\"":4}'.replace('\\"', '\\\\'), '"\\/\\u00e9"', '1E5'],
  ])('takes %s', (text) => {
    expect(takes(any, text)).toBe(true)
  })

  it.each([
    ...['{"a":1,"a":2}', '01', '-0', '1.', '"\\ud83d"', '"\\ude00"', ' 1', '1 ', '[1,]', '{"a"}', '"\n"', ''],
    ...['[\n\n1]', '[  1]', "'a'", '+1', '.5', 'NaN', '12345678901234567'],
  ])('does not take %s', (text) => {
    expect(takes(any, text)).toBe(false)
  })

  it('ends wherever it is left', () => {
    for (let seed = 0; seed < 100; seed++) {
      const text = walk(any, randomOf(seed), 120)
      expect(() => JSON.parse(text) as unknown).not.toThrow()
    }
  })

  it('takes no half of a character', () => {
    const bytes = [
      [0x22, 0xc3, 0x22],
      [0x22, 0x80, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0x22, 0xc0, 0x80, 0x22],
    ]
    for (const each of bytes) expect(any.terms.advance(any, Uint8Array.from(each))).toBe(any.terms.nothing)
  })
})

describe('arrays', () => {
  const array = (least: number, most: number, isUnique: boolean, ...values: string[]) => {
    const json = new JsonTerms(new Terms(), isUnique)
    const further = json.terms.either(...values.map((value) => json.terms.text(value)))
    const term = arrayTerm(json, { prefix: [], further, least, most, isUnique })
    seal(json.terms, json.rules)
    return term
  }

  it('have as many items as they may', () => {
    const term = array(1, 2, false, 'true', 'false')
    expect(['[]', '[true]', '[true, true]', '[true,false,true]'].map((text) => takes(term, text))).toEqual([
      ...[false, true, true, false],
    ])
  })

  it('of a set have no item twice, nor more than there are', () => {
    const term = array(0, Infinity, true, '1', '12', '2')
    expect(['[1,12,2]', '[1,1]', '[12,1]', '[1,12,2,1]'].map((text) => takes(term, text))).toEqual([
      ...[true, false, true, false],
    ])
    expect(array(4, Infinity, true, '1', '12', '2').isPossible).toBe(false)
    for (let seed = 0; seed < 30; seed++) {
      const items = JSON.parse(walk(array(2, 3, true, '1', '12', '2'), randomOf(seed), 6)) as number[]
      expect(new Set(items).size).toBe(items.length)
      expect(items.length).toBeGreaterThanOrEqual(2)
    }
  })
})
