// Clients of Node ask for vectors, unmodified: openai, the AI SDK and LangChain; the model must declare a pooling.

import assert from 'node:assert/strict'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { OpenAIEmbeddings } from '@langchain/openai'
import { cosineSimilarity, embed, embedMany } from 'ai'
import OpenAI from 'openai'
import { BASE_URL, MODEL, scenario } from './scenarios.mjs'

globalThis.AI_SDK_LOG_WARNINGS = false

const TEXTS = ['The parcel came late.', 'The package was delayed.', 'Cows eat grass.']
const client = new OpenAI({ baseURL: BASE_URL, apiKey: 'none', maxRetries: 0 })
const model = createOpenAICompatible({ name: 'islet', baseURL: BASE_URL }).embeddingModel(MODEL)
const langchain = new OpenAIEmbeddings({
  model: MODEL,
  apiKey: 'none',
  maxRetries: 0,
  configuration: { baseURL: BASE_URL },
})

/** Throws unless these are three vectors of one width and length 1, the first two of them the most alike. */
function check(vectors) {
  assert.equal(vectors.length, 3)
  for (const vector of vectors) {
    assert.equal(vector.length, vectors[0].length)
    assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-5, 'a vector is not of length 1')
  }
  const [one, same, other] = vectors.map((vector) => [...vector])
  assert.ok(cosineSimilarity(one, same) > cosineSimilarity(one, other), 'another meaning is more alike')
}

const vectorsOf = async (extra) => {
  const { data, usage } = await client.embeddings.create({ model: MODEL, input: TEXTS, ...extra })
  assert.ok(usage.total_tokens > 0)
  return data.map(({ embedding }) => embedding)
}

await scenario('embedding', 'openai: three texts', async () => check(await vectorsOf({})))
await scenario('embedding', 'openai: encoding_format float, the same numbers', async () =>
  assert.deepEqual(await vectorsOf({ encoding_format: 'float' }), await vectorsOf({})),
)
await scenario('embedding', 'openai: one text', async () => {
  const { data } = await client.embeddings.create({ model: MODEL, input: TEXTS[0] })
  assert.deepEqual(data[0].embedding, (await vectorsOf({}))[0])
})
await scenario('embedding', 'openai: token ids are refused', async () =>
  assert.rejects(
    client.embeddings.create({ model: MODEL, input: [1, 2] }),
    /check_embedding_ctx_length=False/,
  ),
)
await scenario('embedding', 'AI SDK: embedMany', async () =>
  check((await embedMany({ model, values: TEXTS, maxRetries: 0 })).embeddings),
)
await scenario('embedding', 'AI SDK: embed', async () => {
  const { embedding } = await embed({ model, value: TEXTS[0], maxRetries: 0 })
  assert.deepEqual(embedding, (await vectorsOf({}))[0])
})
await scenario('embedding', 'LangChain: embedDocuments', async () =>
  check(await langchain.embedDocuments(TEXTS)),
)
await scenario('embedding', 'LangChain: embedQuery', async () =>
  assert.deepEqual(await langchain.embedQuery(TEXTS[0]), (await vectorsOf({}))[0]),
)
