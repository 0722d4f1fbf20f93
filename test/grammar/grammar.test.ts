// Each kind of grammar that a request may ask for, and how long it is kept.

import { describe, expect, test } from 'vitest'
import { compileGrammar } from '../../src/grammar/grammar.ts'
import type { GrammarSpec } from '../../src/protocol/generation.ts'
import { reads, shortestOf } from './helpers.ts'

const pattern = (text: string): GrammarSpec => ({ kind: 'regex', pattern: text })
const choice = (...choices: string[]): GrammarSpec => ({ kind: 'choice', choices })

describe('kinds', () => {
  test('a pattern is all of the text', () => {
    const grammar = compileGrammar(pattern('(yes|no), \\d+%'))
    expect(['yes, 5%', 'no, 100%'].map((text) => reads(grammar, text))).toEqual(['whole', 'whole'])
    expect(['yes', ' yes, 5%', 'yes, 5%!'].map((text) => reads(grammar, text))).toEqual(['begin', 'no', 'no'])
    expect(shortestOf(grammar)).toMatch(/^no, \d%$/)
  })

  test('choices, one a prefix of another', () => {
    const grammar = compileGrammar(choice('no', 'none', 'é', '"q"'))
    expect(['no', 'none', 'é', '"q"'].map((text) => reads(grammar, text))).toEqual(Array(4).fill('whole'))
    expect(['n', 'non', 'nones', 'e'].map((text) => reads(grammar, text))).toEqual([
      'begin',
      'begin',
      'no',
      'no',
    ])
  })

  test('5,000 choices, alike for most of their length', () => {
    const choices = Array.from({ length: 5000 }, (_, i) => `label ${i * 7}`)
    const grammar = compileGrammar(choice(...choices))
    expect(choices.filter((text) => reads(grammar, text) !== 'whole')).toEqual([])
    expect(['label 1', 'label 34994', 'label'].map((text) => reads(grammar, text))).toEqual([
      'begin', // of 14
      'no',
      'begin',
    ])
    expect(shortestOf(grammar)).toBe('label 0')
  })

  test('choices without a common beginning, and each the beginning of the next', () => {
    const wide = Array.from({ length: 5000 }, (_, i) => String.fromCodePoint(0x4e00 + i, 0x61 + (i % 26)))
    const apart = compileGrammar(choice(...wide))
    expect(wide.filter((text) => reads(apart, text) !== 'whole')).toEqual([])
    const chain = Array.from({ length: 300 }, (_, i) => 'a'.repeat(i + 1))
    const nested = compileGrammar(choice(...chain))
    expect([...chain, 'a'.repeat(301)].filter((text) => reads(nested, text) !== 'whole')).toEqual([
      'a'.repeat(301),
    ])
  })

  test('any JSON object, and JSON by a schema', () => {
    const object = compileGrammar({ kind: 'json_object' })
    expect(reads(object, '{"a": [1, "x"]}')).toBe('whole')
    expect(reads(object, '[]')).toBe('no')
    const schema = '{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}'
    const grammar = compileGrammar({ kind: 'json_schema', schema })
    expect(reads(grammar, '{"a": 12}')).toBe('whole')
    expect(reads(grammar, '{"a": "')).toBe('no')
  })
})

test('what a schema leaves open has the documented bounds', () => {
  const object = compileGrammar({ kind: 'json_object' })
  const texts = (chars: number): string => `{"a":"${'x'.repeat(chars)}"}`
  expect([2000, 2001].map((chars) => reads(object, texts(chars)))).toEqual(['whole', 'no'])
  const lists = (items: number): string => `{"a":[${Array(items).fill(1).join()}]}`
  expect([64, 65].map((items) => reads(object, lists(items)))).toEqual(['whole', 'no'])
  const nested = (levels: number): string => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`
  expect([16, 17].map((levels) => reads(object, nested(levels)))).toEqual(['whole', 'no'])
  const longer = compileGrammar({ kind: 'json_schema', schema: '{"type":"string","maxLength":9000}' })
  expect(reads(longer, `"${'x'.repeat(9000)}"`)).toBe('whole')
})

describe('refused', () => {
  test.each([
    ['a schema that is no JSON', { kind: 'json_schema', schema: '{' }, 'the schema is not JSON', ''],
    [
      'a keyword',
      { kind: 'json_schema', schema: '{"properties":{"a":{"format":"regex"}}}' },
      'format',
      '/properties/a/format',
    ],
    ['a contradiction', { kind: 'json_schema', schema: 'false' }, 'possible', ''],
    ['a pattern that is none', pattern('(a'), 'a group is not closed', ''],
    ['a pattern without a text', pattern('a(?!b)b'), 'no text is possible', ''],
    ['a pattern of nothing', pattern(''), 'no text but the empty one', ''],
    ['no choices', choice(), 'no text is possible', ''],
    ['an empty choice', choice('a', ''), 'a choice is empty', '/1'],
    ['half a character', choice('\ud800'), 'half a character', '/0'],
    ['too many', choice(...Array.from({ length: 5001 }, (_, i) => `${i}`)), 'at most 5000', ''],
  ] as [string, GrammarSpec, string, string][])('%s', (_, spec, message, pointer) => {
    expect(() => compileGrammar(spec)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(message), pointer }),
    )
  })
})

describe('what is kept', () => {
  test('the same request has the same grammar, another kind of the same text has not', () => {
    expect(compileGrammar(pattern('ab+'))).toBe(compileGrammar(pattern('ab+')))
    expect(compileGrammar(choice('ab+'))).not.toBe(compileGrammar(pattern('ab+')))
  })

  test('is bounded: the longest unused goes first', () => {
    const first = compileGrammar(pattern('first'))
    const second = compileGrammar(pattern('second'))
    for (let i = 0; i < 20; i++) {
      compileGrammar(pattern(`other ${i}`))
      expect(compileGrammar(pattern('first'))).toBe(first)
    }
    for (let i = 0; i < 20; i++) compileGrammar(pattern(`further ${i}`))
    expect(compileGrammar(pattern('second')), 'an answer is under it').toBe(second)
    for (let i = 0; i < 100; i++) compileGrammar(pattern(`more ${i}`))
    expect(compileGrammar(pattern('second'))).not.toBe(second)
  })
})

test('the shortest way on does not depend on what was walked before', () => {
  const text = 'root ::= "1" (a | b) | "2" b\na ::= "xa"\nb ::= "xb"'
  const [fresh, walked] = [compileGrammar({ kind: 'ebnf', text }), compileGrammar({ kind: 'ebnf', text })]
  expect(reads(walked, '2xb')).toBe('whole')
  const rest = ({ terms, start }: typeof fresh): string =>
    new TextDecoder().decode(terms.shortestWay(terms.advance(start, new TextEncoder().encode('1x'))))
  expect([rest(fresh), rest(walked)]).toEqual(['a', 'a'])
})
