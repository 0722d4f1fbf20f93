// Clients of Anthropic's API, unmodified: its own for Node, and the AI SDK's provider.

import { createAnthropic } from '@ai-sdk/anthropic'
import Anthropic from '@anthropic-ai/sdk'
import { generateObject, generateText, tool } from 'ai'
import { z } from 'zod'
import { ALARM_SCHEMA, BASE_URL, checkAlarm, checkTicket, MODEL, QUESTION, scenario, TICKET_SCHEMA, WAKE } from './scenarios.mjs' // prettier-ignore

globalThis.AI_SDK_LOG_WARNINGS = false

const DIALECT = "the client speaks Anthropic's dialect, /v1/messages, which is not served yet"

const client = new Anthropic({ baseURL: BASE_URL.replace('/v1', ''), apiKey: 'none', maxRetries: 0 })
const model = createAnthropic({ baseURL: BASE_URL, apiKey: 'none' })(MODEL)
const ask = (content) => ({ model: MODEL, max_tokens: 80, messages: [{ role: 'user', content }] })

await scenario('object', '@anthropic-ai/sdk: output_config.format', async () => {
  const format = { type: 'json_schema', schema: TICKET_SCHEMA }
  const { content } = await client.messages.create({ ...ask(QUESTION), output_config: { format } })
  checkTicket(JSON.parse(content[0].text))
}, DIALECT) // prettier-ignore
await scenario('forced', '@anthropic-ai/sdk: tool_choice named', async () => {
  const tools = [{ name: 'set_alarm', input_schema: ALARM_SCHEMA }]
  const tool_choice = { type: 'tool', name: 'set_alarm' }
  const { content } = await client.messages.create({ ...ask(WAKE), tools, tool_choice })
  checkAlarm(content.find(({ type }) => type === 'tool_use').input)
}, DIALECT) // prettier-ignore
await scenario('object', '@ai-sdk/anthropic: generateObject', async () => {
  const schema = z.object({
    team: z.enum(['billing', 'technical', 'sales']),
    urgent: z.boolean(),
    summary: z.string().max(60),
  })
  checkTicket((await generateObject({ model, prompt: QUESTION, schema, maxOutputTokens: 80, maxRetries: 0 })).object)
}, DIALECT) // prettier-ignore
await scenario('forced', '@ai-sdk/anthropic: toolChoice required', async () => {
  const inputSchema = z.object({ hour: z.int().min(0).max(23), minute: z.int().min(0).max(59) })
  const tools = { set_alarm: tool({ inputSchema }) }
  const asked = { model, prompt: WAKE, tools, toolChoice: 'required', maxOutputTokens: 80, maxRetries: 0 }
  checkAlarm((await generateText(asked)).toolCalls[0].input)
}, DIALECT) // prettier-ignore
