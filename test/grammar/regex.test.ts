// Patterns take the texts that JavaScript's regular expressions match, and say which patterns are not supported.

import { describe, expect, it } from 'vitest'
import { dfaStep, intersect, without, wordsDfa, type CharDfa } from '../../src/grammar/char-dfa.ts'
import { GrammarError } from '../../src/grammar/grammar-error.ts'
import { patternDfa } from '../../src/grammar/regex.ts'
import { Terms } from '../../src/grammar/terms.ts'
import { textCount } from '../../src/grammar/text-count.ts'
import { textTerm } from '../../src/grammar/text-term.ts'
import { randomOf, takes, walk } from './accepts.ts'

const PATTERNS = [
  ...['^[A-Z]{2}\\d{4}$', 'a|b', '^a|b$', '^(a|bc)*$', '(?=.*\\d)(?=.*[a-z]).{3,5}', '^(?!foo)\\w+$'],
  ...['^\\p{L}+$', 'x{2,3}y?', '^$', '^[^a-c]\\s$', '^(?!0$)\\d+(?:\\.\\d+)?$', 'a(?=b)', '[-a]', '[a\\-z]'],
  ...['\\u{1F600}', '^.{0,3}$', '(^x)?y', '^(a(?=b)|c)d?', '^\\S*$', '[^]', '\\x41|\\u0042', '(?<name>a)b'],
]
const TEXTS = [
  ...['', 'a', 'b', 'ab', 'bc', 'AB1234', 'xAB1234', 'abc1', 'ab1', 'foo', 'foob', 'bar', 'é', '日本', 'xx'],
  ...['xxy', 'xxxy', '0', '00', '1.5', 'd ', 'a ', '-', 'z', '😀', 'a\n', 'xy', 'y', 'xaby', 'cd', 'c', 'ad'],
]

function matches(dfa: CharDfa, text: string): boolean {
  let state = dfa.length === 0 ? -1 : 0
  for (const char of text) if (state >= 0) state = dfaStep(dfa[state], char.codePointAt(0) ?? 0)
  return state >= 0 && dfa[state].isEnd
}

describe('a pattern', () => {
  it.each(PATTERNS)('%s finds what JavaScript finds', (pattern) => {
    for (const text of TEXTS) {
      const found = [
        matches(patternDfa(pattern, 'search'), text),
        matches(patternDfa(pattern, 'whole'), text),
      ]
      expect([text, ...found]).toEqual([
        text,
        new RegExp(pattern, 'u').test(text),
        new RegExp(`^(?:${pattern})$`, 'u').test(text),
      ])
    }
  })

  it('that is random finds what JavaScript finds', () => {
    const random = randomOf(7)
    const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)]
    const atom = (depth: number): string =>
      depth === 0 || random() < 0.5
        ? pick(['a', 'b', '.', '[ab]', '[^a]', 'c'])
        : `(${branch(depth - 1)}|${branch(depth - 1)})`
    const branch = (depth: number): string => atom(depth) + pick(['', '*', '?', '{2}', '{0,2}']) + atom(depth)
    for (let i = 0; i < 60; i++) {
      const pattern = `^${branch(2)}$`
      for (let j = 0; j < 60; j++) {
        const text = Array.from({ length: Math.floor(random() * 7) }, () => pick(['a', 'b', 'c'])).join('')
        const found = matches(patternDfa(pattern, 'search'), text)
        expect([pattern, text, found]).toEqual([pattern, text, new RegExp(pattern, 'u').test(text)])
      }
    }
  })

  it.each([
    '(?<=a)b',
    '(a)\\1',
    '\\bword',
    '(?i:a)',
    'a{3,2}',
    '(',
    '[b-a]',
    '*a',
    '(^a|b)*',
    `${'('.repeat(40)}`,
  ])('%s is refused', (pattern) => {
    expect(() => patternDfa(pattern, 'search')).toThrow(GrammarError)
  })

  it('that needs too many states is refused', () => {
    expect(() => patternDfa('^(a|b)*a(a|b){40}$', 'search')).toThrow(/more than .* states/)
  })
})

describe('automata', () => {
  it('have what is in both, or in one alone', () => {
    const [a, b] = [patternDfa('^a*$', 'search'), patternDfa('^(aa)*$', 'search')]
    for (let n = 0; n < 8; n++) {
      const text = 'a'.repeat(n)
      expect([matches(intersect(a, b), text), matches(without(a, b), text)]).toEqual([
        n % 2 === 0,
        n % 2 === 1,
      ])
    }
    expect(without(b, a)).toEqual([])
  })

  it('count their texts', () => {
    expect(textCount(wordsDfa(['a', 'ab', 'b']), 0)).toBe(3)
    expect(textCount(patternDfa('^[0-9]{2}$', 'search'), 0)).toBe(100)
    expect(textCount(patternDfa('^a*$', 'search'), 0)).toBe(Infinity)
  })
})

describe('a text term', () => {
  it('goes the way to the nearest end, also within a character', () => {
    const terms = new Terms()
    // The first character that fits the first byte of \u00ea leads back to the start.
    for (const pattern of ['(\u00e9)*\u00ea', '(\u00e9\u00e9\u00e9|\u00ea)x', '[\u0000-\u001f"]*\\\\z']) {
      for (const spelling of ['raw', 'json'] as const) {
        const term = textTerm(terms, { dfa: patternDfa(pattern, 'whole'), spelling })
        for (let seed = 0; seed < 40; seed++) {
          const text = walk(term, randomOf(seed), seed)
          const told = spelling === 'raw' ? text : (JSON.parse(`"${text}`) as string)
          expect(new RegExp(`^(?:${pattern})$`, 'u').test(told)).toBe(true)
        }
      }
    }
  })

  it('counts characters, not bytes or units', () => {
    const terms = new Terms()
    const term = textTerm(terms, {
      dfa: patternDfa('', 'search'),
      spelling: 'json',
      bound: { least: 2, most: 3 },
    })
    expect(['"', '😀"', '😀é"', '😀é日"', '😀é日a"'].map((text) => takes(term, text))).toEqual([
      ...[false, false, true, true, false],
    ])
  })

  it('is spelled as JSON.stringify does where a pattern rules it', () => {
    const term = textTerm(new Terms(), { dfa: patternDfa('^[^]$', 'search'), spelling: 'json' })
    for (let char = 0; char < 0x3000; char++)
      expect(takes(term, JSON.stringify(String.fromCharCode(char)).slice(1))).toBe(true)
    expect(['\\u0041"', '\\/"', '\\u000a"', '\n"'].some((text) => takes(term, text))).toBe(false)
  })
})
