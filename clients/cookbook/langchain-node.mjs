// LangChain for Node: an answer by a schema, and a call that must come.

import { tool } from '@langchain/core/tools'
import { ChatOpenAI } from '@langchain/openai'
import { z } from 'zod'

const model = new ChatOpenAI({
  model: 'smollm2-135m-instruct',
  apiKey: 'none',
  configuration: { baseURL: 'http://127.0.0.1:8787/v1' },
})

const Ticket = z.object({
  team: z.enum(['billing', 'technical', 'sales']),
  urgent: z.boolean(),
  summary: z.string().max(60),
})
const structured = model.withStructuredOutput(Ticket, { name: 'ticket', method: 'jsonSchema' })
console.log(JSON.stringify(await structured.invoke('I was charged twice this month!')))

const Alarm = z.object({ hour: z.int().min(0).max(23), minute: z.int().min(0).max(59) })
const setAlarm = tool(() => 'It is set.', { name: 'set_alarm', schema: Alarm })
const caller = model.bindTools([setAlarm], { tool_choice: 'set_alarm' })
console.log(JSON.stringify((await caller.invoke('Wake me at half past seven.')).tool_calls[0].args))
