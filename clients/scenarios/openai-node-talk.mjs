// openai for Node, unmodified: talk over chat, completions and responses, conversations, models, errors.

import assert from 'node:assert/strict'
import OpenAI from 'openai'
import { BASE_URL, BREAK_ONCE, MODEL, scenario } from './scenarios.mjs'

const client = new OpenAI({ baseURL: BASE_URL, apiKey: 'none', maxRetries: 0 })
const text = (completion) => completion.choices[0].message.content
const hello = { model: MODEL, max_tokens: 12, messages: [{ role: 'user', content: 'Say hello.' }] }
const helloInput = { model: MODEL, max_output_tokens: 16, input: 'Say hello.' }
const piecesOf = async (stream) => {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}
const said = (chunks, index = 0) =>
  chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index)).map(({ delta }) => delta.content ?? '').join('') // prettier-ignore

await scenario('talk', 'chat', async () => {
  const answer = await client.chat.completions.create(hello)
  assert.ok(text(answer).length > 0)
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)
})
await scenario('talk', 'chat, streamed', async () => {
  const chunks = await piecesOf(await client.chat.completions.create({ ...hello, stream: true, seed: 7 }))
  assert.equal(said(chunks), text(await client.chat.completions.create({ ...hello, seed: 7 })))
  assert.ok(
    chunks.every(({ choices }) => choices.length > 0),
    'a usage chunk came unasked',
  )
})
await scenario('talk', 'chat.completions.stream', async () => {
  const stream = client.chat.completions.stream(hello)
  const final = await stream.finalChatCompletion()
  assert.ok(['stop', 'length'].includes(final.choices[0].finish_reason))
})
await scenario('talk', 'usage in the stream', async () => {
  const asked = { ...hello, stream: true, stream_options: { include_usage: true } }
  const { choices, usage } = (await piecesOf(await client.chat.completions.create(asked))).at(-1)
  assert.deepEqual(choices, [])
  assert.ok(usage.completion_tokens > 0 && usage.completion_tokens <= 12)
})
await scenario('talk', 'abort, and the next answer', async () => {
  const stream = await client.chat.completions.create({ ...hello, max_tokens: 2000, ignore_eos: true, stream: true }) // prettier-ignore
  for await (const chunk of stream) if (chunk.choices[0].delta.content) break
  assert.ok(stream.controller.signal.aborted)
  assert.ok(text(await client.chat.completions.create(hello)).length > 0)
})
await scenario('talk', 'stop strings', async () => {
  const asked = { ...hello, max_tokens: 60, stop: ['.', '!', '?', '\n', 'a'] }
  assert.doesNotMatch(text(await client.chat.completions.create(asked)), /[.!?\na]/)
})
await scenario('talk', 'seed', async () => {
  const asked = { ...hello, seed: 42, temperature: 0.9, top_p: 0.95 }
  const [one, two] = [await client.chat.completions.create(asked), await client.chat.completions.create(asked)] // prettier-ignore
  assert.equal(text(one), text(two))
})
await scenario('talk', 'logprobs', async () => {
  const { choices } = await client.chat.completions.create({ ...hello, logprobs: true, top_logprobs: 3 })
  const { content } = choices[0].logprobs
  assert.ok(content.every(({ logprob, top_logprobs: top }) => logprob <= 0 && top.length === 3))
  assert.ok(choices[0].message.content.startsWith(content[0].token))
})
await scenario('talk', 'several answers', async () => {
  const asked = { ...hello, n: 3, seed: 5 }
  const { choices } = await client.chat.completions.create(asked)
  assert.deepEqual(choices.map(({ index }) => index), [0, 1, 2]) // prettier-ignore
  assert.equal(choices[0].message.content, text(await client.chat.completions.create({ ...asked, n: 1 })))
})
await scenario('talk', 'several answers, streamed', async () => {
  const asked = { ...hello, n: 2, seed: 5 }
  const chunks = await piecesOf(await client.chat.completions.create({ ...asked, stream: true }))
  const { choices } = await client.chat.completions.create(asked)
  for (const { index, message } of choices) assert.equal(said(chunks, index), message.content)
})
await scenario('talk', 'several answers, chat.completions.stream', async () => {
  const { choices } = await client.chat.completions.stream({ ...hello, n: 2 }).finalChatCompletion()
  assert.equal(choices.length, 2)
})
await scenario('talk', 'no model named', async () => {
  const { model: _, ...asked } = hello
  assert.equal((await client.chat.completions.create(asked)).model, MODEL)
})
await scenario('talk', 'include_obfuscation', async () => {
  const stream_options = { include_obfuscation: true }
  const asked = { ...hello, stream: true, stream_options }
  assert.ok((await piecesOf(await client.chat.completions.create(asked))).length > 1)
})
await scenario('talk', 'completions', async () => {
  const asked = { model: MODEL, prompt: 'Once upon a time', max_tokens: 8 }
  assert.equal(typeof (await client.completions.create(asked)).choices[0].text, 'string')
})
await scenario('talk', 'completions, streamed', async () => {
  const asked = { model: MODEL, prompt: 'Once upon a time', max_tokens: 8, stream: true }
  const chunks = await piecesOf(await client.completions.create(asked))
  assert.ok(['stop', 'length'].includes(chunks.at(-1).choices[0].finish_reason))
})
await scenario('talk', 'completions, two prompts', async () => {
  const prompt = ['Once upon a time', 'The end of the story']
  const { choices } = await client.completions.create({ model: MODEL, prompt, max_tokens: 8, n: 2 })
  assert.deepEqual(choices.map(({ index }) => index), [0, 1, 2, 3]) // prettier-ignore
})
await scenario('talk', 'completions, the prompt scored', async () => {
  const asked = { model: MODEL, prompt: 'The capital of France is', max_tokens: 0, echo: true, logprobs: 1 }
  const { text: back, logprobs } = (await client.completions.create(asked)).choices[0]
  assert.equal(back, asked.prompt)
  assert.equal(logprobs.token_logprobs[0], null)
  assert.ok(logprobs.token_logprobs.slice(1).every((logprob) => logprob < 0))
  assert.equal(logprobs.tokens.join(''), asked.prompt)
})
await scenario('talk', 'responses', async () => {
  assert.ok((await client.responses.create({ ...helloInput, instructions: 'Be brief.' })).output_text.length > 0) // prettier-ignore
})
await scenario('talk', 'responses, streamed', async () => {
  const events = await piecesOf(await client.responses.create({ ...helloInput, stream: true }))
  assert.match(events.at(-1).type, /^response\.(completed|incomplete)$/)
})
await scenario('talk', 'responses.stream', async () => {
  assert.ok((await client.responses.stream(helloInput).finalResponse()).output_text.length > 0)
})
await scenario('talk', 'responses, previous_response_id', async () => {
  const first = await client.responses.create(helloInput)
  const second = await client.responses.create({ ...helloInput, input: 'And again.', previous_response_id: first.id }) // prettier-ignore
  assert.ok(second.usage.input_tokens > first.usage.input_tokens)
  assert.ok(second.usage.input_tokens_details.cached_tokens > 0)
})
await scenario('talk', 'responses, kept, listed and deleted', async () => {
  const { id, output_text } = await client.responses.create(helloInput)
  assert.equal((await client.responses.retrieve(id)).output_text, output_text)
  assert.equal((await client.responses.inputItems.list(id)).data[0].role, 'user')
  await client.responses.delete(id)
  await assert.rejects(client.responses.retrieve(id), OpenAI.NotFoundError)
})
await scenario('talk', 'responses, in the background', async () => {
  const { id } = await client.responses.create({ ...helloInput, background: true })
  let now = await client.responses.retrieve(id)
  while (['queued', 'in_progress'].includes(now.status)) now = await client.responses.retrieve(id)
  assert.ok(['completed', 'incomplete'].includes(now.status))
})
await scenario('talk', 'responses, cancelled', async () => {
  const asked = { ...helloInput, max_output_tokens: 2000, background: true }
  const { id } = await client.responses.create(asked)
  assert.ok(['cancelled', 'completed', 'incomplete'].includes((await client.responses.cancel(id)).status))
})
await scenario('talk', 'responses, include', async () => {
  const asked = { ...helloInput, include: ['message.output_text.logprobs'], top_logprobs: 2 }
  const { output } = await client.responses.create(asked)
  assert.ok(output[0].content[0].logprobs.length > 0)
})
await scenario('talk', 'responses.inputTokens.count', async () => {
  const { input_tokens } = await client.responses.inputTokens.count({ model: MODEL, input: 'Say hello.' })
  assert.equal(input_tokens, (await client.responses.create(helloInput)).usage.input_tokens)
})
await scenario('talk', 'conversations', async () => {
  const conversation = await client.conversations.create({
    items: [{ type: 'message', role: 'user', content: 'My name is Ada.' }],
    metadata: { topic: 'names' },
  })
  const first = await client.responses.create({ ...helloInput, conversation: conversation.id })
  assert.equal(first.conversation.id, conversation.id)
  const second = await client.responses.create({ ...helloInput, conversation: { id: conversation.id } })
  assert.ok(second.usage.input_tokens > first.usage.input_tokens)
  assert.ok((await client.conversations.items.list(conversation.id)).data.length >= 4)
  assert.equal((await client.conversations.retrieve(conversation.id)).metadata.topic, 'names')
  assert.equal((await client.conversations.delete(conversation.id)).deleted, true)
})
await scenario('talk', 'models', async () => {
  const { data } = await client.models.list()
  assert.ok(data.some(({ id }) => id === MODEL))
  assert.equal((await client.models.retrieve(MODEL)).object, 'model')
})
await scenario('errors', 'a parameter out of range', async () => {
  const failed = client.chat.completions.create({ ...hello, temperature: 9 })
  await assert.rejects(failed, (error) => error instanceof OpenAI.BadRequestError && error.param === 'temperature' && error.requestID.length > 0) // prettier-ignore
})
await scenario('errors', 'an unknown parameter', async () => {
  const failed = client.chat.completions.create({ ...hello, temprature: 1 })
  await assert.rejects(failed, (error) => error.status === 400 && error.param === 'temprature')
})
await scenario('errors', 'an unknown model', async () => {
  const failed = client.chat.completions.create({ ...hello, model: 'gpt-none' })
  await assert.rejects(failed, (error) => error instanceof OpenAI.NotFoundError && error.code === 'model_not_found') // prettier-ignore
})
await scenario('errors', 'a prompt that is too long', async () => {
  const failed = client.chat.completions.create({ ...hello, messages: [{ role: 'user', content: 'word '.repeat(200_000) }] }) // prettier-ignore
  await assert.rejects(failed, (error) => error.status === 400 && error.code === 'context_length_exceeded')
})
await scenario('errors', 'an image', async () => {
  const content = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }]
  const failed = client.chat.completions.create({ ...hello, messages: [{ role: 'user', content }] })
  await assert.rejects(failed, OpenAI.BadRequestError)
})
await scenario('errors', 'a broken connection, tried again', async () => {
  const trying = new OpenAI({ baseURL: BASE_URL, apiKey: 'none', maxRetries: 1 })
  const { data, request_id } = await trying.chat.completions
    .create(hello, { headers: { [BREAK_ONCE]: crypto.randomUUID() } })
    .withResponse()
  assert.ok(text(data).length > 0 && request_id.length > 0)
})
