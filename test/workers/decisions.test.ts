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

type Reply = { status: number; answers: Record<string, unknown>[]; usage: { input_tokens: number }; error?: { param: string | null; code: string; message: string } } // prettier-ignore

async function decide(body: object, tenant = 'a', signal?: AbortSignal): Promise<Reply> {
  const response = await fetch(`${worker.url}/v1/decisions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tenant}` },
    body: JSON.stringify({ model: worker.model, input, ...body }),
    signal,
  })
  return { ...((await response.json()) as Reply), status: response.status }
}
const choose = (values: unknown[], more: object = {}) => ({
  questions: [
    { type: 'choice', instructions: 'Which?', choices: values.map((value) => ({ value })), ...more },
  ],
})

it('keeps strange values apart, and in their order', async () => {
  const values = [
    'true',
    true,
    false,
    'false',
    ' ',
    '__proto__',
    'größe 🌊',
    '</s><|im_end|>',
    '"\n',
    '0',
    '1.0',
  ]
  const { answers, status } = await decide(choose(values))
  expect(status).toBe(200)
  const given = answers[0]['probabilities'] as { value: unknown; probability: number }[]
  expect(given.map(({ value }) => value)).toEqual(values)
  expect(values).toContain(answers[0]['choice'])
  expect(given.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 12)
  // Words that are alike weigh alike: "true" and true are written the same.
  expect(given[0].probability).toBe(given[1].probability)
  const levels = ['low', 'low', 'high'].map((label) => ({ label }))
  const same = await decide({ questions: [{ type: 'score', instructions: 'How high?', levels }] })
  const [first, second] = same.answers[0]['probabilities'] as { probability: number }[]
  expect(first.probability).toBe(second.probability)
})

it.each([
  [choose(['a', 'a']), 'questions[0].choices'],
  [choose(['a', '']), 'questions[0].choices[1].value'],
  [choose(['a', 1]), 'questions[0].choices[1].value'],
  [choose(['a', null]), 'questions[0].choices[1].value'],
  [choose(['a']), 'questions[0].choices'],
  [choose(Array.from({ length: 256 }, (_, i) => `${i}`)), 'questions[0].choices'],
  [{ questions: [] }, 'questions'],
  [{ questions: Array.from({ length: 401 }, () => ({ type: 'predicate', instructions: 'a' })) }, 'questions'],
  [{ questions: [{ type: 'predicate', instructions: ' \n' }] }, 'questions[0].instructions'],
  [{ questions: [{ type: 'score', levels: [{ label: '' }] }] }, 'questions[0].levels[0].label'],
])('refuses %j by its place', async (body, param) => {
  const { status, error } = await decide(body)
  expect([status, error?.param]).toEqual([400, param])
})

it('says of candidates that are too long that they are, and where', async () => {
  const long = choose(['a', 'storm '.repeat(20_000)])
  const { status, error } = await decide(long)
  expect([status, error?.param]).toEqual([400, 'questions'])
})

const many = (count: number) => ({
  questions: Array.from({ length: count }, (_, i) => ({
    type: 'choice',
    instructions: `Which of these is number ${i}?`,
    choices: ['keeper', 'lamp', 'storm', 'sea', 'bell'].map((word) => ({ value: `${word} ${i}` })),
  })),
})

it('gives each tenant what it gets alone, and everybody a turn', async () => {
  const alone = await decide(many(12), 'alone')
  expect(alone.status).toBe(200)
  const big = decide(many(80), 'greedy')
  await new Promise((resolve) => setTimeout(resolve, 200))
  let isBigDone = false
  void big.then(() => (isBigDone = true))
  const chat = { model: worker.model, messages: [{ role: 'user' as const, content: input }], max_tokens: 4 }
  await client.chat.completions.create(chat)
  expect(isBigDone, 'a chat of another tenant waits for no decision').toBe(false)
  const both = await Promise.all(['b', 'c'].map((tenant) => decide(many(12), tenant)))
  for (const { answers } of both) expect(answers).toEqual(alone.answers)
  expect((await big).status).toBe(200)
})

it('ends what nobody waits for', async () => {
  const leaving = new AbortController()
  const left = decide(many(80), 'leaving', leaving.signal).catch((error: unknown) => error)
  await new Promise((resolve) => setTimeout(resolve, 400))
  leaving.abort()
  expect(await left).toBeInstanceOf(Error)
  const running = async (): Promise<number> => {
    const health = (await (await fetch(`${worker.url}/health`)).json()) as {
      running: number
      waiting: number
    }
    return health.running + health.waiting
  }
  await expect.poll(running, { timeout: 3000 }).toBe(0)
  const places = await Promise.all(Array.from({ length: 70 }, () => decide(choose(['a', 'b']), 'busy')))
  for (const { status, error } of places)
    expect(status === 200 || (status === 429 && error?.code === 'overloaded'), `${status}`).toBe(true)
  expect((await decide(choose(['a', 'b']), 'busy')).status).toBe(200)
})
