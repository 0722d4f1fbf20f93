// Ollama's client: an answer by a schema, as a stream.

import { Ollama } from 'ollama'

const client = new Ollama({ host: 'http://127.0.0.1:8787' })

const stream = await client.chat({
  model: 'smollm2-135m-instruct',
  messages: [{ role: 'user', content: 'I was charged twice this month!' }],
  format: {
    type: 'object',
    properties: {
      team: { enum: ['billing', 'technical', 'sales'] },
      urgent: { type: 'boolean' },
      summary: { type: 'string', maxLength: 60 },
    },
    required: ['team', 'urgent', 'summary'],
  },
  stream: true,
})
let text = ''
for await (const { message } of stream) text += message.content
console.log(JSON.stringify(JSON.parse(text)))
