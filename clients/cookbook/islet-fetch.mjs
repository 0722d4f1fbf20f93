// The AI SDK with islet/fetch: a stream that breaks off is read on where it stopped.

import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { Output, streamText } from 'ai'
import { fetch } from 'islet/fetch'
import { z } from 'zod'

const islet = createOpenAICompatible({
  name: 'islet',
  baseURL: 'http://127.0.0.1:8787/v1',
  supportsStructuredOutputs: true,
  fetch,
})

const Ticket = z.object({
  team: z.enum(['billing', 'technical', 'sales']),
  urgent: z.boolean(),
  summary: z.string().max(60),
})
const { output } = streamText({
  model: islet('smollm2-135m-instruct'),
  prompt: 'I was charged twice this month!',
  output: Output.object({ schema: Ticket }),
})
console.log(JSON.stringify(await output))
