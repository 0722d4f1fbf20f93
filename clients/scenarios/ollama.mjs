// Ollama's client for JavaScript, unmodified.

import { Ollama } from 'ollama'
import { BASE_URL, checkTicket, MODEL, QUESTION, scenario, TICKET_SCHEMA } from './scenarios.mjs'

const DIALECT = "the client speaks Ollama's dialect, /api/chat, which is not served yet"

const client = new Ollama({ host: BASE_URL.replace('/v1', '') })

await scenario('object', 'chat, format', async () => {
  const messages = [{ role: 'user', content: QUESTION }]
  checkTicket(JSON.parse((await client.chat({ model: MODEL, messages, format: TICKET_SCHEMA })).message.content))
}, DIALECT) // prettier-ignore
await scenario('object', 'generate, format', async () => {
  const { response } = await client.generate({ model: MODEL, prompt: QUESTION, format: TICKET_SCHEMA })
  checkTicket(JSON.parse(response))
}, DIALECT) // prettier-ignore
