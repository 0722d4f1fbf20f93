// Anthropic's client for Node: an answer by a schema, and a call that must come.

import Anthropic from '@anthropic-ai/sdk'
import { z } from 'zod'

const client = new Anthropic({ baseURL: 'http://127.0.0.1:8787', apiKey: 'none' })
const common = { model: 'smollm2-135m-instruct', max_tokens: 200 }

const Ticket = z.object({
  team: z.enum(['billing', 'technical', 'sales']),
  urgent: z.boolean(),
  summary: z.string().max(60),
})
const answer = await client.messages.create({
  ...common,
  messages: [{ role: 'user', content: 'I was charged twice this month!' }],
  output_config: { format: { type: 'json_schema', schema: z.toJSONSchema(Ticket) } },
})
console.log(JSON.stringify(Ticket.parse(JSON.parse(answer.content[0].text))))

const Alarm = z.object({ hour: z.int().min(0).max(23), minute: z.int().min(0).max(59) })
const called = await client.messages.create({
  ...common,
  messages: [{ role: 'user', content: 'Wake me at half past seven.' }],
  tools: [{ name: 'set_alarm', input_schema: z.toJSONSchema(Alarm) }],
  tool_choice: { type: 'tool', name: 'set_alarm' },
})
console.log(JSON.stringify(called.content.find(({ type }) => type === 'tool_use').input))
