// The pages of dialects list every field of every route, and what they say holds without a field is what it means.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { askChat } from '../../src/api/dialects/chat/schema.ts'
import { askCompletion } from '../../src/api/dialects/completions/schema.ts'
import { parseMessages } from '../../src/api/dialects/anthropic/schema.ts'
import { askChat as askOllama, askGenerate } from '../../src/api/dialects/ollama/schema.ts'
import { parseResponse } from '../../src/api/dialects/responses/schema.ts'
import { plainPath, ROUTES } from '../../src/api/routes.ts'
import { DIALECT_PAGES, fieldsOf } from '../../report/lib/dialect-pages.ts'
import { noteOf, NOTES, ROUTE_NOTES } from '../../report/lib/field-notes.ts'
import { innerFields, valuesOf } from '../../report/lib/field-values.ts'
import { ROOT } from '../../tools/root.ts'

const names = ROUTES.map(({ method, path }) => `${method} ${plainPath(path)}`)
const withBody = ROUTES.filter(({ body }) => body !== undefined).map(
  ({ method, path }) => `${method} ${plainPath(path)}`,
)

test('every route with a body is on one page, with all of its fields', () => {
  const listed = Object.values(DIALECT_PAGES).flat()
  expect(new Set(listed).size).toBe(listed.length)
  expect(listed.filter((name) => !names.includes(name))).toEqual([])
  expect(withBody.filter((name) => !listed.includes(name))).toEqual([])
  for (const [page, routes] of Object.entries(DIALECT_PAGES)) {
    const text = readFileSync(`${ROOT}docs/dialects/${page}.md`, 'utf8')
    for (const route of routes) expect(text, route).toContain(`\`${route}\``)
    if (page === 'tokens') continue
    for (const { name } of routes.flatMap(fieldsOf)) expect(text, name).toContain(`\`${name}\``)
  }
})

test('no note is of a field that no route has', () => {
  const fields = withBody.flatMap((route) =>
    fieldsOf(route).map(({ name }) => ({ name, key: `${route} ${name}` })),
  )
  expect(Object.keys(NOTES).filter((name) => !fields.some((field) => field.name === name))).toEqual([])
  expect(Object.keys(ROUTE_NOTES).filter((key) => !fields.some((field) => field.key === key))).toEqual([])
  expect(() => noteOf('POST /v1/chat/completions', 'nothing')).toThrow('has no note of nothing')
})

const user = { role: 'user', content: 'Hello' }
const ASKED: Record<string, { least: object; ask: (body: Record<string, unknown>) => { order: object } }> = {
  'POST /v1/chat/completions': { least: { messages: [user] }, ask: (body) => askChat(body, () => 1) },
  'POST /v1/completions': { least: { prompt: 'Hello' }, ask: (body) => askCompletion(body, () => 1) },
  'POST /v1/responses': { least: { input: 'Hello' }, ask: (body) => parseResponse(body, () => 1) },
  'POST /v1/messages': {
    least: { messages: [user], max_tokens: 5 },
    ask: (body) => parseMessages(body, () => 1),
  },
  'POST /api/chat': { least: { messages: [user] }, ask: (body) => askOllama(body, () => 1) },
  'POST /api/generate': { least: { prompt: 'Hello' }, ask: (body) => askGenerate(body, () => 1) },
}
/** Fields that another one must come with. */
const BESIDE: Record<string, object> = { top_logprobs: { logprobs: true } }

/** An order without the fields that say what was sent. */
function meaning({ order }: { order: object }): object {
  const { said: _, ...rest } = order as { said?: unknown }
  return rest
}

test.each(Object.entries(ASKED))('%s: what is said to hold without a field does', (route, { least, ask }) => {
  const supported = fieldsOf(route).filter(({ schema }) => schema.description !== 'Not supported.')
  const usual = supported.flatMap(({ name }) => {
    // The page tells of shared fields once.
    const told = route === 'POST /api/generate' && name === 'stream' ? 'POST /api/chat' : route
    const note = ROUTE_NOTES[`${told} ${name}`] ?? NOTES[name]
    return note !== undefined && 'usual' in note ? [{ name, value: note.usual }] : []
  })
  expect(usual.length).toBeGreaterThan(3)
  for (const { name, value } of usual) {
    const body = { ...least, ...(route.includes('/v1/responses') ? {} : BESIDE[name]) }
    expect(meaning(ask({ ...body, [name]: value })), name).toEqual(meaning(ask(body)))
  }
})

test('values are worded by their bounds', () => {
  expect(valuesOf({ anyOf: [{ type: 'integer', minimum: 1, maximum: 2 ** 53 }, { type: 'null' }] })).toBe(
    'integer from 1',
  )
  expect(valuesOf({ type: ['boolean', 'null'] })).toBe('boolean')
  expect(valuesOf({ anyOf: [{ const: 'a' }, { type: 'string', maxLength: 5 }, { const: 'b' }] })).toBe(
    '`"a"`, `"b"` or string of at most 5 characters',
  )
  expect(valuesOf({ type: 'array', minItems: 1, maxItems: 4, items: { type: 'number', minimum: 0 } })).toBe(
    'array of 1 to 4 numbers from 0',
  )
  expect(valuesOf({})).toBe('anything')
  const variant = (type: string, name: string) => ({
    type: 'object',
    properties: { type: { const: type }, [name]: { type: 'string' } },
    required: ['type'],
  })
  expect(
    innerFields({ type: 'array', items: { oneOf: [variant('x', 'a'), variant('y', 'b')] } }, 'f'),
  ).toEqual([
    { path: 'f[].type', values: '`"x"`, `"y"`', required: true, of: [] },
    { path: 'f[].a', values: 'string', required: false, of: ['x'] },
    { path: 'f[].b', values: 'string', required: false, of: ['y'] },
  ])
})
