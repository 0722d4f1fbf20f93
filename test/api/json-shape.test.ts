// The shape of JSON text is measured without parsing it: names and items outside of strings.

import { describe, expect, it } from 'vitest'
import { checkShape } from '../../src/api/http/json-shape.ts'

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

function refusal(text: string): { message: string; param: unknown } | undefined {
  try {
    checkShape(text)
  } catch (error) {
    return { message: (error as Error).message, param: (error as { param?: unknown }).param }
  }
  return undefined
}

it.each<[string, Record<string, string>]>([
  [
    '{"a":{"x":1,"10":[true,-12,"1.5","1e5"]},"b":0.5}',
    { a: '{"x":1,"10":[true,-12,"1.5","1e5"]}', b: '0.5' },
  ],
  ['{"a":[1e5],"b": 1E5 ,"c":[1.0]}', { a: '[1e5]', b: ' 1E5 ', c: '[1.0]' }],
  [
    '{"a":999999999999999,"b":1234567890123456,"\\u0063":[{"\\u0031":0}]}',
    { b: '1234567890123456', c: '[{"\\u0031":0}]' },
  ],
  ['{"a":{"name":false,"else":null,"e":"e5"},"1":2,"b":[]}', {}],
  ['{"a":1.5,"b":2,"a":3}', {}],
  ['{"a":3,"a":1.5}', { a: '1.5' }],
])('what JSON.parse may change is found: %s', (text, changed) => {
  expect(Object.fromEntries(checkShape(text))).toEqual(changed)
})

describe('the shape of JSON text', () => {
  it.each([
    '',
    'null',
    '{}',
    nested(300_000),
    nested(64).repeat(3),
    `{"a":"${'['.repeat(1000)}"}`,
    `{"a":"\\"${'{'.repeat(1000)}"}`,
    `{"${'\\\\'.repeat(9)}":"${',:'.repeat(400_000)}"}`,
    // No JSON: that is told by who parses it.
    ']'.repeat(1000),
    '"',
    '{"a":"\\',
    '"\\"',
  ])('passes: %s', (text) => {
    expect(refusal(text)).toBeUndefined()
  })

  it.each([
    [nested(300_001), ''],
    [`{"a":1,"b":${nested(300_000)}}`, 'b'],
    [`{"a":{"c":1},"b\\n\\"":{"d":${nested(300_000)}}}`, 'b\n"'],
    [`{"a":"x\\\\","b":[${'0,'.repeat(300_000)}0]}`, 'b'],
    [`[{"a":[${'{},'.repeat(200_000)}0]}]`, ''],
    [`{"a":[${'0,'.repeat(300_001)}0]}`, 'a'],
    [`{"a":{${'"b":0,'.repeat(100_001)}"c":0}}`, 'a'],
    [`{"${'k'.repeat(5000)}":${nested(300_000)}}`, 'k'.repeat(100)],
    [`{"a":[${'9'.repeat(4301)}]}`, 'a'],
  ])('refuses, and names the field: %.40s', (text, param) => {
    const { message, param: named } = refusal(text) ?? { message: 'nothing', param: undefined }
    expect(named).toBe(param)
    expect(message).toMatch(/^(The request body|[bak]).* (100000 names.*|300000 items.*|4300 digits.*)$/s)
    expect(message.length).toBeLessThan(300)
  })
})
