// These tests hold what bodies say of calls, as the clients send them: the rule for the lane, or a 400 that names the field.

import { describe, expect, it } from 'vitest'
import type { CallRule } from '../../src/protocol/generation.ts'
import { fakeLanes, MODEL, post } from './helpers.ts'

const CHAT = '/v1/chat/completions'
const RESPONSES = '/v1/responses'
type Body = Record<string, unknown>

const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const tool = (name: string, more: object = {}) => ({
  type: 'function',
  function: { name, description: `Does ${name}`, parameters: schema, ...more },
})
const flat = (name: string, more: object = {}) => ({ type: 'function', name, parameters: schema, ...more })
const named = (name: string) => ({ type: 'function', function: { name } })
const [TWO, FLAT] = [['a', 'b'].map((name) => tool(name)), ['a', 'b'].map((name) => flat(name))]

const bodyOf = (path: string, fields: Body): Body =>
  path === CHAT
    ? { model: MODEL, messages: [{ role: 'user', content: 'q' }], ...fields }
    : { model: MODEL, input: 'q', ...fields }

/** What the lane is asked: the rule, the functions that the model is told of, the form of its text. */
async function asked(path: string, fields: Body) {
  const fake = fakeLanes()
  const response = await post(fake, path, bodyOf(path, fields))
  const reply = (await response.json()) as { islet: Record<string, unknown>; error?: object | null }
  expect(reply.error ?? undefined).toBeUndefined()
  const [{ prompt, callRule: rule, grammar }] = fake.requests
  const tools = prompt.kind === 'chat' ? (prompt.tools ?? []) : []
  const told = tools.map((each) => (each as { function: { name: string } }).function.name)
  return { rule, told, tools, grammar, ignored: reply.islet['ignored'] }
}

const rule = (fields: Partial<CallRule>): CallRule => ({ required: false, single: false, ...fields })

/** Bodies as recorded of the clients, or as their documents have them. */
const RULES: [who: string, path: string, body: Body, rule: CallRule | undefined][] = [
  ['tools alone: LangChain, agents', CHAT, { tools: TWO }, undefined],
  ['auto: AI SDK, runTools, pydantic-ai', CHAT, { tools: TWO, tool_choice: 'auto' }, undefined],
  ['null', CHAT, { tools: TWO, tool_choice: null, parallel_tool_calls: null }, undefined],
  ['parallel calls', CHAT, { tools: TWO, parallel_tool_calls: true }, undefined],
  ['one call', CHAT, { tools: TWO, parallel_tool_calls: false }, rule({ single: true })],
  ['AI SDK required', CHAT, { tools: TWO, tool_choice: 'required' }, rule({ required: true })],
  [
    'LangChain functionCalling',
    CHAT,
    {
      tools: [tool('extract', { strict: true })],
      tool_choice: named('extract'),
      parallel_tool_calls: false,
    },
    rule({ required: true, names: ['extract'], single: true }),
  ],
  [
    'instructor TOOLS, zod 4: nothing is said of the arguments',
    CHAT,
    { tools: [tool('User', { description: '', parameters: {} })], tool_choice: named('User') },
    rule({ required: true, names: ['User'], single: true }),
  ],
  [
    'pydantic-ai output',
    CHAT,
    {
      tools: [tool('final_result', { strict: true })],
      tool_choice: 'required',
      max_completion_tokens: 300,
      stream: false,
    },
    rule({ required: true }),
  ],
  [
    'llama-index',
    CHAT,
    { tools: TWO, tool_choice: 'required', parallel_tool_calls: false, temperature: 0.1 },
    rule({ required: true, single: true }),
  ],
  [
    'allowed tools, one named twice',
    CHAT,
    {
      tools: TWO,
      tool_choice: {
        type: 'allowed_tools',
        allowed_tools: { mode: 'auto', tools: [named('b'), named('b')] },
      },
    },
    rule({ names: ['b'] }),
  ],
  [
    'allowed tools, required',
    CHAT,
    {
      tools: TWO,
      tool_choice: {
        type: 'allowed_tools',
        allowed_tools: { mode: 'required', tools: [named('b'), named('a')] },
      },
    },
    rule({ required: true, names: ['b', 'a'] }),
  ],
  [
    'instructor FUNCTIONS',
    CHAT,
    { functions: [{ name: 'User', parameters: schema }], function_call: { name: 'User' } },
    rule({ required: true, names: ['User'], single: true }),
  ],
  ['functions alone', CHAT, { functions: [{ name: 'a' }] }, rule({ single: true })],
  [
    'functions, auto, beside empty tools',
    CHAT,
    { functions: [{ name: 'a' }], function_call: 'auto', tools: [] },
    rule({ single: true }),
  ],
  ['AI SDK, agents', RESPONSES, { tools: [flat('a', { strict: false })], tool_choice: 'auto' }, undefined],
  ['required', RESPONSES, { tools: FLAT, tool_choice: 'required' }, rule({ required: true })],
  [
    'named',
    RESPONSES,
    { tools: FLAT, tool_choice: { type: 'function', name: 'b' } },
    rule({ required: true, names: ['b'], single: true }),
  ],
  [
    'allowed tools',
    RESPONSES,
    {
      tools: FLAT,
      tool_choice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'a' }] },
    },
    rule({ required: true, names: ['a'] }),
  ],
  ['one call', RESPONSES, { tools: FLAT, parallel_tool_calls: false }, rule({ single: true })],
  // A stop string may end a text; of a call that is forced it would cut a part.
  ['stop beside auto', CHAT, { tools: TWO, stop: ['x'] }, undefined],
]

describe('the rule of calls', () => {
  it.each(RULES)('%s (%s)', async (_, path, body, wanted) => {
    const { rule: given, told } = await asked(path, body)
    expect(given).toEqual(wanted)
    expect(told.length).toBeGreaterThan(0)
  })

  it.each<[string, Body]>([
    [CHAT, { tools: TWO, tool_choice: 'none' }],
    [CHAT, { tools: TWO, tool_choice: 'none', parallel_tool_calls: false }],
    [CHAT, { tools: [], tool_choice: 'auto', parallel_tool_calls: false }],
    [CHAT, { functions: [{ name: 'a' }], function_call: 'none' }],
    [CHAT, { tool_choice: 'none', function_call: 'auto' }],
    [RESPONSES, { tools: FLAT, tool_choice: 'none' }],
    [RESPONSES, { tools: [], tool_choice: 'none' }],
  ])('without a function that the model is told of there is none: %s %j', async (path, body) => {
    expect(await asked(path, body)).toMatchObject({ rule: undefined, told: [] })
  })

  it('leaves a format of text without effect where the answer is calls, and says so', async () => {
    const format = { type: 'json_schema', json_schema: { name: 'a', schema } }
    const forced = { tools: TWO, tool_choice: 'required', response_format: format }
    expect(await asked(CHAT, forced)).toMatchObject({ grammar: undefined, ignored: ['response_format'] })
    expect(await asked(CHAT, { ...forced, tool_choice: 'auto' })).toMatchObject({
      grammar: { kind: 'json_schema' },
      ignored: undefined,
    })
    const text = { format: { type: 'json_object' } }
    expect(await asked(RESPONSES, { tools: FLAT, tool_choice: 'required', text })).toMatchObject({
      grammar: undefined,
      ignored: ['text.format'],
    })
  })

  it('functions in the old spelling reach the model in the wrapper, with digits and order', async () => {
    const fake = fakeLanes()
    const given = '{"parameters":{"b":1.0,"10":12345678901234567890},"name":"f"}'
    const body = JSON.stringify(bodyOf(CHAT, { functions: 0 })).replace(
      '"functions":0',
      `"functions":[${given}]`,
    )
    expect((await post(fake, CHAT, body)).status).toBe(200)
    expect(fake.requests[0].prompt).toMatchObject({ tools: [`{"type":"function","function":${given}}`] })
  })
})

describe('refused with the place of what is wrong', () => {
  it.each<[string, Body, string]>([
    // llama-index, of a model that it takes to have no calls.
    [CHAT, { tool_choice: 'required' }, 'tool_choice'],
    [CHAT, { tools: [], tool_choice: named('a') }, 'tool_choice'],
    [CHAT, { tools: TWO, tool_choice: named('c') }, 'tool_choice.function.name'],
    [
      CHAT,
      {
        tools: TWO,
        tool_choice: {
          type: 'allowed_tools',
          allowed_tools: { mode: 'auto', tools: [named('a'), named('c')] },
        },
      },
      'tool_choice.allowed_tools.tools[1].function.name',
    ],
    [CHAT, { tools: [...TWO, tool('a')] }, 'tools[2].function.name'],
    [CHAT, { tools: [...TWO, tool('a')], tool_choice: 'none' }, 'tools[2].function.name'],
    [CHAT, { tools: TWO, tool_choice: 'required', stop: ['x'] }, 'stop'],
    [CHAT, { tools: TWO, tool_choice: named('a'), stop: 'x' }, 'stop'],
    [CHAT, { tools: TWO, functions: [{ name: 'c' }] }, 'functions'],
    [CHAT, { functions: [{ name: 'a' }, { name: 'a' }] }, 'functions[1].name'],
    [CHAT, { functions: [{ name: 'a' }], function_call: { name: 'b' } }, 'function_call.name'],
    [CHAT, { functions: [{ name: 'a' }], function_call: { name: 'a' }, stop: 'x' }, 'stop'],
    [CHAT, { functions: [{ name: 'a' }], tool_choice: 'required' }, 'tool_choice'],
    [CHAT, { function_call: { name: 'a' } }, 'function_call'],
    [CHAT, { tools: TWO, function_call: { name: 'a' } }, 'function_call'],
    [RESPONSES, { tool_choice: 'required' }, 'tool_choice'],
    [RESPONSES, { tools: FLAT, tool_choice: { type: 'function', name: 'c' } }, 'tool_choice.name'],
    [
      RESPONSES,
      {
        tools: FLAT,
        tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'c' }] },
      },
      'tool_choice.tools[0].name',
    ],
    [RESPONSES, { tools: [...FLAT, flat('b')] }, 'tools[2].name'],
    [RESPONSES, { tools: FLAT, tool_choice: 'required', stop: 'x' }, 'stop'],
  ])('%s %j', async (path, body, param) => {
    const fake = fakeLanes()
    const response = await post(fake, path, bodyOf(path, body))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { param, code: 'invalid_request', message: expect.stringContaining(param) as string },
    })
    expect(fake.requests).toEqual([])
  })
})
