// EBNF grammars of the kinds that people write, what of the notation is read, and what is refused in words.

import { describe, expect, test } from 'vitest'
import { GrammarError } from '../../src/grammar/grammar-error.ts'
import { ebnf, reads, shortestOf } from './helpers.ts'

const ARITHMETIC = `
# A line of sums.
root  ::= (sum "=" blank term "\\n")+
sum   ::= term ([-+*/] blank term)*
term  ::= name | number | "(" blank sum ")" blank
name  ::= [a-z] [a-z0-9_]* blank
number ::= [0-9]+ blank
blank ::= [ \\t\\n]*
`
const JSON_GRAMMAR = `
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::=
  "{" ws (
    string ":" ws value
    ("," ws string ":" ws value)*   # further members
  )? "}" ws
array  ::= "[" ws ( value ("," ws value)* )? "]" ws
string ::=
  "\\"" (
    [^"\\\\\\x7F\\x00-\\x1F] |
    "\\\\" (["\\\\bfnrt/] | "u" [0-9a-fA-F]{4})
  )* "\\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9]{1,3})? ws
ws ::= | " " | "\\n" [ \\t]{0,20}
`
const MOVES = `
root ::= "1. " move " " move "\\n" ([1-9] [0-9]? ". " move " " move "\\n")+
move ::= (pawn | piece | castle) [+#]?
piece ::= [NBKQR] [a-h]? [1-8]? "x"? [a-h] [1-8]
pawn ::= ([a-h] "x")? [a-h] [1-8] ("=" [NBQR])?
castle ::= "O-O" "-O"?
`
const DATES = `
root  ::= year "-" month-number "-" day
year  ::= [12] [0-9]{3}
month-number ::= "0" [1-9]
  | "1" [0-2]
day   ::= "0" [1-9] | [12] [0-9] | "3" [01]
`
const LIST = 'root ::= ("- " item){2,4}\nitem ::= [^\\n]+ "\\n"'

describe('well-known grammars', () => {
  test.each([
    [
      'arithmetic',
      ARITHMETIC,
      ['1=2\n', 'a * (b_1 + 22) = 7\nx=y\n'],
      ['=2\n', '1=\n', '(1=2\n', '1+=3\n', '1=2'],
    ],
    [
      'JSON',
      JSON_GRAMMAR,
      ['{}', '{"a": [1, -2.5e+10, {"é": "\\u00e9\\n"}], "b": null}', '{\n  "x": true}', '{"key": "日本"}'],
      ['[]', '{"a"}', '{"a": 01}', '{"a": "\t"}', '{"a": "\\x"}', '{,}', '{"a": 1', '{"a": 1}}'],
    ],
    [
      'chess-like moves',
      MOVES,
      ['1. e4 e5\n2. Nf3 Nc6\n', '1. exd5 O-O-O+\n12. a8=Q# Kd7\n'],
      ['1. e4 e5\n', '1. e9 e5\n', '2. e4 e5\n'],
    ],
    [
      'dates',
      DATES,
      ['2026-11-29', '1999-01-31'],
      ['2026-13-01', '2026-00-10', '3026-01-01', '2026-1-1', '2026-12-32'],
    ],
    [
      'a list',
      LIST,
      ['- a\n- b c\n', '- 1\n- 2\n- 3\n- 4\n'],
      ['- a\n', '- a\n-b\n', '- \n- a\n', '- 1\n- 2\n- 3\n- 4\n- 5\n'],
    ],
  ])('%s', (_, text, good, bad) => {
    const grammar = ebnf(text)
    for (const sample of good) expect(reads(grammar, sample), sample).toBe('whole')
    for (const sample of bad) expect(reads(grammar, sample), sample).not.toBe('whole')
    expect(reads(grammar, shortestOf(grammar))).toBe('whole')
  })
})

describe('the notation', () => {
  const whole = (text: string, sample: string | Uint8Array) => reads(ebnf(text), sample)

  test('counts', () => {
    const of = (count: string) =>
      [0, 1, 2, 3, 4].filter((n) => whole(`root ::= "<" "a"${count} ">"`, `<${'a'.repeat(n)}>`) === 'whole')
    expect(of('?')).toEqual([0, 1])
    expect(of('*')).toEqual([0, 1, 2, 3, 4])
    expect(of('+')).toEqual([1, 2, 3, 4])
    expect(of('{2}')).toEqual([2])
    expect(of('{2,}')).toEqual([2, 3, 4])
    expect(of('{1,3}')).toEqual([1, 2, 3])
    expect(of('{,2}')).toEqual([0, 1, 2])
    expect(of(' { 1 , 2 }')).toEqual([1, 2])
    expect(whole('root ::= ("ab"? "c"){2}', 'abcc')).toBe('whole')
  })

  test('escapes in literals and classes', () => {
    expect(whole(String.raw`root ::= "\x41\u00e9\U0001F600\n\t\r\\\"\[\]"`, 'Aé😀\n\t\r\\"[]')).toBe('whole')
    const set = ebnf(String.raw`root ::= [\x41\u00e9\U0001F600-\U0001F602\]\[\\^-]+`)
    expect(reads(set, 'Aé😀😁😂][\\^-')).toBe('whole')
    expect(reads(set, 'B')).toBe('no')
    expect(reads(set, '😃')).toBe('no')
  })

  test('classes read UTF-8: whole characters, and no other bytes', () => {
    const not = ebnf('root ::= [^aé]')
    expect(['b', 'è', '日', '😀', '\n'].map((char) => reads(not, char))).toEqual(Array(5).fill('whole'))
    expect(['a', 'é'].map((char) => reads(not, char))).toEqual(['no', 'no'])
    const any = ebnf('root ::= .')
    expect(reads(any, '😀')).toBe('whole')
    expect(reads(any, Uint8Array.of(0xf0, 0x9f))).toBe('begin')
    for (const bytes of [[0x80], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90], [0xff]])
      expect(reads(any, Uint8Array.from(bytes)), bytes.join()).toBe('no')
    // Half a character may begin only where some whole one may stand.
    expect(reads(ebnf('root ::= [α-ω]'), Uint8Array.of(0xc3))).toBe('no')
  })

  test('comments, line ends in groups and around bars, names with dashes, empty alternatives', () => {
    const text =
      '# first\r\nroot ::= a-b # call\r\n  | ( "x"\n # inside\n "y" ) |\n "z"\n\na-b ::= "q" ("" | "r") ( | "s")\n'
    expect(['q', 'qr', 'qs', 'qrs', 'xy', 'z'].map((sample) => whole(text, sample))).toEqual(
      Array(6).fill('whole'),
    )
    expect(whole(text, 'x')).toBe('begin')
  })

  test('a large count is a counter, not copies', () => {
    const grammar = ebnf('root ::= [a-z ]{2,5000} "."')
    expect(reads(grammar, `${'ab '.repeat(1600)}.`)).toBe('whole')
    expect(reads(grammar, 'a'.repeat(5001))).toBe('no')
  })

  test('recursion on the right and in the middle, as deep as the text', () => {
    expect(whole('root ::= "(" root ")" | "x"', `${'('.repeat(500)}x${')'.repeat(500)}`)).toBe('whole')
    expect(whole('root ::= "a" root | "b"', `${'a'.repeat(3000)}b`)).toBe('whole')
    expect(whole('root ::= "a" root root | "a"', 'a'.repeat(301))).toBe('whole')
  })
})

describe('refused in words', () => {
  test.each([
    ['an unknown rule', 'root ::= "a" thing', 'root calls thing in line 1, and there is no such rule'],
    ['no root', 'start ::= "a"', 'no rule "root"'],
    ['nothing at all', ' # only a comment', 'no rule "root"'],
    ['direct left recursion', 'root ::= root "a" | "b"', 'left recursion is not supported: root -> root'],
    ['indirect', 'root ::= a\na ::= b "x"\nb ::= a "y" | "z"', 'a -> b -> a'],
    ['behind what may be empty', 'root ::= ws root "a" | "b"\nws ::= [ ]*', 'root -> root'],
    ['in an optional group', 'root ::= ("-"? sum)? "a"\nsum ::= "+"{0,2} root', 'root -> sum -> root'],
    ['in a rule that is not called', 'root ::= "a"\nx ::= x', 'x -> x'],
    ['no end', 'root ::= "a" loop\nloop ::= "b" loop', 'the rule root has no end'],
    ['no end beside one', 'root ::= "a" | "b" loop\nloop ::= "c" loop', 'the rule loop has no end'],
    ['a rule twice', 'root ::= "a"\nroot ::= "b"', 'line 2: the rule root is there twice'],
    ['an open literal', 'root ::= "a\n"', 'line 1: a literal is not closed'],
    ['an open class', 'root ::= [a-', 'a character class is not closed'],
    ['an open group', 'root ::= ("a"\n', 'a group is not closed'],
    ['an empty class', 'root ::= []', 'holds no character'],
    ['a range out of order', 'root ::= [z-a]', 'out of order'],
    ['a count out of order', 'root ::= "a"{3,2}', 'out of order'],
    ['a count too large', 'root ::= "a"{10001}', 'above 10000'],
    ['no count', 'root ::= "a"{}', '"{" begins no count'],
    ['half a character', 'root ::= "\\uD800"', 'd800 is no character'],
    ['hexadecimal digits', 'root ::= "\\u12"', 'needs 4 hexadecimal digits'],
    ['an unknown escape', 'root ::= "\\q"', '"\\q" is no escape'],
    ['a stray bracket', 'root ::= "a")', '")" is not expected'],
    ['no definition', 'root = "a"', '"::=" is expected behind root'],
    ['tokens', 'root ::= <think> "a"', 'tokens by name or number'],
    ['nothing to say', 'root ::= "" | ""', 'no text but the empty one'],
  ])('%s', (_, text, message) => {
    expect(() => ebnf(text)).toThrow(GrammarError)
    expect(() => ebnf(text)).toThrow(message)
  })

  test.each([
    ['nested', `root ::= ${'('.repeat(40)}"a"${')'.repeat(40)}`, 'deeper than 32'],
    ['many parts', `root ::= ${'"a" '.repeat(6000)}`, 'more than 5000 parts'],
    [
      'many rules',
      Array.from({ length: 1100 }, (_, i) => `${i === 0 ? 'root' : `r${i}`} ::= "a"`).join('\n'),
      'more than 1000 rules',
    ],
    ['a long text', `root ::= "${'a'.repeat(70_000)}"`, 'at most 65536'],
    [
      'a long chain',
      Array.from(
        { length: 600 },
        (_, i) => `${i === 0 ? 'root' : `r${i}`} ::= ${i < 599 ? `r${i + 1} "x"` : '"a"'}`,
      ).join('\n'),
      'more than 256 rules call each other',
    ],
  ])('too large, soon: %s', (_, text, message) => {
    const begun = performance.now()
    expect(() => ebnf(text)).toThrow(message)
    expect(performance.now() - begun).toBeLessThan(1000)
  })
})
