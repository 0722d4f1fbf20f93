// openai for Node: vectors of texts, and how alike they are.

import OpenAI from 'openai'

const client = new OpenAI({ baseURL: 'http://127.0.0.1:8787/v1', apiKey: 'none' })

const texts = ['The parcel came late.', 'The package was delayed.', 'Cows eat grass.']
const { data } = await client.embeddings.create({ model: 'smollm2-135m-instruct', input: texts })

// Vectors have the length 1: their product is the cosine.
const [first, ...others] = data.map(({ embedding }) => embedding)
for (const [index, other] of others.entries()) {
  const likeness = first.reduce((sum, value, at) => sum + value * other[at], 0)
  console.log(JSON.stringify({ text: texts[index + 1], likeness }))
}
