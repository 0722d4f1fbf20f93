// Ollama's client for JavaScript, unmodified.

import assert from 'node:assert/strict'
import { Ollama } from 'ollama'
import { ALARM_SCHEMA, BASE_URL, checkAlarm, checkTicket, MODEL, QUESTION, scenario, TICKET_SCHEMA, WAKE } from './scenarios.mjs' // prettier-ignore

const client = new Ollama({ host: BASE_URL.replace('/v1', '') })
const options = { num_predict: 40, temperature: 0.2, seed: 1 }
const messages = [{ role: 'user', content: QUESTION }]
const ask = { model: MODEL, messages, options }
const tool = {
  type: 'function',
  function: { name: 'set_alarm', description: 'Sets an alarm.', parameters: ALARM_SCHEMA },
}

/** Throws unless an answer has ended with counts and durations. */
function checkEnd(last) {
  assert.equal(last.done, true)
  assert.ok(['stop', 'length'].includes(last.done_reason))
  assert.ok(last.prompt_eval_count > 5 && last.eval_count > 0)
  assert.ok(last.total_duration >= last.eval_duration && last.eval_duration > 0)
  assert.ok(!Number.isNaN(new Date(last.created_at).getTime()))
}

async function gather(stream, textOf) {
  let [text, last] = ['', undefined]
  for await (const part of stream) {
    text += textOf(part)
    last = part
  }
  checkEnd(last)
  return text
}

const failure = async (call, status, words) => {
  const error = await call.then(() => assert.fail('it worked'), (thrown) => thrown) // prettier-ignore
  assert.equal(error.status_code, status, error.message)
  assert.match(error.message, words)
}

await scenario('talk', 'chat', async () => {
  const answer = await client.chat(ask)
  assert.ok(answer.message.content.length > 0)
  checkEnd(answer)
})
await scenario('talk', 'chat, streamed, the same text', async () => {
  const text = await gather(await client.chat({ ...ask, stream: true }), ({ message }) => message.content)
  assert.equal(text, (await client.chat(ask)).message.content)
})
await scenario('talk', 'chat, a history with a system message', async () => {
  const system = { role: 'system', content: 'You answer in one word.' }
  const history = [system, ...messages, { role: 'assistant', content: 'Sorry.' }, { role: 'user', content: 'And now?' }] // prettier-ignore
  assert.ok((await client.chat({ ...ask, messages: history })).prompt_eval_count > 20)
})
await scenario('talk', 'chat, aborted in the middle', async () => {
  const stream = await client.chat({ ...ask, options: { ...options, num_predict: 2000 }, stream: true })
  let read = 0
  await assert.rejects(async () => {
    for await (const _ of stream) if (++read === 4) stream.abort()
  }, /abort/i)
  assert.ok((await client.chat(ask)).message.content.length > 0)
})
await scenario('talk', 'chat, stop, num_predict and other options', async () => {
  const { message } = await client.chat(ask)
  const word = message.content.trim().split(/\s+/).find((each) => each.length > 3) // prettier-ignore
  const cut = await client.chat({ ...ask, options: { ...options, stop: [word], num_ctx: 4096, top_k: 40, repeat_penalty: 1 } }) // prettier-ignore
  assert.ok(!cut.message.content.includes(word))
  assert.equal((await client.chat({ ...ask, options: { ...options, num_predict: 3 } })).eval_count, 3)
})
await scenario('talk', 'chat, log probabilities', async () => {
  const { logprobs } = await client.chat({ ...ask, logprobs: true, top_logprobs: 2 })
  assert.ok(logprobs.length > 0 && logprobs.every(({ logprob, top_logprobs: top }) => logprob <= 0 && top.length === 2)) // prettier-ignore
})
await scenario('talk', 'generate', async () => {
  const answer = await client.generate({ model: MODEL, prompt: QUESTION, system: 'Be brief.', options })
  assert.ok(answer.response.length > 0)
  checkEnd(answer)
})
await scenario('talk', 'generate, streamed', async () => {
  const stream = await client.generate({ model: MODEL, prompt: QUESTION, options, stream: true })
  assert.ok((await gather(stream, ({ response }) => response)).length > 0)
})
await scenario('talk', 'generate, raw', async () => {
  const prompt = 'The capital of France is'
  const answer = await client.generate({
    model: MODEL,
    prompt,
    raw: true,
    options: { ...options, num_predict: 5 },
  })
  assert.ok(answer.response.length > 0 && answer.prompt_eval_count < 10)
})
await scenario('object', 'chat, format', async () => {
  checkTicket(
    JSON.parse((await client.chat({ model: MODEL, messages, format: TICKET_SCHEMA })).message.content),
  )
})
await scenario('object', 'chat, format, streamed', async () => {
  const stream = await client.chat({
    ...ask,
    options: { num_predict: 80 },
    format: TICKET_SCHEMA,
    stream: true,
  })
  checkTicket(JSON.parse(await gather(stream, ({ message }) => message.content)))
})
await scenario('object', 'chat, format json', async () => {
  const { message } = await client.chat({ ...ask, format: 'json' })
  assert.equal(typeof JSON.parse(message.content), 'object')
})
await scenario('object', 'generate, format', async () => {
  const { response } = await client.generate({ model: MODEL, prompt: QUESTION, format: TICKET_SCHEMA })
  checkTicket(JSON.parse(response))
})
await scenario('auto', 'chat, tools', async () => {
  const { message } = await client.chat({
    ...ask,
    messages: [{ role: 'user', content: WAKE }],
    tools: [tool],
  })
  for (const call of message.tool_calls ?? []) checkAlarm(call.function.arguments)
})
await scenario('auto', 'chat, a call and its result in the history', async () => {
  const call = { function: { name: 'set_alarm', arguments: { hour: 7, minute: 30 } } }
  const history = [
    { role: 'user', content: WAKE },
    { role: 'assistant', content: '', tool_calls: [call] },
    { role: 'tool', content: 'It is set.', tool_name: 'set_alarm' },
  ]
  assert.ok((await client.chat({ ...ask, messages: history, tools: [tool] })).eval_count > 0)
})
await scenario('errors', 'a model that is not served, an option out of range', async () => {
  await failure(client.chat({ ...ask, model: 'llama3' }), 404, /llama3/)
  await failure(client.chat({ ...ask, options: { temperature: 9 } }), 400, /options\.temperature/)
  await failure(client.chat({ ...ask, format: { type: 'object', $dynamicRef: '#' } }), 400, /dynamicRef/)
})
await scenario('errors', 'pull, delete, copy', async () => {
  await failure(client.pull({ model: MODEL }), 501, /no request changes it/)
  await failure(client.delete({ model: MODEL }), 501, /no request changes it/)
  await failure(client.copy({ source: MODEL, destination: 'other' }), 501, /no request changes it/)
})
await scenario('other', 'list, show, ps, version', async () => {
  const [listed] = (await client.list()).models
  assert.equal(listed.name, MODEL)
  assert.ok((await client.show({ model: MODEL })).capabilities.includes('completion'))
  assert.deepEqual((await client.ps()).models.map(({ name }) => name), [MODEL]) // prettier-ignore
  assert.match((await client.version()).version, /^\d+\.\d+\.\d+/)
})
await scenario('other', 'think false, keep_alive', async () => {
  assert.ok((await client.chat({ ...ask, think: false, keep_alive: '5m' })).message.content.length > 0)
})
await scenario('embedding', 'embed', async () => {
  const { embeddings, prompt_eval_count } = await client.embed({ model: MODEL, input: [QUESTION, WAKE] })
  assert.ok(prompt_eval_count > 10)
  assert.deepEqual(embeddings.map(({ length }) => length), [embeddings[0].length, embeddings[0].length]) // prettier-ignore
  const { embedding } = await client.embeddings({ model: MODEL, prompt: WAKE })
  assert.deepEqual(embedding, embeddings[1])
  assert.ok((await client.show({ model: MODEL })).capabilities.includes('embedding'))
})
