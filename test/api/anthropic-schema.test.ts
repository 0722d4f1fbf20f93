// The body of POST /v1/messages: what a lane is asked, and what is refused by its place.

import { describe, expect, it } from 'vitest'
import { preparePrompt } from '../../src/answer/prepare-prompt.ts'
import { anthropicDialect } from '../../src/api/dialects/anthropic/dialect.ts'
import { parseChat } from '../../src/api/dialects/chat/schema.ts'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { mockManifest } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'
import { chat, fakeLanes, HELLO, MODEL, post } from './helpers.ts'

const PATH = '/v1/messages'
const ask = (extra: object = {}) => ({
  model: MODEL,
  max_tokens: 50,
  messages: [{ role: 'user', content: 'Hi' }],
  ...extra,
})
const said = (...messages: object[]) => ask({ messages })
const user = (content: unknown) => ({ role: 'user', content })
const assistant = (content: unknown) => ({ role: 'assistant', content })
const block = (text: string, more: object = {}) => ({ type: 'text', text, ...more })
const SCHEMA = { type: 'object', properties: { hour: { type: 'integer' } } }
const ALARM = { name: 'set_alarm', description: 'Sets it.', input_schema: SCHEMA }
const CALL = { type: 'tool_use', id: 'toolu_1', name: 'set_alarm', input: { hour: 7 } }
const result = (more: object = {}) => ({ type: 'tool_result', tool_use_id: 'toolu_1', ...more })

/** What a lane is asked. */
async function asked(body: object | string): Promise<GenerateRequest> {
  const fake = fakeLanes(HELLO)
  const response = await post(fake, PATH, body)
  expect(response.status, await response.text()).toBe(200)
  return fake.requests[0]
}

async function promptOf(body: object | string) {
  const { prompt } = await asked(body)
  if (prompt.kind !== 'chat') throw new Error('no chat')
  return prompt
}

describe('an order', () => {
  it('is that of chat, where both can say it', async () => {
    const sampling = { temperature: 0.5, top_p: 0.9, top_k: 5, min_p: 0.1, seed: 7 }
    const messages = [{ role: 'system', content: 'S' }, user('Hi')]
    const wrapped = { type: 'function', function: { name: 'set_alarm', description: 'Sets it.', parameters: SCHEMA } } // prettier-ignore
    const { order } = parseChat(
      chat({
        ...sampling,
        messages,
        max_tokens: 50,
        tools: [wrapped],
        tool_choice: 'required',
        parallel_tool_calls: false,
        user: 'ann',
        store: false,
      }),
      () => 1,
    )
    const { includeUsage: _, stream: _s, cacheKey: _k, said: _o, endUser, ...wanted } = order
    expect(endUser).toBe('ann')
    const body = ask({
      ...sampling,
      system: 'S',
      tools: [ALARM],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      metadata: { user_id: 'ann' },
      store: false,
    })
    const same = { model: MODEL, places: { functions: 'tools', parameters: 'input_schema' } }
    expect(await asked(body)).toMatchObject({ ...wanted, ...same })
  })

  it('is routed by the end user that metadata names', async () => {
    const keys = await Promise.all(
      [{}, { metadata: { user_id: 'ann' } }, { metadata: { user_id: 'bob' } }, { metadata: {} }].map(
        async (extra) => (await asked(ask(extra))).sessionKey,
      ),
    )
    expect(new Set(keys).size).toBe(3)
    expect(keys[3]).toBe(keys[0])
  })

  it.each([
    [{ type: 'auto' }, undefined],
    [
      { type: 'auto', disable_parallel_tool_use: true },
      { required: false, single: true },
    ],
    [{ type: 'any' }, { required: true, single: false }],
    [
      { type: 'tool', name: 'set_alarm' },
      { required: true, names: ['set_alarm'], single: true },
    ],
    [undefined, undefined],
  ])('of tool_choice %j has the rule %j', async (tool_choice, rule) => {
    const order = await asked(ask({ tools: [ALARM], tool_choice }))
    expect(order.callRule).toEqual(rule)
    expect(order.prompt).toHaveProperty('tools')
  })

  it('of no choice tells of no tools', async () => {
    expect(await promptOf(ask({ tools: [ALARM], tool_choice: { type: 'none' } }))).not.toHaveProperty('tools')
    expect(await promptOf(ask({ tools: [] }))).not.toHaveProperty('tools')
  })

  it('holds the answer to a schema, key by key as it was written', async () => {
    const text = JSON.stringify(ask()).slice(0, -1)
    const schema = '{"type":"object","properties":{"b":{},"10":{"const":1.0},"2":{}}}'
    const order = await asked(`${text},"output_config":{"format":{"type":"json_schema","schema":${schema}}}}`)
    expect(order.grammar).toEqual({ kind: 'json_schema', schema })
    expect(order.grammarParam).toBe('output_config.format.schema')
  })

  it('has up to 16 stop sequences', async () => {
    const stops = Array.from({ length: 16 }, (_, n) => `stop ${n}`)
    expect((await asked(ask({ stop_sequences: stops }))).stop).toEqual(stops)
    expect((await asked(ask({ stop_sequences: [] }))).stop).toEqual([])
  })
})

describe('messages', () => {
  it('keep system texts in front, and drop what only marks them for a cache', async () => {
    const marked = { cache_control: { type: 'ephemeral' } }
    const { messages } = await promptOf(ask({ system: [block('A', marked), block('B')], ...marked }))
    expect(messages).toEqual([
      { role: 'system', content: [block('A'), block('B')] },
      { role: 'user', content: 'Hi' },
    ])
    expect((await promptOf(ask({ system: [block('A')] }))).messages[0]).toEqual({ role: 'system', content: 'A' }) // prettier-ignore
    for (const system of ['', [], [block('')], null])
      expect((await promptOf(ask({ system }))).messages).toEqual([user('Hi')])
  })

  it('of one role in a row are one', async () => {
    const { messages } = await promptOf(said(user('a'), user([block('b')]), assistant('c'), assistant('d'), user('e'))) // prettier-ignore
    expect(messages).toEqual([user([block('a'), block('b')]), assistant([block('c'), block('d')]), user('e')])
  })

  it('with calls and results are those of chat', async () => {
    const thinking = { type: 'thinking', thinking: 'Hm.', signature: '' }
    const redacted = { type: 'redacted_thinking', data: 'x' }
    const { messages, tools } = await promptOf(
      ask({
        tools: [
          { ...ALARM, cache_control: { type: 'ephemeral' }, type: 'custom', eager_input_streaming: true },
        ],
        messages: [
          user('Wake me.'),
          assistant([thinking, redacted, block('Now.'), { ...CALL, caller: { type: 'direct' } }]),
          user([result({ content: [block('It is '), block('set.')], is_error: false }), block('Good?')]),
        ],
      }),
    )
    const called = { name: 'set_alarm', arguments: { hour: 7 } }
    expect(messages).toEqual([
      user('Wake me.'),
      {
        role: 'assistant',
        content: 'Now.',
        reasoning_content: 'Hm.',
        tool_calls: [{ id: 'toolu_1', type: 'function', function: called }],
      },
      { role: 'tool', content: [block('It is '), block('set.')], tool_call_id: 'toolu_1' },
      user('Good?'),
    ])
    const { input_schema: parameters, ...about } = ALARM
    expect(tools).toEqual([{ type: 'function', function: { ...about, parameters } }])
  })

  it('keep the digits and the order of keys that a call has', async () => {
    const input = '{"b":1.0,"10":12345678901234567890,"2":{"x":1e2}}'
    const call = `{"type":"tool_use","id":"c","name":"f","input":${input}}`
    const body = `{"model":"${MODEL}","max_tokens":5,"messages":[{"role":"user","content":"q"},{"role":"assistant","content":[${call}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c"}]}]}`
    const { messages } = await promptOf(body)
    expect(messages[1]).toContain(`"arguments":${input.replace('1e2', '100.0')}`)
    expect(messages[2]).toEqual({ role: 'tool', content: '', tool_call_id: 'c' })
  })
})

describe('a refusal names what the client wrote', () => {
  const image = { type: 'image', source: { type: 'url', url: 'x' } }
  const cases: [body: object, param: string, code?: string][] = [
    [ask({ max_tokens: undefined }), 'max_tokens'],
    [ask({ max_tokens: 0 }), 'max_tokens'],
    [ask({ messages: undefined }), 'messages'],
    [ask({ messages: [] }), 'messages'],
    [ask({ model: '' }), 'model'],
    [ask({ max_output_tokens: 5 }), 'max_output_tokens', 'unknown_parameter'],
    [ask({ stop: ['x'] }), 'stop', 'unknown_parameter'],
    [ask({ n: 1 }), 'n', 'unknown_parameter'],
    [ask({ response_format: { type: 'text' } }), 'response_format', 'unknown_parameter'],
    [ask({ container: 'c' }), 'container', 'unsupported_parameter'],
    [ask({ mcp_servers: [] }), 'mcp_servers', 'unsupported_parameter'],
    [ask({ inference_geo: 'eu' }), 'inference_geo', 'unsupported_parameter'],
    [ask({ speed: 'fast' }), 'speed', 'unsupported_value'],
    [said({ role: 'tool', content: 'x' }), 'messages[0]', 'unsupported_value'],
    [said(user(5)), 'messages[0].content'],
    [said(user([image])), 'messages[0].content[0]', 'unsupported_value'],
    [said(user([block('a'), { type: 'document', source: {} }])), 'messages[0].content[1]', 'unsupported_value'],
    [said(user([CALL])), 'messages[0].content[0]', 'unsupported_value'],
    [said(user('a'), assistant([result()]), user('b')), 'messages[1].content[0]', 'unsupported_value'],
    [said(user([{ type: 'text' }])), 'messages[0].content[0].text'],
    [said(user([result()])), 'messages[0].content[0].tool_use_id'],
    [said(user('a'), assistant([CALL]), user([result({ content: [image] })])), 'messages[2].content[0].content[0]', 'unsupported_value'],
    [said(user('a'), assistant([{ ...CALL, input: 'x' }]), user('b')), 'messages[1].content[0].input'],
    [said(user('a'), assistant('The answer is')), 'messages[1]', 'unsupported_value'],
    [ask({ system: [image] }), 'system[0]', 'unsupported_value'],
    [ask({ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }), 'tools[0].type'],
    [ask({ tools: [{ input_schema: {} }] }), 'tools[0].name'],
    [ask({ tools: [ALARM, ALARM] }), 'tools[1].name'],
    [ask({ tool_choice: { type: 'any' } }), 'tool_choice'],
    [ask({ tool_choice: 'auto' }), 'tool_choice'],
    [ask({ tools: [ALARM], tool_choice: { type: 'tool', name: 'x' } }), 'tool_choice.name'],
    [ask({ tools: [ALARM], tool_choice: { type: 'any' }, stop_sequences: ['x'] }), 'stop_sequences'],
    [ask({ output_config: { format: { type: 'json_schema', schema: {} } }, stop_sequences: ['x'] }), 'stop_sequences'],
    [ask({ output_config: { format: { type: 'xml' } } }), 'output_config.format', 'unsupported_value'],
    [ask({ output_config: { effort: 'some' } }), 'output_config.effort'],
    [ask({ output_config: { task_budget: {} } }), 'output_config.task_budget', 'unknown_parameter'],
    [ask({ stop_sequences: Array.from({ length: 17 }, () => 'x') }), 'stop_sequences'],
    [ask({ stop_sequences: [''] }), 'stop_sequences[0]'],
    [ask({ stop_sequences: 'x' }), 'stop_sequences'],
    [ask({ thinking: { type: 'enabled' } }), 'thinking.budget_tokens'],
    [ask({ thinking: { type: 'deep' } }), 'thinking', 'unsupported_value'],
    [ask({ temperature: 3 }), 'temperature'],
  ] // prettier-ignore
  it.each(cases)('%j: %s', async (body, param, code = 'invalid_request') => {
    const response = await post(fakeLanes(), PATH, body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { type: 'invalid_request_error', details: { error_code: code, param } },
    })
  })

  it('in a schema that a lane cannot promise', () => {
    const parameters = { type: 'object', properties: { a: { $dynamicRef: '#' } } }
    const prepared = async (extra: object) => {
      const { order, prompt } = anthropicDialect.parse(ask({ ...extra }), () => 1)
      const text = { manifest: mockManifest(), tokenizer: byteTokenizer() }
      const whole = { ...order, ...(await prompt(() => Promise.reject(new Error()))), model: 'mock' }
      return preparePrompt(request(whole), text, { maxPrompt: 3000, maxPositions: 4000 })
    }
    const tools = [{ name: 'f', input_schema: parameters }]
    return Promise.all([
      expect(prepared({ tools, tool_choice: { type: 'any' } })).rejects.toMatchObject({
        param: expect.stringMatching(/^tools#\/0\/input_schema\//) as string,
      }),
      expect(
        prepared({ output_config: { format: { type: 'json_schema', schema: parameters } } }),
      ).rejects.toMatchObject({
        param: expect.stringMatching(/^output_config\.format\.schema#/) as string,
      }),
    ])
  })
})

describe('what is accepted without effect', () => {
  it.each([
    [{ thinking: { type: 'disabled' } }, undefined],
    [{ thinking: { type: 'adaptive' } }, ['thinking']],
    [{ thinking: { type: 'enabled', budget_tokens: 2000 } }, ['thinking']],
    [{ output_config: { effort: 'low' } }, ['output_config.effort']],
    [{ output_config: {}, service_tier: 'auto', cache_control: { type: 'ephemeral' }, speed: 'standard' }, undefined],
    [{ tools: [ALARM], tool_choice: { type: 'any' }, output_config: { format: { type: 'json_schema', schema: {} } } }, ['output_config.format']],
  ])('%j is told as %j', async (extra, ignored) => {
    const { islet } = (await (await post(fakeLanes(), PATH, ask(extra))).json()) as { islet: { ignored?: string[] } } // prettier-ignore
    expect(islet.ignored).toEqual(ignored)
  }) // prettier-ignore
})

it('every field at every wrong type is 400 or fine, never worse', async () => {
  const values = [0, -1, 1.5, 1e300, true, '', 'x', [], [[]], [null], {}, { a: 1 }, { type: 'x' }, [{}]]
  for (const field of Object.keys(anthropicDialect.schema._zod.def.shape))
    for (const value of values) {
      const response = await post(fakeLanes(), PATH, ask({ [field]: value }))
      const where = `${field} ${JSON.stringify(value)}`
      expect([200, 400, field === 'model' ? 404 : 400], where).toContain(response.status)
      if (response.status === 200) await response.body?.cancel()
      else {
        const { error } = (await response.json()) as { error: { details: { param: string } } }
        expect(error.details.param, where).toMatch(new RegExp(`^${field}`))
      }
    }
})
