// The AI SDK: an answer by a schema, a call that must come, and a decision.

import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { experimental_decide as decide, generateText, Output, tool } from 'ai'
import { z } from 'zod'

const baseURL = 'http://127.0.0.1:8787/v1'
const islet = createOpenAICompatible({ name: 'islet', baseURL, supportsStructuredOutputs: true })
const model = islet('smollm2-135m-instruct')

const Ticket = z.object({
  team: z.enum(['billing', 'technical', 'sales']),
  urgent: z.boolean(),
  summary: z.string().max(60),
})
const { output } = await generateText({
  model,
  prompt: 'I was charged twice this month!',
  output: Output.object({ schema: Ticket }),
})
console.log(JSON.stringify(output))

const Alarm = z.object({ hour: z.int().min(0).max(23), minute: z.int().min(0).max(59) })
const { toolCalls } = await generateText({
  model,
  prompt: 'Wake me at half past seven.',
  tools: { set_alarm: tool({ inputSchema: Alarm }) },
  toolChoice: { type: 'tool', toolName: 'set_alarm' },
})
console.log(JSON.stringify(toolCalls[0].input))

const { answers } = await decide({
  model: createOpenAI({ baseURL, apiKey: 'none' }).decisionModel('smollm2-135m-instruct'),
  state: 'I was charged twice this month!',
  questions: { team: { type: 'choice', criteria: { billing: 'invoices, payments', technical: 'errors' } } },
})
console.log(JSON.stringify(answers.team))
