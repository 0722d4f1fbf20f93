// The grammars of calls: whatever they let through reads back as arguments of the schema, and free text finds every mark.

import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { pythonCallArguments } from '../../src/chat/answers/python-call.ts'
import type { CallStyle } from '../../src/grammar/call-form.ts'
import { freeText, textUpTo, type Mark } from '../../src/grammar/free-text.ts'
import { GrammarError } from '../../src/grammar/grammar-error.ts'
import { compileGrammar } from '../../src/grammar/grammar.ts'
import { seal } from '../../src/grammar/rule.ts'
import type { GrammarSpec } from '../../src/protocol/generation.ts'
import { compileSchema } from '../../src/grammar/schema/compile.ts'
import type { Term } from '../../src/grammar/term.ts'
import { Terms } from '../../src/grammar/terms.ts'
import { randomOf, takes, walk } from './accepts.ts'

const ajv = new Ajv2020({ strict: false })
const SCHEMAS: object[] = [
  { type: 'object', properties: { a: { type: 'string' }, b_2: { type: 'number' }, ü: { type: 'boolean' } }, required: ['a'] }, // prettier-ignore
  { type: 'object', properties: { q: { enum: ["it's", '"', '\\', '\n\u0000é', 1.5, null, { k: [true] }] } }, required: ['q'] }, // prettier-ignore
  { type: 'object', properties: { l: { type: 'array', items: { type: ['string', 'null'], maxLength: 3 }, maxItems: 3 } }, required: ['l'] }, // prettier-ignore
  { type: 'object', properties: { p: { type: 'string', pattern: "^[a'\\\\\\n]{1,4}$" } }, required: ['p'] },
  { type: 'object', properties: { o: { $ref: '#/$defs/o' } }, required: ['o'], $defs: { o: { type: 'object', properties: { of: { $ref: '#/$defs/o' }, n: { type: 'integer' } }, required: ['n'] } } }, // prettier-ignore
  { type: 'object', additionalProperties: { type: 'integer' }, minProperties: 2, maxProperties: 3 },
  {
    enum: [
      { x: 1, y: "'" },
      { x: [], y: false },
    ],
  },
  {
    anyOf: [{ type: 'object', properties: { one: { type: 'null' } }, required: ['one'] }, { type: 'string' }],
  },
  {},
]

test.each(SCHEMAS.map((schema) => ({ schema })))('Python by $schema', ({ schema }) => {
  const isValid = ajv.compile(schema)
  const { start } = compileSchema(JSON.stringify(schema), { isObject: true, isCall: true, mostLevels: 3, mostItems: 3 }) // prettier-ignore
  for (let seed = 1; seed <= 20; seed++) {
    const text = walk(start, randomOf(seed), 120)
    const given = pythonCallArguments(text)
    expect(given, text).toBeDefined()
    expect(isValid(JSON.parse(given ?? '')), `${text} ${given}`).toBe(true)
  }
})

test('Python names only what can be a keyword', () => {
  const of = (schema: object) => compileSchema(JSON.stringify(schema), { isObject: true, isCall: true }).start
  const start = of({ type: 'object', properties: { 'a-b': {}, b: { type: 'null' } }, required: ['b'] })
  expect(takes(start, 'tool_call(b=None)')).toBe(true)
  expect(takes(start, 'tool_call(a-b=1, b=None)')).toBe(false)
  expect(() => of({ type: 'object', required: ['a b'] })).toThrow('no name of an argument')
})

describe('free text', () => {
  const marked = (marks: (terms: Terms) => Mark[], make = freeText as (t: Terms, m: Mark[]) => Term) => {
    const terms = new Terms()
    const start = make(terms, marks(terms))
    seal(terms, [])
    return { terms, start }
  }
  const bytes = (text: string) => new TextEncoder().encode(text)

  test('finds each mark where it first ends, as a search does', () => {
    const names = ['abab', 'bb', 'cabc']
    const random = randomOf(5)
    for (let n = 0; n < 400; n++) {
      const text = Array.from({ length: 12 }, () => 'abc'[Math.floor(random() * 3)]).join('')
      const ends = names
        .map((name) => text.indexOf(name) + name.length)
        .filter((end, i) => end >= names[i].length)
      const { terms, start } = marked((own) =>
        names.map((name) => ({ text: name, then: () => own.text('!') })),
      )
      const at = ends.length === 0 ? text.length : Math.min(...ends)
      const before = terms.advance(start, bytes(text.slice(0, Math.max(0, at - 1))))
      expect(before.shortest, text).toBe(0)
      const after = terms.advance(start, bytes(text.slice(0, at)))
      expect(after.shortest, text).toBe(ends.length === 0 ? 0 : 1)
    }
  })

  test('knows first marks at its beginning alone', () => {
    const { terms, start } = marked((own) => [
      { text: 'ab', then: () => own.text('!'), isFirst: true },
      { text: '<ab', then: () => own.text('!!') },
    ])
    const left = (text: string) => terms.advance(start, bytes(text)).shortest
    expect([left('ab'), left(' ab'), left('aab'), left('a<ab'), left('<ab'), left('a')]).toEqual([
      1, 0, 0, 2, 2, 0,
    ])
  })

  test('goes to a mark that must come by the shortest way', () => {
    const { terms, start } = marked(
      (own) => [{ text: '</x>', then: () => own.text('!') }],
      (own, [mark]) => textUpTo(own, mark, true),
    )
    expect([...terms.shortestWay(start)]).toEqual([0xff, ...bytes('</x>!')])
    expect([...terms.shortestWay(terms.advance(start, bytes('a</')))]).toEqual([...bytes('x>!')])
    expect(terms.advance(start, bytes('a<</x>')).shortest).toBe(1)
  })
})

test('a function that cannot be promised is named by its place', () => {
  const functions = [{}, { type: 'object', properties: { a: { $dynamicRef: '#' } } }, { type: 'string' }] // prettier-ignore
  const form = (some: object[]) => ({
    kind: 'form' as const,
    tokens: [],
    calls: {
      style: 'tool_call' as const,
      functions: some.map((schema, i) => ({
        name: `f${i}`,
        parameters: JSON.stringify(schema),
        pointer: `/${i}/p`,
      })),
      required: true,
      single: false,
    },
  })
  expect(() => compileGrammar(form(functions))).toThrow(expect.objectContaining({ pointer: '/1/p/properties/a/$dynamicRef' })) // prettier-ignore
  expect(() => compileGrammar(form([{}, functions[2]]))).toThrow(expect.objectContaining({ pointer: '/1/p' }))
})

describe('functions of one request', () => {
  type Offered = { parameters: object; isStrict?: true }
  const compiled = (
    functions: readonly Offered[],
    style: CallStyle = 'tool_call',
    required = false,
    single = false,
  ) =>
    compileGrammar({
      kind: 'form',
      tokens: [],
      calls: {
        style,
        required,
        single,
        functions: functions.map(({ parameters, ...more }, i) => ({
          name: `f${i}`,
          parameters: JSON.stringify(parameters),
          pointer: `/${i}`,
          ...more,
        })),
      },
    })
  const good = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] }
  const bad = { type: 'object', properties: { a: { $dynamicRef: '#' } } }
  const call = (name: string, given: string) =>
    `<tool_call>\n{"name": "${name}", "arguments": ${given}}\n</tool_call>`

  test('that may be called: only what cannot be promised is any object', () => {
    const { start, ignored } = compiled([{ parameters: good }, { parameters: bad }, { parameters: good }])
    expect(ignored).toEqual(['/1'])
    expect(takes(start, call('f1', '{"b":[1]}'))).toBe(true)
    expect(takes(start, call('f1', '[1]'))).toBe(false)
    for (const name of ['f0', 'f2']) {
      expect(takes(start, call(name, '{"a":1}'))).toBe(true)
      expect(takes(start, call(name, '{"a":"1"}'))).toBe(false)
    }
  })

  test('that are promised, or must be called, are refused by their place', () => {
    const pointerOf = (act: () => unknown): unknown => {
      try {
        act()
      } catch (error) {
        if (error instanceof GrammarError) return error.pointer
      }
      return 'none'
    }
    const place = '/1/properties/a/$dynamicRef'
    expect(pointerOf(() => compiled([{ parameters: good }, { parameters: bad }], 'tool_call', true))).toBe(place) // prettier-ignore
    expect(pointerOf(() => compiled([{ parameters: bad }, { parameters: bad, isStrict: true }]))).toBe(place)
  })

  test('are called once where one call is the most', () => {
    const two = `${call('f0', '{"a":1}')}\n${call('f0', '{"a":2}')}`
    for (const required of [true, false])
      for (const single of [true, false]) {
        const { start } = compiled([{ parameters: good }], 'tool_call', required, single)
        expect(takes(start, call('f0', '{"a":1}'))).toBe(true)
        expect(takes(start, two), `required ${required}, single ${single}`).toBe(!single)
      }
  })

  test('that Python cannot call by name take any object', () => {
    const { start, ignored } = compiled([{ parameters: { required: ['a-b'] } }], 'python')
    expect(ignored).toEqual(['/0'])
    expect(takes(start, 'f0\n ```python\ntool_call(a=1)\n```')).toBe(true)
  })

  const properties = (of: (key: number) => object): object => ({
    type: 'object',
    properties: Object.fromEntries(Array.from({ length: 100 }, (_, key) => [`p${key}`, of(key)])),
  })

  test.each(['tool_call', 'react', 'python', 'json'] as const)(
    '128 of 100 properties each, in %s',
    (style) => {
      const parameters = properties((key) => ({
        type: 'string',
        maxLength: 50 + key,
        description: 'schön 🦆',
      }))
      const many = Array.from({ length: 128 }, (_, i) => ({ parameters: { ...parameters, title: `${i}` } }))
      for (const required of [false, true]) expect(compiled(many, style, required).ignored).toEqual([])
    },
  )

  test('that are too large together give way one by one, in bounded time', () => {
    const heavy = (i: number): object => ({
      type: 'object',
      properties: { a: { type: 'string', pattern: `^(a|b)*a(a|b){8}x${i}$` } },
    })
    const many = Array.from({ length: 128 }, (_, i) => ({ parameters: heavy(i) }))
    const from = process.cpuUsage()
    const { start, ignored } = compiled(many)
    const { user, system } = process.cpuUsage(from)
    expect((user + system) / 1000).toBeLessThan(1000)
    expect(ignored.length).toBeGreaterThan(0)
    expect(ignored.length).toBeLessThan(128)
    expect(takes(start, call('f0', '{"a":"b"}'))).toBe(false)
    expect(takes(start, call('f127', '{"a":"b"}'))).toBe(true)
    expect(() => compiled(many, 'tool_call', true)).toThrow('too large')
  })

  test('are refused or not whatever was compiled before', () => {
    const pattern = (i: number): string => `^(a|b)*a(a|b){8}y${i}$`
    const spec = (from: number, to: number): GrammarSpec => ({
      kind: 'json_schema',
      schema: JSON.stringify({
        properties: Object.fromEntries(
          Array.from({ length: to - from }, (_, i) => [`k${i}`, { pattern: pattern(from + i) }]),
        ),
      }),
    })
    expect(() => compileGrammar(spec(0, 24))).toThrow('too large')
    for (let at = 0; at < 24; at += 2) compileGrammar(spec(at, at + 2))
    expect(() => compileGrammar(spec(0, 24))).toThrow('too large')
  })

  test('may have names of what every object has', () => {
    const named = ['__proto__', 'constructor', 'toString']
    const { start, ignored } = compileSchema(
      `{"properties":{${named.map((name) => `"${name}":{"type":"string","format":"${name}"}`).join()}},"required":["__proto__"]}`,
    )
    expect(ignored).toEqual(named.map((name) => `/properties/${name}/format: ${name}`))
    expect(takes(start, '{"__proto__":"a","constructor":"b"}')).toBe(true)
    expect(takes(start, '{"constructor":"b"}')).toBe(false)
    for (const type of named) expect(() => compileSchema(JSON.stringify({ type }))).toThrow(GrammarError)
  })
})
