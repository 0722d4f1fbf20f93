// The modes of instructor for Node, unmodified, with schemas of zod 3 and of zod 4.

import Instructor from '@instructor-ai/instructor'
import OpenAI from 'openai'
import { z as z4 } from 'zod'
import { z as z3 } from 'zod/v3'
import { BASE_URL, checkTicket, MODEL, QUESTION, scenario } from './scenarios.mjs'

const oai = new OpenAI({ baseURL: BASE_URL, apiKey: 'none', maxRetries: 0 })

const ZOD_4 = 'the client sends an empty schema: it reads schemas of zod 3 alone (import from zod/v3)'
const PROMPTED = 'the client sends the schema in the prompt alone'

for (const [version, z, why] of [
  ['zod 3', z3],
  ['zod 4', z4, ZOD_4],
]) {
  // prettier-ignore
  const schema = z.object({
    team: z.enum(['billing', 'technical', 'sales']),
    urgent: z.boolean(),
    summary: z.string().max(60),
  })
  for (const [mode, kind, miss] of [
    ['TOOLS', 'forced'],
    ['FUNCTIONS', 'forced'],
    ['JSON_SCHEMA', 'object'],
    ['JSON', 'object', PROMPTED],
    ['MD_JSON', 'object', PROMPTED],
  ]) {
    const client = Instructor({ client: oai, mode })
    const asked = {
      model: MODEL,
      max_tokens: 120,
      messages: [{ role: 'user', content: QUESTION }],
      response_model: { schema, name: 'ticket' },
      max_retries: 0,
    }
    await scenario(kind, `${version}: ${mode}`, async () => {
      const { _meta, ...ticket } = await client.chat.completions.create(asked)
      checkTicket(ticket)
    }, why ?? miss) // prettier-ignore
    await scenario(kind, `${version}: ${mode}, streamed`, async () => {
      let last
      for await (const part of await client.chat.completions.create({ ...asked, stream: true })) last = part
      const { _meta, ...ticket } = last
      checkTicket(ticket)
    }, why ?? miss) // prettier-ignore
  }
}
