// Schemas as people write them: what the grammar takes, what it does not, and what is refused at which pointer.

import { describe, expect, it } from 'vitest'
import { GrammarError } from '../../../src/grammar/grammar-error.ts'
import { compileSchema } from '../../../src/grammar/schema/compile.ts'
import { randomOf, takes, walk } from '../accepts.ts'

type Case = [name: string, schema: unknown, yes: readonly string[], no: readonly string[]]

const PERSON = {
  type: 'object',
  properties: { a: { type: 'string' }, b: { type: 'string' }, n: { type: 'integer' } },
  required: ['a', 'n'],
}
const TREE = {
  $ref: '#/$defs/node',
  $defs: {
    node: { type: 'object', properties: { kids: { type: 'array', items: { $ref: '#/$defs/node' } } } },
  },
}
const TAGGED = {
  oneOf: ['x', 'y'].map((tag) => ({
    type: 'object',
    properties: { tag: { const: tag }, [tag]: { type: 'integer' } },
    required: ['tag'],
  })),
}
const CASES: readonly Case[] = [
  [
    'an object',
    PERSON,
    ['{"a":"","n":1}', '{"a":"","b":"","n":1}', '{ "a": "x", "n": -5 }'],
    ['{"n":1,"a":""}', '{"a":""}', '{"a":"","n":1,"z":1}', '{"a":"","n":1.5}'],
  ],
  ['const', { const: null }, ['null'], ['0', 'false']],
  ['const 0', { const: 0 }, ['0'], ['false', 'null']],
  ['bounds', { type: 'integer', minimum: 18, maximum: 120 }, ['18', '120'], ['17', '121', '18.0']],
  [
    'multiples',
    { type: 'integer', multipleOf: 5, minimum: 0, maximum: 100 },
    ['0', '95'],
    ['7', '105', '-5'],
  ],
  ['a price', { type: 'number', multipleOf: 0.01 }, ['1.25', '3', '-0.01'], ['1.255']],
  [
    'a pattern',
    { type: 'string', pattern: '^[A-Z]{2}\\d{4}$' },
    ['"AB1234"'],
    ['"ab1234"', '"AB12345"', 'null'],
  ],
  ['letters', { type: 'string', pattern: '^[äöüß]+$' }, ['"äß"'], ['"a"', '""']],
  ['characters', { type: 'string', maxLength: 5 }, ['"😀😀😀😀😀"'], ['"😀😀😀😀😀😀"']],
  ['date', { format: 'date', type: 'string' }, ['"2024-02-29"'], ['"2023-02-29"', '"2024-13-01"']],
  ['date-time', { format: 'date-time', type: 'string' }, ['"2024-02-29T00:00:00Z"'], ['"2024-02-29"']],
  ['uuid', { format: 'uuid', type: 'string' }, ['"123e4567-e89b-12d3-a456-426614174000"'], ['"123"']],
  ['email', { format: 'email', type: 'string' }, ['"a.b@c.de"'], ['"a@"', '"a b@c.de"']],
  ['unknown format', { format: 'nanoid', type: 'string' }, ['"x"'], ['1']],
  [
    'three booleans',
    { type: 'array', items: { type: 'boolean' }, minItems: 3, maxItems: 3 },
    ['[true,true,false]'],
    ['[true,true]', '[true,true,true,true]'],
  ],
  [
    'a pair',
    { type: 'array', prefixItems: [{ type: 'integer' }, { type: 'string' }], items: false },
    ['[]', '[1,"a"]'],
    ['["a"]', '[1,"a",2]'],
  ],
  ['no items', { type: 'array', items: { enum: ['a'] }, maxItems: 0 }, ['[]'], ['["a"]']],
  ['a string or null', { anyOf: [{ type: 'string' }, { type: 'null' }] }, ['null', '"a"'], ['1']],
  ['tagged', TAGGED, ['{"tag":"x","x":1}', '{"tag":"y","y":1}'], ['{"tag":"z"}', '{"tag":"x","y":1}']],
  ['an exclusive number', { oneOf: [{ type: 'integer' }, { type: 'number' }] }, ['1.5'], ['1']],
  ['a tree', TREE, ['{}', '{"kids":[]}', '{"kids":[{"kids":[{}]}]}'], ['{"kids":[1]}']],
  ['escaped pointers', { $ref: '#/$defs/a~1b%25', $defs: { 'a/b%': { type: 'null' } } }, ['null'], ['1']],
  [
    'open integers',
    { type: 'object', additionalProperties: { type: 'integer' } },
    ['{}', '{"a":1,"b":2}'],
    ['{"a":"x"}', '{"a":1,"a":2}'],
  ],
  [
    'names',
    { type: 'object', propertyNames: { pattern: '^[ab]$' }, minProperties: 2 },
    ['{"a":1,"b":2}'],
    ['{"a":1}', '{"a":1,"c":1}', '{"a":1,"a":2}'],
  ],
  ['everything', {}, ['1', '{"a":[]}'], ['']],
  ['true', true, ['null'], ['']],
  ['types', { type: ['string', 'integer', 'null'] }, ['"a"', '1', 'null'], ['1.5', 'true']],
  [
    'odd keys',
    {
      type: 'object',
      properties: JSON.parse(
        '{"__proto__":{"type":"null"},"constructor":{"type":"null"},"":{"type":"null"},"\\"":{"type":"null"}}',
      ),
      required: ['__proto__', ''],
    },
    ['{"__proto__":null,"":null}', '{"__proto__":null,"constructor":null,"":null,"\\"":null}'],
    ['{"":null}', '{"constructor":null}'],
  ],
  [
    'a set',
    { type: 'array', items: { enum: ['a', 'b'] }, uniqueItems: true, minItems: 2 },
    ['["a","b"]', '["b","a"]'],
    ['["a","a"]', '["a"]', '["a","b","a"]'],
  ],
  ['not', { type: 'string', not: { enum: ['a'] } }, ['"b"', '""', '"aa"'], ['"a"']],
  [
    'if',
    {
      type: 'object',
      properties: { k: { enum: ['a', 'b'] }, v: { type: 'integer' } },
      required: ['k'],
      if: { properties: { k: { const: 'a' } } },
      then: { required: ['v'] },
    },
    ['{"k":"a","v":1}', '{"k":"b"}'],
    ['{"k":"a"}'],
  ],
  [
    'dependentRequired',
    {
      type: 'object',
      properties: { a: { type: 'null' }, b: { type: 'null' } },
      dependentRequired: { a: ['b'] },
    },
    ['{}', '{"b":null}', '{"a":null,"b":null}'],
    ['{"a":null}'],
  ],
  [
    'contains',
    { type: 'array', items: { type: 'integer' }, contains: { const: 7 } },
    ['[7]', '[7,1]'],
    ['[]', '[1]'],
  ],
  [
    'unevaluated members of a cousin',
    { allOf: [{ properties: { a: true } }, { unevaluatedProperties: false }] },
    ['{}'],
    ['{"a":1}'],
  ],
  [
    'evaluated members',
    {
      properties: { a: { type: 'null' } },
      anyOf: [{ properties: { b: { type: 'null' } }, required: ['b'] }, { required: ['a'] }],
      unevaluatedProperties: false,
    },
    ['{"a":null}', '{"a":null,"b":null}'],
    ['{"c":1}'],
  ],
  [
    'a set of objects',
    { type: 'array', uniqueItems: true },
    ['[{"a":1},{"a":2}]'],
    ['[{"a":1,"b":2},{"b":2,"a":1}]', '[1,1]', '[{"a":1},{"a":1}]'],
  ],
  ['not a format', { type: 'string', not: { format: 'ipv4' } }, ['"a"', '"1.2.3"'], ['"1.2.3.4"']],
  ['a host', { type: 'string', format: 'hostname' }, ['"www.example.com"'], ['"xn--X"', '"-a"', '""']],
  ['a misspelt keyword', { type: 'integer', minimun: 5 }, ['1'], ['"a"']],
  ['annotations', { title: 'T', description: 'D', type: 'null', default: 5, examples: [1] }, ['null'], ['5']],
  [
    'minProperties through itself',
    {
      $ref: '#/$defs/r',
      $defs: {
        r: {
          type: 'object',
          properties: { a: { $ref: '#/$defs/r' }, b: { type: 'string' } },
          minProperties: 1,
        },
      },
    },
    ['{"b":""}', '{"a":{"b":""}}'],
    ['{}', '{"a":{}}'],
  ],
]

type Refusal = [name: string, schema: unknown, pointer: string]
const REFUSALS: readonly Refusal[] = [
  ['false', false, ''],
  ['a contradiction', { allOf: [{ type: 'string' }, { type: 'integer' }] }, ''],
  ['a remote reference', { properties: { a: { $ref: 'https://example.com/x.json' } } }, '/properties/a/$ref'],
  ['a reference to nothing', { properties: { a: { $ref: '#/$defs/b' } } }, '/properties/a/$ref'],
  ['look-behind', { properties: { a: { type: 'string', pattern: '(?<=a)b' } } }, '/properties/a/pattern'],
  ['a defined format that is not followed', { type: 'string', format: 'regex' }, '/format'],
  ['a dynamic reference', { items: { $dynamicRef: '#a' } }, '/items/$dynamicRef'],
  ['an endless value', { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] }, ''],
  ['a reference to itself', { $ref: '#' }, ''],
  ['a type that is none', { type: 'text' }, '/type'],
  ['maxContains', { contains: {}, maxContains: 2 }, '/maxContains'],
  ['an empty set of two', { type: 'array', items: { const: 1 }, uniqueItems: true, minItems: 2 }, ''],
  ['too long and too short a text', { type: 'string', minLength: 2, maxLength: 1 }, ''],
  ['too few names', { type: 'object', propertyNames: { enum: ['a'] }, minProperties: 2 }, ''],
]

describe('a schema', () => {
  it.each(CASES)('%s', (_, schema, yes, no) => {
    const { start } = compileSchema(JSON.stringify(schema))
    expect(yes.filter((text) => !takes(start, text))).toEqual([])
    expect(no.filter((text) => takes(start, text))).toEqual([])
  })

  it.each(CASES)('%s ends wherever it is left', (_, schema) => {
    const { start } = compileSchema(JSON.stringify(schema))
    for (let seed = 0; seed < 12; seed++) {
      const text = walk(start, randomOf(seed), seed * 5)
      expect(takes(start, text)).toBe(true)
      expect(() => JSON.parse(text) as unknown).not.toThrow()
    }
  })

  it.each(REFUSALS)('%s is refused', (_, schema, pointer) => {
    const act = (): unknown => compileSchema(JSON.stringify(schema))
    expect(act).toThrow(GrammarError)
    expect(act).toThrow(expect.objectContaining({ pointer }))
  })

  it('names what it ignores', () => {
    expect(compileSchema('{"type":"string","format":"nanoid"}').ignored).toEqual(['/format: nanoid'])
    const nested = {
      properties: { 'a/b': { format: 'path' }, c: { format: 'date' } },
      items: { format: 'path' },
    }
    expect(compileSchema(JSON.stringify(nested)).ignored).toEqual([
      '/properties/a~1b/format: path',
      '/items/format: path',
    ])
    const many = { properties: Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`k${i}`, { format: 'x'.repeat(500) }])) } // prettier-ignore
    const { ignored } = compileSchema(JSON.stringify(many))
    expect([ignored.length, ignored[31]]).toEqual([32, `/properties/k31/format: ${'x'.repeat(256 - 24)}`])
  })

  it('leaves nothing open where defaults bound it, and no less than its least counts', () => {
    const bounds = { mostChars: 3, mostItems: 2 }
    const of = (schema: unknown) => compileSchema(JSON.stringify(schema), bounds).start
    const text = of({ type: 'string' })
    expect(['"abc"', '"abcd"'].map((each) => takes(text, each))).toEqual([true, false])
    expect(takes(of({ type: 'string', minLength: 5 }), '"abcde"')).toBe(true)
    expect(takes(of({ type: 'string', maxLength: 9 }), '"abcdefghi"')).toBe(true)
    expect(takes(of({ type: 'string', pattern: '^a{6}$' }), '"aaaaaa"')).toBe(true)
    const list = of({ type: 'array', items: { type: 'null' } })
    expect(['[null,null]', '[null,null,null]'].map((each) => takes(list, each))).toEqual([true, false])
    expect(takes(of({ type: 'array', minItems: 3, items: { type: 'null' } }), '[null,null,null]')).toBe(true)
  })

  it('has an end of its own wherever defaults bound what is open', () => {
    const bounds = { mostChars: 3, mostItems: 2, mostLevels: 2 }
    const of = (schema: unknown) => compileSchema(JSON.stringify(schema), bounds).start
    const loops: [schema: unknown, text: string, fits: boolean][] = [
      // Behind the bound a pattern is led to its end.
      [{ type: 'string', pattern: '^(abc)+$' }, '"abcabc"', false],
      [{ type: 'string', pattern: '^(abcd)+$' }, '"abcd"', true],
      [{ type: 'string', pattern: '^(abcd)+$' }, '"abcdabcd"', false],
      [{ type: 'string', minLength: 6, pattern: '^(ab)+$' }, '"ababab"', true],
      [{ type: 'string', minLength: 6, pattern: '^(ab)+$' }, '"abababab"', false],
      [{ type: 'string' }, '"\\u00e9\\n😀"', true],
      [{ type: 'string' }, '"abc\\n"', false],
      [{}, '"abcd"', false],
      [{}, '[[1]]', true],
      [{}, '[[[1]]]', false],
      [{}, '[1,2,3]', false],
      [{ type: 'object' }, '{"a":[[]]}', true],
      [{ type: 'object' }, '{"a":1,"b":1}', true],
      [{ type: 'object' }, '{"a":1,"b":1,"c":1}', false],
      [{ type: 'object' }, '{"abcd":1}', false],
      [{ type: 'object', maxProperties: 3 }, '{"a":1,"b":1,"c":1}', true],
      [{ type: 'object', minProperties: 3 }, '{"a":1,"b":1,"c":1}', true],
      [{ type: 'object', minProperties: 3 }, '{"a":1,"b":1,"c":1,"d":1}', false],
      [
        { type: 'array', uniqueItems: true, items: { type: 'string', minLength: 4 } },
        '["abcde","abcdf"]',
        true,
      ],
    ]
    expect(loops.filter(([schema, text, fits]) => takes(of(schema), text) !== fits)).toEqual([])
  })

  it.each([
    {},
    { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: true },
    { type: 'array', items: { type: 'string', format: 'uri' } },
    { type: 'array', uniqueItems: true, items: { type: 'string' } },
    { type: 'array', uniqueItems: true, items: { type: 'string', pattern: '^(ab|cd)+$' } },
    { type: 'object', patternProperties: { '^x(y|z)*$': { type: 'string', pattern: '(a|bc)+d' } }, additionalProperties: false }, // prettier-ignore
    { type: 'string', minLength: 7 },
  ])('has no dead end within default bounds: %j', (schema) => {
    const bounds = { mostChars: 5, mostItems: 3, mostLevels: 2 }
    const { start } = compileSchema(JSON.stringify(schema), bounds)
    for (let seed = 0; seed < 40; seed++) {
      const text = walk(start, randomOf(seed), seed * 8)
      expect(takes(start, text), text).toBe(true)
      expect(() => JSON.parse(text) as unknown, text).not.toThrow()
    }
  })

  it('closes a long answer', () => {
    const { terms, start } = compileSchema('{"type":"array","items":{"type":"string","maxLength":100000}}')
    const end = terms.advance(start, new TextEncoder().encode(`["${'lorem ipsum '.repeat(5000)}`))
    expect(terms.shortestWay(end).length).toBe(2)
  })

  // What nobody asked for is refused after a bounded amount of work.
  it.each<[string, unknown]>([
    ['a pattern that explodes', { type: 'string', pattern: '^((a{1,50}){1,50}){1,50}$' }],
    ['300 patterns', { properties: Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`k${i}`, { pattern: `^(a|b)*a(a|b){9}x${i}$` }])) }], // prettier-ignore
    ['a billion items', { type: 'array', minItems: 1e9 }],
    ['a billion characters', { type: 'string', minLength: 1e9 }],
    ['100,000 members', { type: 'object', minProperties: 100_000 }],
    ['a set of many large values', { type: 'array', uniqueItems: true, minItems: 60, items: { type: 'array', minItems: 200, items: { type: 'boolean' } } }], // prettier-ignore
    ['4,096 combinations', { allOf: Array.from({ length: 12 }, (_, i) => ({ anyOf: [{ required: [`a${i}`] }, { required: [`b${i}`] }] })) }], // prettier-ignore
  ])('with %s is refused', (_, schema) => {
    expect(() => compileSchema(JSON.stringify(schema))).toThrow(GrammarError)
  })

  it('takes an enum of 3,000', () => {
    const values = Array.from({ length: 3000 }, (_, i) => `v${i}`)
    const { start } = compileSchema(JSON.stringify({ enum: values }))
    expect(['"v0"', '"v2999"', '"v3000"'].map((text) => takes(start, text))).toEqual([true, true, false])
  })
})
