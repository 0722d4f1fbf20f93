// openai for Node: an answer by a schema, and a call that must come.

import OpenAI from 'openai'
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod'
import { z } from 'zod'

const client = new OpenAI({ baseURL: 'http://127.0.0.1:8787/v1', apiKey: 'none' })
const model = 'smollm2-135m-instruct'

const Ticket = z.object({
  team: z.enum(['billing', 'technical', 'sales']),
  urgent: z.boolean(),
  summary: z.string().max(60),
})
const answer = await client.chat.completions.parse({
  model,
  messages: [{ role: 'user', content: 'I was charged twice this month!' }],
  response_format: zodResponseFormat(Ticket, 'ticket'),
})
console.log(JSON.stringify(answer.choices[0].message.parsed))

const Alarm = z.object({ hour: z.int().min(0).max(23), minute: z.int().min(0).max(59) })
const called = await client.chat.completions.parse({
  model,
  messages: [{ role: 'user', content: 'Wake me at half past seven.' }],
  tools: [zodFunction({ name: 'set_alarm', parameters: Alarm })],
  tool_choice: { type: 'function', function: { name: 'set_alarm' } },
})
console.log(JSON.stringify(called.choices[0].message.tool_calls[0].function.parsed_arguments))
