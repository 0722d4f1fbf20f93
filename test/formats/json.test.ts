// JSON of checkpoints: what JSON.parse reads is read the same, but nothing deep and no key twice.

import { describe, expect, it } from 'vitest'
import { parseJson } from '../../src/formats/json.ts'

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

describe('parseJson', () => {
  it.each([
    '{}',
    ' [1, {"a": [], "b": {"a": null}}, {"a": 2}] ',
    '{"a": "a", "b": "{\\"a\\": 1, \\"a\\": 2}", "c\\\\": ["x", "x"], "\\u0064": 1}',
    '"a\\"b"',
    '{"": 1, " ": 2, "__proto__": 3}',
    nested(64),
  ])('reads %s', (text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text))
  })

  it.each(['', '{', '{"a"', '"', '{"a": 1,}', '[1 2]', '"\\', '}{', ']]]', '{"\\x": 1}'])(
    'refuses %j, which is no JSON',
    (text) => {
      expect(() => parseJson(text)).toThrow(/^is not JSON$/)
    },
  )

  it.each([nested(65), '['.repeat(1e6), '{"a":'.repeat(100), `{"a": ${nested(64)}}`])(
    'refuses what is nested too deep: %.20s',
    (text) => {
      expect(() => parseJson(text)).toThrow('is JSON nested deeper than 64 levels')
    },
  )

  it.each([
    ['{"a": 1, "a": 2}', '"a"'],
    ['[0, {"b": {"c": [], "c": 1}}]', '"c"'],
    ['{"a": {"a": 1}, "b": [{"a": 1}], "\\u0061": 1}', '"\\u0061"'],
    [`{"${'k'.repeat(100)}": 1, "${'k'.repeat(100)}": 2}`, `"${'k'.repeat(59)}...`],
  ])('refuses %s', (text, key) => {
    expect(() => parseJson(text)).toThrow(`has the key ${key} twice in one object`)
  })
})
