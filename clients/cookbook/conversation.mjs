// openai for Node: a conversation that the server keeps.

import OpenAI from 'openai'

const client = new OpenAI({ baseURL: 'http://127.0.0.1:8787/v1', apiKey: 'none' })
const common = { model: 'smollm2-135m-instruct', max_output_tokens: 40 }

const { id } = await client.conversations.create({ metadata: { topic: 'names' } })
await client.responses.create({ ...common, conversation: id, input: 'My name is Ada.' })
await client.responses.create({ ...common, conversation: id, input: 'What is my name?' })

for await (const { role, content } of client.conversations.items.list(id, { order: 'asc' }))
  console.log(JSON.stringify({ role, text: content[0].text }))
await client.conversations.delete(id)
