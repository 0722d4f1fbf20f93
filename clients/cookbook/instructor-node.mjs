// instructor for Node: an answer by a call that must come.

import Instructor from '@instructor-ai/instructor'
import OpenAI from 'openai'
import { z } from 'zod/v3'

const client = Instructor({
  client: new OpenAI({ baseURL: 'http://127.0.0.1:8787/v1', apiKey: 'none' }),
  mode: 'TOOLS',
})

const Ticket = z.object({
  team: z.enum(['billing', 'technical', 'sales']),
  urgent: z.boolean(),
  summary: z.string().max(60),
})
const { _meta, ...ticket } = await client.chat.completions.create({
  model: 'smollm2-135m-instruct',
  messages: [{ role: 'user', content: 'I was charged twice this month!' }],
  response_model: { schema: Ticket, name: 'ticket' },
})
console.log(JSON.stringify(ticket))
