// LangChain for Node, unmodified, over chat and responses.

import assert from 'node:assert/strict'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI, OpenAI } from '@langchain/openai'
import { z } from 'zod'
import {
  BASE_URL,
  checkAlarm,
  checkTicket,
  MODEL,
  QUESTION,
  scenario,
  TICKET_SCHEMA,
  WAKE,
} from './scenarios.mjs'

const DROPPED = 'the client sends no tool_choice over responses, unless it names a tool'
const PROMPTED = 'the client sends no schema: its mode jsonMode leaves it to the prompt'

const Ticket = z.object({
  team: z.enum(['billing', 'technical', 'sales']),
  urgent: z.boolean(),
  summary: z.string().max(60),
})
const Alarm = z.object({ hour: z.int().min(0).max(23), minute: z.int().min(0).max(59) })
const setAlarm = tool(() => 'It is set.', { name: 'set_alarm', description: 'Sets an alarm.', schema: Alarm })

for (const useResponsesApi of [false, true]) {
  const over = useResponsesApi ? 'responses' : 'chat'
  const model = new ChatOpenAI({
    model: MODEL,
    apiKey: 'none',
    maxTokens: 100,
    maxRetries: 0,
    useResponsesApi,
    configuration: { baseURL: BASE_URL },
  })
  for (const [method, kind, miss] of [
    ['jsonSchema', 'object'],
    ['functionCalling', 'forced'],
    ['jsonMode', 'object', PROMPTED],
  ])
    await scenario(kind, `${over}: withStructuredOutput, ${method}`, async () => {
      const structured = model.withStructuredOutput(Ticket, { name: 'ticket', method })
      checkTicket(await structured.invoke(QUESTION))
    }, miss) // prettier-ignore
  await scenario('object', `${over}: withStructuredOutput, a JSON schema`, async () => {
    const schema = { title: 'ticket', ...TICKET_SCHEMA }
    checkTicket(await model.withStructuredOutput(schema, { method: 'jsonSchema' }).invoke(QUESTION))
  })
  await scenario('object', `${over}: withStructuredOutput, streamed`, async () => {
    const structured = model.withStructuredOutput(Ticket, { name: 'ticket', method: 'jsonSchema' })
    let last
    for await (const part of await structured.stream(QUESTION)) last = part
    checkTicket(last)
  })
  for (const tool_choice of ['set_alarm', 'any', 'required']) {
    const name = tool_choice === 'set_alarm' ? 'named' : tool_choice
    await scenario('forced', `${over}: bindTools, ${name}`, async () => {
      const { tool_calls } = await model.bindTools([setAlarm], { tool_choice }).invoke(WAKE)
      assert.ok(tool_calls.length > 0, 'no call came')
      checkAlarm(tool_calls[0].args)
    }, useResponsesApi && name !== 'named' ? DROPPED : undefined) // prettier-ignore
  }
  await scenario('auto', `${over}: bindTools`, async () => {
    const { content, tool_calls } = await model.bindTools([setAlarm]).invoke(WAKE)
    for (const { args } of tool_calls) checkAlarm(args)
    assert.ok(content.length > 0 || tool_calls.length > 0)
  })
  await scenario('talk', `${over}: invoke`, async () => {
    const { content, text, usage_metadata: usage } = await model.invoke([['system', 'Be brief.'], ['user', 'Say hello.']]) // prettier-ignore
    assert.ok((text ?? content).length > 0 && usage.output_tokens > 0)
  })
  await scenario('talk', `${over}: stream, usage`, async () => {
    let all
    for await (const part of await model.stream('Say hello.'))
      all = all === undefined ? part : all.concat(part)
    assert.ok(all.text.length > 0 && all.usage_metadata.output_tokens > 0)
  })
  await scenario('errors', `${over}: a parameter out of range`, async () => {
    const wrong = new ChatOpenAI({ model: MODEL, apiKey: 'none', temperature: 9, maxRetries: 0, useResponsesApi, configuration: { baseURL: BASE_URL } }) // prettier-ignore
    await assert.rejects(wrong.invoke('Say hello.'), (error) => error.status === 400)
  })
}
await scenario('talk', 'chat: sampling, stop and logprobs', async () => {
  const model = new ChatOpenAI({ model: MODEL, apiKey: 'none', maxTokens: 20, maxRetries: 0, temperature: 0.7, topP: 0.9, stop: ['.', '\n'], logprobs: true, topLogprobs: 2, configuration: { baseURL: BASE_URL } }) // prettier-ignore
  const { content, response_metadata: told } = await model.invoke('Say hello.')
  assert.doesNotMatch(content, /[.\n]/)
  assert.ok(told.logprobs.content.length > 0)
})
await scenario('talk', 'chat: several answers', async () => {
  const model = new ChatOpenAI({ model: MODEL, apiKey: 'none', maxTokens: 12, n: 2, maxRetries: 0, configuration: { baseURL: BASE_URL } }) // prettier-ignore
  const { generations } = await model.generate([[['user', 'Say hello.']]])
  assert.equal(generations[0].length, 2)
})
await scenario('talk', 'completions', async () => {
  const model = new OpenAI({ model: MODEL, apiKey: 'none', maxTokens: 12, maxRetries: 0, configuration: { baseURL: BASE_URL } }) // prettier-ignore
  assert.equal(typeof (await model.invoke('Once upon a time')), 'string')
})
