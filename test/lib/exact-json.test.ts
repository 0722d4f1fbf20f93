// Exact JSON reads what JSON.parse reads, and keeps digits, floats and the order of keys.

import { describe, expect, it } from 'vitest'
import { Float, parseExactJson, writeExactJson, type ExactJson } from '../../src/lib/exact-json.ts'

describe('exact JSON', () => {
  it.each<[text: string, value: ExactJson]>([
    ['1', 1],
    ['-0', 0],
    ['1.0', new Float(1)],
    ['-0.0', new Float(-0)],
    ['1e16', new Float(1e16)],
    ['1E+2', new Float(100)],
    ['12345678901234567890', 12345678901234567890n],
    ['9007199254740991', 9007199254740991],
    ['9007199254740993', 9007199254740993n],
    ['"a\\u0041\\"\\\\"', 'aA"\\'],
    [' [ true , null,false,[] , {} ] ', [true, null, false, [], new Map()]],
  ])('reads %s', (text, value) => {
    const read = parseExactJson(text)
    expect(read).toEqual(value)
    expect(Object.is(read, -0)).toBe(false)
    expect(parseExactJson(writeExactJson(read))).toEqual(read)
  })

  it('keeps the order of keys; of one that comes twice the last value at the first place', () => {
    const text = '{"10":1,"2":{"b":1,"1":2},"10":3.0}'
    const read = parseExactJson(text)
    expect([...(read as Map<string, ExactJson>).keys()]).toEqual(['10', '2'])
    expect(writeExactJson(read)).toBe('{"10":3.0,"2":{"b":1,"1":2}}')
  })

  it.each([
    '',
    '1 2',
    '[1,]',
    '{"a":1,}',
    '{a:1}',
    '01',
    '1.',
    '+1',
    'NaN',
    "'a'",
    '"\n"',
    '[',
    '{"a"',
    '"a',
    '[1}',
    'tru',
  ])('refuses %j as JSON.parse does', (text) => {
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError)
    expect(() => parseExactJson(text)).toThrow(SyntaxError)
  })

  it('keeps a float that overflows and refuses what is nested too deeply', () => {
    expect(writeExactJson(parseExactJson('[1e999,-1e999]'))).toBe('[1e999,-1e999]')
    expect(() => parseExactJson('['.repeat(1_000_000))).toThrow(/deeper than 1000/)
  })
})
