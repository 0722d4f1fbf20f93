// openai-node as its users have it, against the running worker: nothing set but baseURL and apiKey.

import { readFileSync } from 'node:fs'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Manifest } from '../../src/weights/manifest.ts'
import { missingModel, REAL_FOLDER, TINY_FOLDER } from '../helpers/real-model.ts'
import { startWorker, type TestWorker } from '../helpers/worker.ts'

const skipReal = missingModel()

describe.each([
  { name: 'the embedded model', folder: TINY_FOLDER, skip: undefined },
  { name: 'SmolLM2', folder: REAL_FOLDER, skip: skipReal },
])('openai-node with $name', ({ folder, skip }) => {
  if (skip !== undefined) {
    test.skip(skip, () => undefined)
    return
  }
  let worker: TestWorker
  let client: OpenAI

  beforeAll(async () => {
    worker = await startWorker(folder)
    client = new OpenAI({ baseURL: `${worker.url}/v1`, apiKey: 'any' })
  })
  afterAll(() => worker?.stop())

  const question = (): {
    model: string
    temperature: number
    max_tokens: number
    messages: OpenAI.ChatCompletionMessageParam[]
  } => ({
    model: worker.model,
    temperature: 0,
    max_tokens: 24,
    messages: [{ role: 'user', content: 'In the beginning' }],
  })

  test('streams from a cold object, and .stream() and the plain call say the same', async () => {
    let raw = ''
    let finish: string | null = null
    for await (const chunk of await client.chat.completions.create({ ...question(), stream: true })) {
      raw += chunk.choices[0].delta.content ?? ''
      finish = chunk.choices[0].finish_reason ?? finish
    }
    expect(raw.length).toBeGreaterThan(10)
    expect(['stop', 'length']).toContain(finish)

    const helper = client.chat.completions.stream(question())
    let deltas = ''
    helper.on('content', (delta) => (deltas += delta))
    expect(await helper.finalContent()).toBe(raw)
    expect(deltas).toBe(raw)

    const plain = await client.chat.completions.create(question())
    expect(plain.choices[0].message.content).toBe(raw)
    expect(plain.usage?.prompt_tokens_details?.cached_tokens).toBe((plain.usage?.prompt_tokens ?? 0) - 1)
  })

  test('a second turn that resends its history is warm', async () => {
    const first = await client.chat.completions.create(question())
    const messages = [
      ...question().messages,
      first.choices[0].message,
      { role: 'user' as const, content: 'Go on.' },
    ]
    const second = await client.chat.completions.create({ ...question(), messages })
    expect(second.usage?.prompt_tokens_details?.cached_tokens).toBeGreaterThanOrEqual(
      first.usage?.prompt_tokens ?? Infinity,
    )
  })

  test('a stranger finds what the model brings computed, and nothing else', async () => {
    const { prefix } = JSON.parse(readFileSync(`${folder}/manifest.json`, 'utf8')) as Manifest
    const messages = [{ role: 'user' as const, content: 'And the earth was without form' }]
    for (const apiKey of ['a stranger', 'another one']) {
      const other = new OpenAI({ baseURL: `${worker.url}/v1`, apiKey })
      const { usage } = await other.chat.completions.create({ ...question(), messages, max_tokens: 4 })
      expect(usage?.prompt_tokens_details?.cached_tokens).toBe(prefix?.ids.length ?? 0)
    }
  })

  test('models, completions, and errors with their classes', async () => {
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual([worker.model])
    expect((await client.models.retrieve(worker.model.toUpperCase())).id).toBe(worker.model)
    const text = await client.completions.create({
      model: worker.model,
      prompt: 'And God said',
      max_tokens: 8,
      temperature: 0,
    })
    expect(text.choices[0].text.length).toBeGreaterThan(0)
    const bad = client.chat.completions.create({ ...question(), temperature: 9 })
    await expect(bad).rejects.toMatchObject({ status: 400, param: 'temperature' })
    const unknown = client.chat.completions.create({ ...question(), model: 'gpt-4' })
    await expect(unknown).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
  })

  test('a prompt is counted and shown as it is answered', async () => {
    const post = async (path: string, body: object) =>
      (await (await fetch(worker.url + path, { method: 'POST', body: JSON.stringify(body) })).json()) as {
        prompt: string
        content: string
        tokens: number[]
      }
    const input = 'In the beginning'
    const { usage } = await client.responses.create({ model: worker.model, input, max_output_tokens: 1 })
    const counted = await client.responses.inputTokens.count({ input })
    expect(counted).toEqual({ object: 'response.input_tokens', input_tokens: usage?.input_tokens })
    const { prompt } = await post('/apply-template', { messages: [{ role: 'user', content: input }] })
    expect(prompt).toContain(input)
    const { tokens } = await post('/tokenize', { content: prompt, add_special: true })
    expect(tokens).toHaveLength(counted.input_tokens)
    expect((await post('/detokenize', { tokens })).content).toBe(prompt)
  })

  test('a conversation goes on, and is there after a kill', async () => {
    const { id } = await client.conversations.create({
      items: [{ role: 'user', content: 'In the beginning' }],
    })
    const ask = { model: worker.model, conversation: id, max_output_tokens: 4, temperature: 0 }
    const first = await client.responses.create({ ...ask, input: 'God created' })
    await worker.kill()
    await worker.restart()
    const second = await client.responses.create({ ...ask, input: 'And the earth' })
    const texts: string[] = []
    for await (const item of client.conversations.items.list(id, { order: 'asc' }))
      if (item.type === 'message')
        texts.push((item.content as { text: string }[]).map(({ text }) => text).join())
    expect(texts).toEqual([
      'In the beginning',
      'God created',
      first.output_text,
      'And the earth',
      second.output_text,
    ])
  })

  test('a reader that breaks off leaves nothing running', async () => {
    const stream = await client.chat.completions.create({ ...question(), max_tokens: 4000, stream: true })
    let read = 0
    for await (const _ of stream) if (++read === 5) break
    const left = performance.now()
    const running = async (): Promise<unknown> =>
      ((await (await fetch(`${worker.url}/health`)).json()) as { running: number }).running
    while ((await running()) !== 0) expect(performance.now() - left).toBeLessThan(3000)
  })
})
