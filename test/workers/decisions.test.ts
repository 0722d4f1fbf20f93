// Decisions in the real worker: by the client, twice with the same bits, beside a chat, and what is refused.

import { afterAll, beforeAll, expect, it } from 'vitest'
import OpenAI from 'openai'
import { startWorker, type TestWorker } from '../helpers/worker.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'

let worker: TestWorker
let client: OpenAI

beforeAll(async () => {
  worker = await startWorker(TINY_FOLDER)
  client = new OpenAI({ baseURL: `${worker.url}/v1`, apiKey: 'anybody', maxRetries: 0 })
})
afterAll(async () => {
  await worker?.stop()
})

const input = 'The keeper climbs the steps each evening and trims the lamp.'
const asked = (): OpenAI.Decisions.DecisionCreateParams => ({
  model: worker.model,
  input,
  questions: [
    { type: 'predicate', name: 'lamp', instructions: 'Somebody trims a lamp.' },
    {
      type: 'choice',
      name: 'who',
      instructions: 'Who is it?',
      choices: [{ value: 'keeper' }, { value: true }],
    },
    {
      type: 'score',
      instructions: 'How high?',
      levels: [{ label: 'low' }, { label: 'high' }, { label: 'top' }],
    },
  ],
})

it('answers each question, the same when it is asked again or beside a chat', async () => {
  const first = await client.decisions.create(asked())
  expect(first.answers.map(({ type, name }) => [type, name])).toEqual([
    ['predicate', 'lamp'],
    ['choice', 'who'],
    ['score', null],
  ])
  const [again, chat] = await Promise.all([
    client.decisions.create(asked()),
    client.chat.completions.create({
      model: worker.model,
      messages: [{ role: 'user', content: input }],
      max_tokens: 24,
    }),
  ])
  expect(again.answers).toEqual(first.answers)
  expect(chat.choices[0].message.content).not.toBe('')
  expect(again.usage.input_tokens).toBe(first.usage.input_tokens)
  const [before, after] = [first, again].map(({ usage }) => usage.input_tokens_details.cached_tokens)
  expect(after).toBeGreaterThan(before)
})

it('refuses an input that is too long, and more than a request may ask', async () => {
  const long = client.decisions.create({ ...asked(), input: 'lamp '.repeat(40_000) })
  await expect(long).rejects.toMatchObject({ status: 400, code: 'context_length_exceeded', param: 'input' })
  const choices = Array.from({ length: 255 }, (_, i) => ({ value: `${i} ${'storm '.repeat(40)}` }))
  const questions = [0, 1].map(() => ({ type: 'choice' as const, instructions: 'Which?', choices }))
  const many = client.decisions.create({ ...asked(), questions })
  await expect(many).rejects.toMatchObject({
    status: 400,
    message: expect.stringContaining('16384') as string,
  })
})
