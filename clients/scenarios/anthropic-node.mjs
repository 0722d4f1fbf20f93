// Clients of Anthropic's API, unmodified: its own for Node, and the AI SDK's provider.

import assert from 'node:assert/strict'
import { createAnthropic } from '@ai-sdk/anthropic'
import Anthropic, { BadRequestError, NotFoundError } from '@anthropic-ai/sdk'
import { jsonSchemaOutputFormat } from '@anthropic-ai/sdk/helpers/json-schema'
import { generateObject, generateText, isStepCount, Output, streamObject, streamText, tool } from 'ai'
import { z } from 'zod'
import { ALARM_SCHEMA, BASE_URL, checkAlarm, checkTicket, MODEL, QUESTION, scenario, TICKET_SCHEMA, WAKE } from './scenarios.mjs' // prettier-ignore

globalThis.AI_SDK_LOG_WARNINGS = false

const client = new Anthropic({ baseURL: BASE_URL.replace('/v1', ''), apiKey: 'none', maxRetries: 0 })
const ask = (content, more = {}) => ({
  model: MODEL,
  max_tokens: 80,
  messages: [{ role: 'user', content }],
  ...more,
})
const format = { type: 'json_schema', schema: TICKET_SCHEMA }
const tools = [{ name: 'set_alarm', description: 'Sets an alarm.', input_schema: ALARM_SCHEMA }]
const named = { type: 'tool', name: 'set_alarm' }
const callIn = ({ content }) => content.find(({ type }) => type === 'tool_use')
const own = (kind, name, run, miss) => scenario(kind, `@anthropic-ai/sdk: ${name}`, run, miss)

await own('other', 'messages.create', async () => {
  const { content, stop_reason: reason, usage, role } = await client.messages.create(ask('Hello'))
  assert.equal(role, 'assistant')
  assert.equal(content[0].type, 'text')
  assert.ok(['end_turn', 'max_tokens'].includes(reason))
  assert.ok(usage.input_tokens + usage.cache_read_input_tokens > 0 && usage.output_tokens > 0)
})
await own('other', 'messages.create, streamed', async () => {
  const types = []
  for await (const { type } of await client.messages.create(ask('Hello', { stream: true }))) types.push(type)
  assert.equal(types[0], 'message_start')
  assert.equal(types.at(-1), 'message_stop')
})
await own('other', 'messages.stream, finalMessage', async () => {
  const stream = client.messages.stream(ask('Hello', { system: 'Be brief.' }))
  let text = ''
  stream.on('text', (delta) => (text += delta))
  const message = await stream.finalMessage()
  assert.equal(message.content[0].text, text)
  assert.ok(message.usage.output_tokens > 0)
})
await own('other', 'abort', async () => {
  const stream = client.messages.stream(ask('Count to a thousand.', { max_tokens: 2000 }))
  stream.on('text', () => stream.abort())
  await assert.rejects(stream.finalMessage(), { name: 'APIUserAbortError' })
  const { content } = await client.messages.create(ask('Hello', { max_tokens: 5 }))
  assert.equal(content.length, 1)
})
await own('other', 'the same seed and temperature, sampled alike', async () => {
  const asked = ask('Hello', { temperature: 0.7, top_k: 20, top_p: 0.9, seed: 7, max_tokens: 20 })
  const texts = await Promise.all([1, 2].map(async () => (await client.messages.create(asked)).content[0].text)) // prettier-ignore
  assert.equal(texts[0], texts[1])
})
await own('other', 'stop_sequences', async () => {
  const asked = ask('Hello', { temperature: 0, stop_sequences: ['e', 'o', 'a', 'i'], max_tokens: 40 })
  const { stop_reason: reason, stop_sequence: found, content } = await client.messages.create(asked)
  assert.equal(reason, 'stop_sequence')
  assert.ok(['e', 'o', 'a', 'i'].includes(found))
  assert.ok(!content[0].text.includes(found))
})
await own('other', 'system blocks, cache_control, metadata, service_tier', async () => {
  const marked = { type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }
  const more = { system: [marked], metadata: { user_id: 'ann' }, service_tier: 'auto', max_tokens: 5 }
  assert.equal((await client.messages.create(ask('Hello', more))).role, 'assistant')
})
await own('other', 'thinking enabled', async () => {
  const thinking = { type: 'enabled', budget_tokens: 1024 }
  const message = await client.messages.create(ask('Hello', { thinking, max_tokens: 2000, temperature: 0 }))
  assert.deepEqual(message.islet.ignored, ['thinking'])
})
await own('object', 'output_config.format', async () => {
  const { content } = await client.messages.create(ask(QUESTION, { output_config: { format } }))
  checkTicket(JSON.parse(content[0].text))
})
await own('object', 'messages.parse', async () => {
  const output = jsonSchemaOutputFormat(TICKET_SCHEMA)
  const { parsed_output: parsed } = await client.messages.parse(ask(QUESTION, { output_config: { format: output } })) // prettier-ignore
  // Of the schema this client sends no maxLength: it writes that into the description.
  checkTicket({ ...parsed, summary: parsed.summary.slice(0, 60) })
})
await own('object', 'messages.stream, output_config.format', async () => {
  const message = await client.messages.stream(ask(QUESTION, { output_config: { format } })).finalMessage()
  checkTicket(JSON.parse(message.content[0].text))
})
await own('forced', 'tool_choice named', async () => {
  const message = await client.messages.create(ask(WAKE, { tools, tool_choice: named }))
  assert.equal(message.stop_reason, 'tool_use')
  checkAlarm(callIn(message).input)
})
await own('forced', 'tool_choice any, one call', async () => {
  const tool_choice = { type: 'any', disable_parallel_tool_use: true }
  const message = await client.messages.create(ask(WAKE, { tools, tool_choice }))
  assert.equal(message.content.length, 1)
  checkAlarm(callIn(message).input)
})
await own('forced', 'messages.stream, tool_choice any', async () => {
  let json = ''
  const stream = client.messages.stream(ask(WAKE, { tools, tool_choice: { type: 'any' } }))
  stream.on('inputJson', (delta) => (json += delta))
  checkAlarm(callIn(await stream.finalMessage()).input)
  assert.ok(json.startsWith('{'))
})
await own('auto', 'tools', async () => {
  const { content } = await client.messages.create(ask(WAKE, { tools }))
  for (const block of content) if (block.type === 'tool_use') checkAlarm(block.input)
  assert.ok(content.length > 0)
})
await own('auto', 'a call, its result, and the answer', async () => {
  const asked = ask(WAKE, { tools, tool_choice: named })
  const { content } = await client.messages.create(asked)
  const result = { type: 'tool_result', tool_use_id: content[0].id, content: 'It is set.' }
  const messages = [...asked.messages, { role: 'assistant', content }, { role: 'user', content: [result] }]
  const tool_choice = { type: 'none' }
  const last = await client.messages.create({ ...asked, messages, tool_choice })
  assert.equal(last.content[0].type, 'text')
})
await own('other', 'a refusal', async () => {
  const image = { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }
  await assert.rejects(client.messages.create(ask([image])), (error) => {
    assert.ok(error instanceof BadRequestError)
    assert.equal(error.type, 'invalid_request_error')
    assert.match(error.message, /messages\[0\]\.content\[0\]/)
    assert.equal(typeof error.requestID, 'string')
    return true
  })
})
await own('other', 'an unknown model, and no retry of it', async () => {
  const retrying = client.withOptions({ maxRetries: 2 })
  await assert.rejects(retrying.messages.create(ask('Hello', { model: 'other' })), (error) => {
    assert.ok(error instanceof NotFoundError)
    assert.equal(error.type, 'not_found_error')
    return true
  })
})
await own('other', 'messages.countTokens', async () => {
  const { model, messages } = ask('Hello')
  const { input_tokens: count } = await client.messages.countTokens({ model, messages, system: 'S', tools })
  assert.ok(count > 0)
}, 'POST /v1/messages/count_tokens is not served yet') // prettier-ignore
await own('other', 'models.list, models.retrieve', async () => {
  const ids = []
  for await (const { id, type, display_name: name } of client.models.list()) {
    assert.equal(type, 'model')
    assert.equal(typeof name, 'string')
    ids.push(id)
  }
  assert.deepEqual(ids, [MODEL])
  assert.equal((await client.models.retrieve(MODEL)).type, 'model')
})

const model = createAnthropic({ baseURL: BASE_URL, apiKey: 'none' })(MODEL)
const schema = z.object({
  team: z.enum(['billing', 'technical', 'sales']),
  urgent: z.boolean(),
  summary: z.string().max(60),
})
const inputSchema = z.object({ hour: z.int().min(0).max(23), minute: z.int().min(0).max(59) })
const set_alarm = tool({ description: 'Sets an alarm.', inputSchema })
const running = tool({ description: 'Sets an alarm.', inputSchema, execute: async () => 'It is set.' })
const limits = { maxOutputTokens: 80, maxRetries: 0 }
const question = { model, prompt: QUESTION, ...limits }
const wake = { model, prompt: WAKE, ...limits }
const sdk = (kind, name, run, miss) => scenario(kind, `@ai-sdk/anthropic: ${name}`, run, miss)

await sdk('other', 'generateText', async () => {
  const { usage, finishReason } = await generateText({ ...question, system: 'Be brief.', topK: 20, seed: 3 })
  assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0)
  assert.ok(['stop', 'length'].includes(finishReason))
})
await sdk('other', 'streamText', async () => {
  const stream = streamText({ ...question, stopSequences: ['STOP'], onError: () => undefined })
  let text = ''
  for await (const delta of stream.textStream) text += delta
  assert.equal(text, await stream.text)
  assert.ok((await stream.usage).outputTokens > 0)
})
await sdk('other', 'abort', async () => {
  const left = new AbortController()
  const aborted = streamText({ ...question, maxOutputTokens: 2000, abortSignal: left.signal, onError: () => undefined }) // prettier-ignore
  for await (const _ of aborted.textStream) left.abort()
  const { text } = await generateText({ ...question, maxOutputTokens: 5 })
  assert.equal(typeof text, 'string')
})
await sdk('object', 'generateObject', async () => checkTicket((await generateObject({ ...question, schema })).object)) // prettier-ignore
await sdk('object', 'streamObject', async () => {
  const { partialObjectStream, object } = streamObject({ ...question, schema, onError: () => undefined })
  object.catch(() => undefined)
  for await (const part of partialObjectStream) assert.equal(typeof part, 'object')
  checkTicket(await object)
})
await sdk('object', 'Output.object', async () => {
  checkTicket((await generateText({ ...question, output: Output.object({ schema }) })).output)
})
await sdk('forced', 'toolChoice required', async () => {
  const { toolCalls } = await generateText({ ...wake, tools: { set_alarm }, toolChoice: 'required' })
  checkAlarm(toolCalls[0].input)
})
await sdk('forced', 'toolChoice named', async () => {
  const toolChoice = { type: 'tool', toolName: 'set_alarm' }
  const { toolCalls } = await generateText({ ...wake, tools: { set_alarm }, toolChoice })
  checkAlarm(toolCalls[0].input)
})
await sdk('forced', 'streamText, toolChoice required', async () => {
  const stream = streamText({
    ...wake,
    tools: { set_alarm },
    toolChoice: 'required',
    onError: () => undefined,
  })
  checkAlarm((await stream.toolCalls)[0].input)
})
await sdk('auto', 'tools', async () => {
  const { text, toolCalls } = await generateText({ ...wake, tools: { set_alarm } })
  for (const { input } of toolCalls) checkAlarm(input)
  assert.ok(text.length > 0 || toolCalls.length > 0)
})
await sdk('auto', 'two steps, the first one forced', async () => {
  const { steps } = await generateText({
    ...wake,
    tools: { set_alarm: running },
    prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? 'required' : 'auto' }),
    stopWhen: isStepCount(2),
  })
  assert.equal(steps.length, 2)
  checkAlarm(steps[0].toolCalls[0].input)
})
await sdk('other', 'an error', async () => {
  const image = { type: 'image', image: new URL('https://example.com/a.png') }
  const messages = [{ role: 'user', content: [image] }]
  await assert.rejects(generateText({ model, messages, ...limits }), /messages\[0\]\.content\[0\]/)
})
