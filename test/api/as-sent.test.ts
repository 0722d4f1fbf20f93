// What a client sent reaches the lane with its digits, its order of keys and all its fields.

import { describe, expect, it } from 'vitest'
import { responseWriter } from '../../src/api/dialects/responses/writer.ts'
import type { ResponseReply } from '../../src/api/dialects/responses/object.ts'
import { jsonText } from '../../src/lib/json-value.ts'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import { chat, fakeLanes, post, MODEL } from './helpers.ts'

type ChatPrompt = Extract<GenerateRequest['prompt'], { kind: 'chat' }>

async function sent(path: string, text: string): Promise<{ prompt: ChatPrompt; request: GenerateRequest }> {
  const fake = fakeLanes()
  const response = await post(fake, path, text)
  expect({
    status: response.status,
    ...(response.status === 200 ? {} : { body: await response.text() }),
  }).toEqual({
    status: 200,
  })
  const [request] = fake.requests
  return { prompt: request.prompt as ChatPrompt, request }
}

const CHAT = '/v1/chat/completions'
const MESSAGES = '"messages":[{"role":"user","content":"q"}]'
const TOOL =
  '{"type":"function","x":1.0,"function":{"parameters":{"b":1.0,"10":12345678901234567890,"2":1e16},"name":"f"}}'

describe('chat', () => {
  it('tools and variables are carried as their text where plain JSON loses some of it', async () => {
    const plain = '{"type":"function","function":{"parameters":{"x":0.5},"strict":true,"name":"g"}}'
    const { prompt, request } = await sent(
      CHAT,
      `{"model":"${MODEL}",${MESSAGES},"tools":[${TOOL},${plain}],"chat_template_kwargs":{"t":1.0,"5":[1E2]}}`,
    )
    expect(prompt.tools?.[0]).toBe(TOOL.replace('1e16', '10000000000000000.0'))
    expect(JSON.stringify(prompt.tools?.[1])).toBe(plain)
    expect(prompt.variables).toBe('{"t":1.0,"5":[100.0]}')
    expect(JSON.parse(JSON.stringify(request))).toEqual(request)
  })

  it('messages too, in the order of their fields', async () => {
    const odd = '{"content":"q","more":{"z":1.0,"10":1},"role":"user"}'
    const { prompt } = await sent(
      CHAT,
      `{"model":"${MODEL}","messages":[${odd},{"content":"r","role":"user"}]}`,
    )
    expect(prompt.messages[0]).toBe(odd)
    expect(JSON.stringify(prompt.messages[1])).toBe('{"content":"r","role":"user"}')
  })

  it('fractions that plain JSON keeps are plain', async () => {
    const text = `{"model":"${MODEL}",${MESSAGES},"temperature":0.7,"chat_template_kwargs":{"t":0.7}}`
    expect((await sent(CHAT, text)).prompt.variables).toEqual({ t: 0.7 })
  })

  it('arguments of calls may be an object', async () => {
    const call = { id: 'a', type: 'function', function: { name: 'f', arguments: { x: 1 } } }
    const messages = [{ role: 'assistant', content: null, tool_calls: [call] }]
    expect((await sent(CHAT, JSON.stringify(chat({ messages })))).prompt.messages).toEqual(messages)
  })

  const call = (id: string) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })
  const calling = { role: 'assistant', tool_calls: [call('a'), call('b')] }
  const user = { role: 'user', content: 'q' }
  it.each<[object[], string]>([
    [[user, { role: 'tool', content: 'r' }], 'messages[1]'],
    [[user, { role: 'tool', content: 'r', tool_call_id: 'a' }], 'messages[1].tool_call_id'],
    [[{ role: 'tool', content: 'r', tool_call_id: 'a' }, calling], 'messages[0].tool_call_id'],
    [[user, calling, { role: 'tool', content: 'r', tool_call_id: 'c' }], 'messages[2].tool_call_id'],
    [[calling, ...[1, 2, 3].map(() => ({ role: 'tool', content: 'r' }))], 'messages[3]'],
  ])('a tool message that answers no call is refused: %#', async (messages, param) => {
    const response = await post(fakeLanes(), CHAT, chat({ messages }))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { param, message: expect.stringContaining(param) as string },
    })
  })

  it('one that answers a call of any earlier message is not', async () => {
    const results = ['b', 'a'].map((id) => ({ role: 'tool', content: 'r', tool_call_id: id }))
    const messages = [user, calling, results[0], { role: 'assistant', content: 'x' }, results[1]]
    expect((await post(fakeLanes(), CHAT, chat({ messages }))).status).toBe(200)
  })

  it('a message nested deeper than 64 levels is refused', async () => {
    const messages = `[{"role":"user","content":"q","x":${'['.repeat(64)}${']'.repeat(64)}}]`
    const response = await post(fakeLanes(), CHAT, `{"model":"${MODEL}","messages":${messages}}`)
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('64 levels')])
  })
})

describe('responses', () => {
  const PATH = '/v1/responses'

  it('flat functions are wrapped with their fields in their places', async () => {
    const tool = '{"type":"function","parameters":{"b":1.0,"10":2},"strict":null,"name":"f"}'
    const { prompt } = await sent(PATH, `{"model":"${MODEL}","input":"q","tools":[${tool}]}`)
    expect(prompt.tools).toEqual([
      '{"type":"function","function":{"parameters":{"b":1.0,"10":2},"name":"f"}}',
    ])
  })

  it('thoughts go to the message or call behind them, and parts stay parts', async () => {
    const thought = (text: string) => ({
      type: 'reasoning',
      summary: [],
      content: [{ type: 'reasoning_text', text }],
    })
    const call = { type: 'function_call', call_id: 'a', name: 'f', arguments: '{"x":1.0}' }
    const input = [
      { role: 'user', content: [{ type: 'input_text', text: 'q' }, { type: 'input_text', text: 'r' }] },
      thought('T'),
      call,
      { type: 'function_call_output', call_id: 'a', output: 'o' },
      thought('U'),
      { role: 'assistant', content: 'x' },
    ] // prettier-ignore
    const { prompt, request } = await sent(PATH, JSON.stringify({ model: MODEL, input }))
    const messages = [
      { role: 'user', content: [{ type: 'text', text: 'q' }, { type: 'text', text: 'r' }] },
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1.0}' } }],
        reasoning_content: 'T',
      },
      { role: 'tool', content: 'o', tool_call_id: 'a' },
      { role: 'assistant', content: 'x', reasoning_content: 'U' },
    ] // prettier-ignore
    expect(prompt.messages).toEqual(messages)
    expect(request.conversation).toEqual(messages)
  })

  it('a result of no call before it is refused by its place', async () => {
    const result = { type: 'function_call_output', call_id: 'a', output: 'r' }
    const call = { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' }
    for (const input of [[result], [result, call]]) {
      const reply = await post(fakeLanes(), PATH, { model: MODEL, input })
      expect(reply.status).toBe(400)
      expect(await reply.json()).toMatchObject({ error: { param: 'input[0].call_id' } })
    }
    const answered = await post(fakeLanes(), PATH, { model: MODEL, input: [call, result, result] })
    expect(answered.status).toBe(200)
  })
})

describe('a response repeats', () => {
  const FIELDS =
    '"metadata":{"b":"x","10":"y","2":"1.0"},' +
    '"text":{"format":{"type":"json_schema","name":"a","schema":{"properties":{"b":{"const":1234567890123456789},"10":{"default":1.0},"2":{}}}}},' +
    '"tool_choice":"auto",' +
    '"tools":[{"description":null,"strict":null,"type":"function","name":"f","parameters":{"properties":{"z":{"maximum":1234567890123456789},"7":{"default":1.0},"__proto__":{"const":1e2}}}}]'
  const ANSWERED = FIELDS.replace('1e2', '100.0')
  const body = (more: string): string => `{"model":"${MODEL}","input":"q",${more}${FIELDS}}`

  it('fields as they were written: whole, in each event, and when it is read again', async () => {
    const fake = fakeLanes()
    const whole = await (await post(fake, '/v1/responses', body(''))).text()
    const streamed = await (await post(fake, '/v1/responses', body('"stream":true,'))).text()
    const states = streamed.split('\n').filter((line) => /"type":"response\.(created|in_progress|completed)"/.test(line)) // prettier-ignore
    expect(states).toHaveLength(3)
    for (const text of [whole, ...states])
      for (const field of ANSWERED.split(/,(?="(?:text|tools|tool_choice)":)/)) expect(text).toContain(field)
    // What is kept with the turn survives JSON.
    const [{ reply }] = fake.requests
    const read = JSON.parse(JSON.stringify(reply)) as ResponseReply
    const again = responseWriter(read).response('in_progress')
    for (const field of ANSWERED.split(/,(?="(?:text|tools|tool_choice)":)/))
      expect(jsonText(again)).toContain(field)
  })

  it('what plain JSON keeps, as plain JSON', async () => {
    const fake = fakeLanes()
    const tool = { type: 'function', name: 'f', parameters: { type: 'object' }, strict: false }
    const plain = { model: MODEL, input: 'q', metadata: { a: 'b' }, tools: [tool] }
    const response = (await (await post(fake, '/v1/responses', plain)).json()) as object
    expect(response).toMatchObject({
      metadata: { a: 'b' },
      tool_choice: 'auto',
      text: { format: { type: 'text' } },
    })
    expect(response).toHaveProperty('tools', [{ description: null, ...tool }])
    expect(fake.requests[0].reply).not.toHaveProperty('written')
  })
})
