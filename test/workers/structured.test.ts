// Answers that are held to a form, in the real worker: each door, whole and streamed, and what cannot be promised.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

const schema = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 12 },
    mood: { enum: ['glad', 'sad'] },
    age: { type: 'integer', minimum: 18, maximum: 99 },
  },
  required: ['name', 'mood', 'age'],
}
type Person = { name: string; mood: string; age: number }

function expectPerson(text: string): void {
  const { name, mood, age } = JSON.parse(text) as Person
  expect(Array.from(name).length).toBeLessThanOrEqual(12)
  expect(['glad', 'sad']).toContain(mood)
  expect(Number.isInteger(age) && age >= 18 && age <= 99).toBe(true)
}

const messages = [{ role: 'user' as const, content: 'Who rings the bell?' }]
const format = { type: 'json_schema' as const, json_schema: { name: 'person', strict: true, schema } }

describe.each([0, 1])('at temperature %s', (temperature) => {
  it('a chat answers by a schema, whole and streamed, the same text', async () => {
    const asked = {
      model: worker.model,
      messages,
      temperature,
      seed: 7,
      max_tokens: 60,
      response_format: format,
    }
    const whole = await client.chat.completions.create(asked)
    expectPerson(whole.choices[0].message.content ?? '')
    expect(whole.choices[0].finish_reason).toBe('stop')
    let streamed = ''
    for await (const chunk of await client.chat.completions.create({ ...asked, stream: true }))
      streamed += chunk.choices[0]?.delta.content ?? ''
    expect(streamed).toBe(whole.choices[0].message.content)
  })

  it('an answer that would not end is closed in time', async () => {
    const long = {
      type: 'object',
      properties: { all: { type: 'array', items: { type: 'integer' } } },
      required: ['all'],
    }
    const reply = await client.chat.completions.create({
      model: worker.model,
      messages,
      temperature,
      seed: 3,
      max_tokens: 24,
      response_format: { type: 'json_schema', json_schema: { name: 'long', schema: long } },
    })
    expect((JSON.parse(reply.choices[0].message.content ?? '') as { all: number[] }).all).toBeInstanceOf(
      Array,
    )
    expect(reply.choices[0].finish_reason).toBe('stop')
  })

  it('a response answers by text.format', async () => {
    const reply = await client.responses.create({
      model: worker.model,
      input: 'Who rings the bell?',
      temperature,
      max_output_tokens: 60,
      text: { format: { type: 'json_schema', name: 'person', schema } },
    })
    expectPerson(reply.output_text)
    expect(reply.status).toBe('completed')
    expect(reply.text?.format).toMatchObject({ type: 'json_schema', name: 'person' })
  })
})

/** A completion under `structured_outputs`. */
async function text(outputs: object): Promise<string> {
  const body = { model: worker.model, prompt: 'The answer is', max_tokens: 20, structured_outputs: outputs }
  const reply = await client.completions.create(body as OpenAI.CompletionCreateParamsNonStreaming)
  return reply.choices[0].text
}

describe('completions', () => {
  it('one of some texts', async () => {
    expect(['yes', 'no', 'yesterday']).toContain(await text({ choice: ['yes', 'no', 'yesterday'] }))
  })
  it('a pattern', async () => {
    expect(await text({ regex: '(yes|no), \\d{1,3}%' })).toMatch(/^(yes|no), \d{1,3}%$/)
  })
  it("a grammar in llama.cpp's notation", async () => {
    expect(await text({ grammar: 'root ::= "(" [a-c]+ ")"' })).toMatch(/^\([a-c]+\)$/)
  })
  it('a schema', async () => {
    expect(['null', 'true', 'false']).toContain(await text({ json: { type: ['null', 'boolean'] } }))
  })
})

describe('what cannot be promised is a 400 that says where', () => {
  it.each([
    [
      { type: 'object', properties: { a: { $dynamicRef: '#x' } } },
      'response_format.json_schema.schema#/properties/a/$dynamicRef',
    ],
    [{ $ref: 'https://example.com/other.json' }, 'response_format.json_schema.schema#/$ref'],
    [{ type: 'string', pattern: '(a)\\1' }, 'response_format.json_schema.schema#/pattern'],
    [{ type: 'integer', minimum: 3, maximum: 2 }, 'response_format.json_schema.schema'],
  ])('%j', async (bad, param) => {
    const asked = client.chat.completions.create({
      model: worker.model,
      messages,
      stream: true,
      response_format: { type: 'json_schema', json_schema: { name: 'bad', schema: bad } },
    })
    await expect(asked).rejects.toMatchObject({ status: 400, param })
  })

  it('a limit below the shortest value', async () => {
    const asked = client.chat.completions.create({
      model: worker.model,
      messages,
      max_tokens: 2,
      response_format: format,
    })
    await expect(asked).rejects.toMatchObject({ status: 400, param: 'max_tokens' })
  })
})
