// What nobody means well is refused in time: each of these ends in an error, or a grammar, after a bounded amount of work.

import { cpus, loadavg } from 'node:os'
import { describe, expect, it } from 'vitest'
import { GrammarError } from '../../src/grammar/grammar-error.ts'
import { compileGrammar } from '../../src/grammar/grammar.ts'
import type { GrammarSpec } from '../../src/protocol/generation.ts'

/** Milliseconds of CPU time for one grammar; where more runs than there are cores, caches are shared and it takes up to twice as long. */
const MOST_MS = loadavg()[0] > cpus().length ? 400 : 200

const json = (schema: unknown): GrammarSpec => ({ kind: 'json_schema', schema: JSON.stringify(schema) })
const times = (count: number, of: (i: number) => unknown): unknown[] =>
  Array.from({ length: count }, (_, i) => of(i))
const fields = (count: number, of: (i: number) => unknown): object => Object.fromEntries(times(count, (i) => [`k${i}`, of(i)]) as [string, unknown][]) // prettier-ignore
const nested = (depth: number, wrap: (inner: unknown) => unknown): unknown => (depth === 0 ? { type: 'string' } : wrap(nested(depth - 1, wrap))) // prettier-ignore

/** `ok`: it may compile, as long as it does so in time. */
type Case = [name: string, spec: GrammarSpec, end: 'refused' | 'ok']

const CASES: readonly Case[] = [
  ['900 levels of members', json(nested(900, (inner) => ({ properties: { a: inner } }))), 'refused'],
  ['900 levels of items', json(nested(900, (inner) => ({ items: inner }))), 'refused'],
  ['900 levels of not', json(nested(900, (not) => ({ not }))), 'refused'],
  ['500 levels of allOf', json(nested(500, (inner) => ({ allOf: [inner] }))), 'refused'],
  ['12 levels of two alternatives of members', json(nested(12, (a) => ({ anyOf: [{ properties: { a } }, { properties: { b: a } }] }))), 'ok'], // prettier-ignore
  ['20,000 brackets', { kind: 'json_schema', schema: '['.repeat(20_000) }, 'refused'],
  ['60,000 characters of no JSON', { kind: 'json_schema', schema: `{"a":"${'\\u0000'.repeat(10_000)}` }, 'refused'],
  ['4,000 members', json({ type: 'object', properties: fields(4000, () => ({})) }), 'ok'],
  ['4,000 members that are required', json({ type: 'object', required: times(4000, (i) => `k${i}`) }), 'ok'],
  ['4,000 members, half of them asked for', json({ type: 'object', minProperties: 2000, properties: fields(4000, () => ({})) }), 'refused'], // prettier-ignore
  ['an enum of 5,001', json({ enum: times(5001, (i) => i) }), 'refused'],
  ['an enum of 5,000', json({ enum: times(5000, (i) => `v${i}`) }), 'ok'],
  ['an enum of 5,000 in a set', json({ type: 'array', uniqueItems: true, items: { enum: times(5000, (i) => `v${i}`) } }), 'ok'], // prettier-ignore
  ['all of an enum but another', json({ enum: times(4000, (i) => i), not: { enum: times(4000, (i) => i + 1) } }), 'ok'], // prettier-ignore
  ['objects in an enum', json({ enum: times(1200, (i) => ({ a: { b: [i, { c: i }] } })) }), 'ok'],
  ['2,000 words that are not', json({ type: 'string', not: { enum: times(2000, (i) => `word${i * 7919}`) } }), 'ok'], // prettier-ignore
  ['a pattern of powers', json({ type: 'string', pattern: '^((a{1,50}){1,50}){1,50}$' }), 'refused'],
  ['a pattern that looks far back', json({ type: 'string', pattern: '^(a|b)*a(a|b){14}$' }), 'refused'],
  ['a pattern that looks far back anywhere', json({ type: 'string', pattern: 'a.{16}b' }), 'refused'],
  ['twenty stars', json({ type: 'string', pattern: `^${'(.*a)'.repeat(20)}$` }), 'ok'],
  ['stars in stars', json({ type: 'string', pattern: '^((((((((a*)*b*)*c*)*d*)*)*)*)*)$' }), 'ok'],
  ['look-ahead in a row', json({ type: 'string', pattern: `^${'abcdefghij'.replace(/./g, '(?=.*$&.{3}$&)')}` }), 'refused'], // prettier-ignore
  ['a class of everything, 4,000 times', json({ type: 'string', pattern: '^[^]{4000}$' }), 'refused'],
  ['400 patterns of members', json({ properties: fields(400, (i) => ({ pattern: `^(a|b)*a(a|b){9}x${i}$` })) }), 'refused'], // prettier-ignore
  ['40 patterns of names', json({ type: 'object', patternProperties: Object.fromEntries(times(40, (i) => [`${i}.*${i + 1}`, { const: i }]) as [string, unknown][]), additionalProperties: false }), 'refused'], // prettier-ignore
  ['4,096 combinations', json({ allOf: times(12, (i) => ({ anyOf: [{ required: [`a${i}`] }, { required: [`b${i}`] }] })) }), 'refused'], // prettier-ignore
  ['oneOf of 200', json({ oneOf: times(200, (i) => ({ properties: { [`k${i}`]: { type: 'string' } } })) }), 'refused'], // prettier-ignore
  ['30 conditions', json({ allOf: times(30, (i) => ({ if: { required: [`a${i}`] }, then: { required: [`b${i}`] } })) }), 'refused'], // prettier-ignore
  ['a contradiction of types', json({ allOf: [{ type: 'string' }, { type: 'integer' }] }), 'refused'],
  ['a contradiction of bounds', json({ type: 'number', exclusiveMinimum: 1, maximum: 1 }), 'refused'],
  ['a contradiction of patterns', json({ type: 'string', allOf: [{ pattern: '^a+$' }, { pattern: '^b+$' }] }), 'refused'], // prettier-ignore
  ['a contradiction far down', json(nested(60, (a) => ({ type: 'object', properties: { a }, required: ['a'], not: { required: ['a'] } }))), 'refused'], // prettier-ignore
  ['itself', json({ $ref: '#' }), 'refused'],
  ['itself among others', json({ anyOf: [{ $ref: '#' }, { allOf: [{ $ref: '#' }] }] }), 'ok'],
  ['a ring of 500 references', json({ $ref: '#/$defs/k0', $defs: fields(500, (i) => ({ $ref: `#/$defs/k${(i + 1) % 500}` })) }), 'refused'], // prettier-ignore
  ['an endless value', json({ type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] }), 'refused'],
  ['an endless value of 300 kinds', json({ $ref: '#/$defs/k0', $defs: fields(300, (i) => ({ type: 'array', minItems: 1, items: { $ref: `#/$defs/k${(i + 1) % 300}` } })) }), 'refused'], // prettier-ignore
  ['a value that doubles 40 times', json({ $ref: '#/$defs/k0', $defs: { ...fields(40, (i) => ({ type: 'array', prefixItems: [{ $ref: `#/$defs/k${i + 1}` }, { $ref: `#/$defs/k${i + 1}` }], minItems: 2 })), k40: { const: 1 } } }), 'refused'], // prettier-ignore
  ['a billion items', json({ type: 'array', minItems: 1e9 }), 'refused'],
  ['a billion characters', json({ type: 'string', minLength: 1e9 }), 'refused'],
  ['a billion characters of a pattern', json({ type: 'string', pattern: '^(ab)*$', maxLength: 1e9 }), 'refused'],
  ['100,000 members', json({ type: 'object', minProperties: 100_000 }), 'refused'],
  ['a set of many large values', json({ type: 'array', uniqueItems: true, minItems: 60, items: { type: 'array', minItems: 200, items: { type: 'boolean' } } }), 'refused'], // prettier-ignore
  ['sets in sets', json(nested(20, (items) => ({ type: 'array', uniqueItems: true, minItems: 8, items }))), 'refused'], // prettier-ignore
  ['multiples of many numbers', json({ type: 'integer', allOf: times(12, (i) => ({ multipleOf: 97 + 2 * i })) }), 'refused'], // prettier-ignore
  ['a regex of powers', { kind: 'regex', pattern: '(((x{0,99}){0,99}){0,99}){0,99}' }, 'refused'],
  ['a grammar that begins with itself', { kind: 'ebnf', text: 'root ::= root "a" | root' }, 'refused'],
  ['a grammar of powers', { kind: 'ebnf', text: `root ::= ${'('.repeat(9)}"a"${'){9,99}'.repeat(9)}` }, 'refused'],
  ['5,000 long choices', { kind: 'choice', choices: times(5000, (i) => `choice ${i}`) as string[] }, 'ok'],
  ['choices of too many characters', { kind: 'choice', choices: times(5000, (i) => `${i}${'x'.repeat(20)}`) as string[] }, 'refused'], // prettier-ignore
] // prettier-ignore

/** Milliseconds of CPU time, and how it ended. */
function compiled(spec: GrammarSpec): { ms: number; end: string } {
  const from = process.cpuUsage()
  let end = 'ok'
  try {
    compileGrammar(spec)
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error
    end = 'refused'
  }
  const { user, system } = process.cpuUsage(from)
  return { ms: (user + system) / 1000, end }
}

describe('within 200 ms', () => {
  it.each(CASES)('%s', (_, spec, wanted) => {
    const { end, ms } = compiled(spec)
    if (wanted === 'refused') expect(end).toBe('refused')
    // A refusal is not kept: other tries show whether a collection of garbage was counted.
    const again = ms <= MOST_MS ? [] : [compiled(spec).ms, compiled(spec).ms]
    expect(Math.min(ms, ...again)).toBeLessThanOrEqual(MOST_MS)
  })
})
