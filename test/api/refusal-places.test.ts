// These tests hold that what a refusal or `islet.ignored` names is there in the body, as its client wrote it.

import { describe, expect, test } from 'vitest'
import { ignoredOf } from '../../src/answer/constraint.ts'
import { preparePrompt } from '../../src/answer/prepare-prompt.ts'
import { chatDialect } from '../../src/api/dialects/chat/dialect.ts'
import { responsesDialect } from '../../src/api/dialects/responses/dialect.ts'
import { IsletError } from '../../src/lib/errors.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { mockManifest } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

type Body = Record<string, unknown>

const LIMITS = { maxPrompt: 3000, maxPositions: 4000 }
const TEXT = { manifest: mockManifest(), tokenizer: byteTokenizer() }

/** Schemas that cannot be promised, each by a part that is not at the root. */
const REFUSED: readonly object[] = [
  { type: 'object', properties: { a: { $dynamicRef: '#' } } },
  { type: 'object', properties: { 'a/b~c d': { type: 'string', pattern: '(?<=a)b' } } },
  { type: 'object', properties: { '0': { items: [{}, { $ref: '#/nowhere' }] } } },
  { type: 'object', properties: { a: { anyOf: [{ extends: {} }, { disallow: 'string' }] } } },
  { $defs: { x: { type: 'string', format: 'regex' } }, properties: { a: { $ref: '#/$defs/x' } } },
  { type: 'object', required: ['a'], properties: { a: false } },
  { type: 'object', properties: { __proto__: null, constructor: { divisibleBy: 2 } } },
]

const tool = (parameters: object, more: object = {}) => ({ name: 'f', parameters, ...more })
const wrapped = (each: object) => ({ type: 'function', function: each })
const flat = (each: object) => ({ type: 'function', ...each })
const OTHER = { name: 'other' }

/** How a body asks that functions are called: each client's way to write the list, and to force a call. */
const SPELLINGS: [spelling: string, (functions: object[], force: boolean) => Body][] = [
  ['tools', (fs, force) => ({ messages: [{ role: 'user', content: 'q' }], tools: fs.map(wrapped), ...(force && { tool_choice: 'required' }) })], // prettier-ignore
  ['functions', (fs, force) => ({ messages: [{ role: 'user', content: 'q' }], functions: fs, ...(force && { function_call: { name: 'f' } }) })], // prettier-ignore
  ['flat tools', (fs, force) => ({ input: 'q', tools: fs.map(flat), ...(force && { tool_choice: 'required' }) })], // prettier-ignore
]

/** What the lane prepares of a body, its prompt and the places that it says it ignores. */
async function prepared(fields: Body) {
  const body = { model: 'mock', ...fields }
  const dialect = 'input' in body ? responsesDialect : chatDialect
  const { order, prompt } = dialect.parse(body, () => 1)
  const asked = request({ ...order, ...(await prompt(() => Promise.reject(new Error('none')))) })
  const { form } = preparePrompt(asked, TEXT, LIMITS)
  return form === undefined ? [] : ignoredOf(form, asked.grammarParam)
}

async function refusalOf(body: Body): Promise<string> {
  const error: unknown = await prepared(body).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof IsletError)) throw new Error(`not refused: ${String(error)}`)
  expect(error.code).toMatch(/^(invalid_request|context_length_exceeded)$/)
  return error.param ?? ''
}

/** What stands at a place such as `tools#/0/function` or `tool_choice.function.name`; undefined where nothing does. */
function at(body: Body, place: string): unknown {
  const [path, pointer = ''] = place.split('#')
  const steps = [
    ...(path.match(/[^.[\]]+/g) ?? []),
    ...pointer.split('/').slice(1).map((step) => step.replace(/~1/g, '/').replace(/~0/g, '~')), // prettier-ignore
  ]
  return steps.reduce<unknown>((value, step) => {
    const inner: unknown = typeof value === 'string' ? JSON.parse(value) : value
    return typeof inner === 'object' && inner !== null && Object.hasOwn(inner, step)
      ? (inner as Body)[step]
      : undefined
  }, body)
}

describe.each(SPELLINGS)('with %s', (_, bodyOf) => {
  test.each(REFUSED.map((schema) => [JSON.stringify(schema), schema]))(
    'a forced call of %s',
    async (_, schema) => {
      const body = bodyOf([OTHER, tool(schema)], true)
      const param = await refusalOf(body)
      expect(param).toMatch(/^(tools|functions)#\/1\//)
      expect(at(body, param), param).toBeDefined()
      // With `strict` it is a promise also where the model may call or not.
      expect(await refusalOf(bodyOf([OTHER, tool(schema, { strict: true })], false))).toBe(param)
    },
  )

  test('a schema that nobody asked to be held gives way to any object, and is named', async () => {
    for (const schema of REFUSED) {
      const body = bodyOf([OTHER, tool(schema), { ...OTHER, name: 'third' }], false)
      const ignored = await prepared(body)
      expect(ignored).toHaveLength(1)
      expect(at(body, ignored[0])).toEqual(schema)
    }
  })

  test('an annotation is named where it stands', async () => {
    const schema = { type: 'object', properties: { id: { type: 'string', format: 'nanoid' } } }
    const body = bodyOf([tool(schema)], true)
    const [place, ...others] = await prepared(body)
    expect(others).toEqual([])
    const [pointer, says] = place.split(': ')
    expect([at(body, pointer), says]).toEqual(['nanoid', 'nanoid'])
  })

  test('a limit that is too small is named by its own field, another field where none was sent', async () => {
    const names =
      'input' in bodyOf([], false) ? ['max_output_tokens'] : ['max_tokens', 'max_completion_tokens']
    for (const name of names) expect(await refusalOf({ ...bodyOf([tool({})], true), [name]: 3 })).toBe(name)
    const long = { type: 'object', required: ['a'], properties: { a: { type: 'string', minLength: 5000 } } }
    const body = bodyOf([tool(long)], true)
    expect(at(body, await refusalOf(body))).toBeDefined()
  })

  test('the shortest call fits into as many tokens as are said, and no fewer', async () => {
    const field = 'input' in bodyOf([], false) ? 'max_output_tokens' : 'max_tokens'
    const bodyWith = (limit: number): Body => ({ ...bodyOf([tool({})], true), [field]: limit })
    const message = await prepared(bodyWith(1)).catch((error: unknown) => (error as Error).message)
    const least = Number(/takes (\d+)/.exec(String(message))?.[1])
    expect(await prepared(bodyWith(least))).toEqual([])
    expect(await refusalOf(bodyWith(least - 1))).toBe(field)
  })

  test('a prompt that is too long', async () => {
    const body = bodyOf([tool({}, { description: 'x'.repeat(4000) })], false)
    expect(at(body, await refusalOf(body))).toBeDefined()
  })
})

test.each([
  ['response_format', (schema: object) => ({ messages: [{ role: 'user', content: 'q' }], response_format: { type: 'json_schema', json_schema: { name: 'a', schema } } })], // prettier-ignore
  ['json_object with a schema', (schema: object) => ({ messages: [{ role: 'user', content: 'q' }], response_format: { type: 'json_object', schema } })], // prettier-ignore
  ['text.format', (schema: object) => ({ input: 'q', text: { format: { type: 'json_schema', name: 'a', schema } } })], // prettier-ignore
  ['structured_outputs', (schema: object) => ({ input: 'q', structured_outputs: { json: schema } })], // prettier-ignore
  ['structured_outputs as a text', (schema: object) => ({ input: 'q', structured_outputs: { json: JSON.stringify(schema) } })], // prettier-ignore
])('a refused schema in %s', async (_, bodyOf: (schema: object) => Body) => {
  for (const schema of REFUSED) {
    const body = bodyOf(schema)
    const param = await refusalOf(body)
    expect(at(body, param), param).toBeDefined()
  }
})
