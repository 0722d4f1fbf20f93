// The judge of a corpus: pointers, texts in the order of a schema's keys, and what ajv says in any draft's words.

import { describe, expect, test } from 'vitest'
import { parseExactJson } from '../../src/lib/exact-json.ts'
import { judgeOf, pointerExists, textsOf } from '../lib/corpus.ts'

const exact = (value: unknown) => parseExactJson(JSON.stringify(value))

test('a pointer exists where it names a keyword or a part', () => {
  const schema = exact({ properties: { 'a/b': { pattern: 'x' } }, anyOf: [{ const: 1 }] })
  const found = ['', '/properties/a~1b/pattern', '/anyOf/0'].map((pointer) => pointerExists(schema, pointer))
  expect(found).toEqual([true, true, true])
  for (const none of ['/properties/a', '/anyOf/1', '/anyOf/0/const/x'])
    expect(pointerExists(schema, none)).toBe(false)
})

test('a value has a text in its own order and one in the order of the schema', () => {
  const schema = exact({ properties: { a: {}, b: { properties: { d: {}, c: {} } } }, required: ['z'] })
  expect(textsOf(parseExactJson('{"z":1.0,"b":{"c":1,"d":2},"x":0,"a":[]}'), schema)).toEqual([
    '{"z":1.0,"b":{"c":1,"d":2},"x":0,"a":[]}',
    '{"a":[],"b":{"d":2,"c":1},"z":1.0,"x":0}',
  ])
  expect(textsOf(exact([1, 2]), schema)).toEqual(['[1,2]'])
})

describe('ajv judges', () => {
  test.each([
    [
      { $schema: 'http://json-schema.org/draft-04/schema#', id: 'x', minimum: 1, exclusiveMinimum: true },
      2,
      1,
    ],
    [{ items: [{ type: 'null' }], additionalItems: false }, [null], [null, null]],
    [{ prefixItems: [{ type: 'null' }], items: false }, [null], [null, null]],
    [{ properties: { $schema: { type: 'string' }, id: { type: 'null' } }, additionalProperties: false }, { $schema: '', id: null }, { id: 1 }], // prettier-ignore
    [{ format: 'date' }, '2024-02-29', '2023-02-29'],
    [{ const: { id: 'a' } }, { id: 'a' }, {}],
  ])('%j', (schema, valid, invalid) => {
    const judge = judgeOf(exact(schema))
    expect(judge(valid)).toBeUndefined()
    expect(judge(invalid)).toMatch(/\(#\//)
  })
})
