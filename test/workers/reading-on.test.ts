// The worker is killed in the middle of answers, and clients go on by themselves: their text is the unbroken one.

import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, generateText, streamText } from 'ai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readingOn } from '../../src/fetch/fetch.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { startWorker, type TestWorker } from '../helpers/worker.ts'

const FRAMES = 40
const TOKENS = 2500

let worker: TestWorker
beforeAll(async () => {
  worker = await startWorker(TINY_FOLDER, { WINDOW: '256' })
})
afterAll(() => worker?.stop())

/** The worker ends as in a power cut, and is there again. */
async function crash(): Promise<void> {
  await worker.kill()
  await worker.restart()
}

/** It takes a while to be there again. */
const patient = { wait: 500, tries: 20 }
const say = 'And God said, Let there be light'
const greedy = () => ({ model: worker.model, temperature: 0, ignore_eos: true })

type Dialect = { path: string; body: () => object; textOf: (data: Data) => string; last: string }
type Data = { type?: string; delta?: string; choices?: { text?: string; delta?: { content?: string } }[] }

const DIALECTS: Record<string, Dialect> = {
  chat: {
    path: '/v1/chat/completions',
    body: () => ({ ...greedy(), messages: [{ role: 'user', content: say }], max_tokens: TOKENS }),
    textOf: ({ choices }) => choices?.[0]?.delta?.content ?? '',
    last: 'data: [DONE]',
  },
  completions: {
    path: '/v1/completions',
    body: () => ({ ...greedy(), prompt: say, max_tokens: TOKENS }),
    textOf: ({ choices }) => choices?.[0]?.text ?? '',
    last: 'data: [DONE]',
  },
  responses: {
    path: '/v1/responses',
    body: () => ({ ...greedy(), input: say, max_output_tokens: TOKENS }),
    textOf: ({ type, delta }) => (type === 'response.output_text.delta' ? (delta ?? '') : ''),
    last: 'event: response.incomplete', // at its limit of tokens
  },
}

/** The frames of a stream as this fetch gives it; `onFrame` is told how many have come. */
async function framesOf(
  fetch: typeof globalThis.fetch,
  { path, body }: Dialect,
  tenant: string,
  onFrame?: (frames: number) => void,
): Promise<string[]> {
  const response = await fetch(`${worker.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tenant}` },
    body: JSON.stringify({ ...body(), stream: true }),
  })
  const frames: string[] = []
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of response.body as ReadableStream<Uint8Array>) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n\n')
    rest = parts.pop() ?? ''
    for (const part of parts) if (/^data:/m.test(part) && frames.push(part) > 0) onFrame?.(frames.length)
  }
  return frames
}

const textIn = (frames: readonly string[], { textOf }: Dialect): string =>
  frames
    .flatMap((frame) => /^data: (\{.*)/m.exec(frame)?.slice(1) ?? [])
    .map((data) => textOf(JSON.parse(data) as Data))
    .join('')

/** Crashes the worker once, at that many frames. */
function crashAt(frames: number) {
  let crashed: Promise<void> | undefined
  return {
    onFrame: (heard: number): void => void (heard === frames && (crashed ??= crash())),
    done: async () => {
      if (crashed === undefined) throw new Error('nothing was killed')
      await crashed
    },
  }
}

describe.each(Object.entries(DIALECTS))('islet/fetch over %s', (name, dialect) => {
  test('goes on behind a kill: every frame once, and the text is the unbroken one', async () => {
    const calm = await framesOf(fetch, dialect, `calm ${name}`)
    const killing = crashAt(FRAMES)
    const broken = await framesOf(readingOn(patient), dialect, `killed ${name}`, killing.onFrame)
    await killing.done()
    expect(textIn(broken, dialect)).toBe(textIn(calm, dialect))
    expect(broken).toHaveLength(calm.length)
    expect(broken.at(-1)).toContain(dialect.last)
  }, 120_000)
})

describe('openai for Node', () => {
  const chat = () =>
    ({ ...(DIALECTS['chat'].body() as OpenAI.ChatCompletionCreateParams), stream: false }) as const
  const client = (apiKey: string, options: object = {}) =>
    new OpenAI({ baseURL: `${worker.url}/v1`, apiKey, ...options })

  test('sends a whole request again by itself, whose count goes on with what was computed', async () => {
    const calm = await client('calm whole').chat.completions.create(chat())
    const retries: (string | null)[] = []
    const noting = (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
      retries.push(new Headers(init?.headers).get('x-stainless-retry-count'))
      return fetch(url, init)
    }
    const asked = client('killed whole', { maxRetries: 20, fetch: noting }).chat.completions.create(chat())
    const running = async (): Promise<number> =>
      ((await (await fetch(`${worker.url}/health`)).json()) as { running?: number }).running ?? 0
    while ((await running()) === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    await crash()
    const { choices } = await asked
    expect(choices[0].message.content).toBe(calm.choices[0].message.content)
    expect(retries.slice(0, 2)).toEqual(['0', '1'])
  }, 120_000)

  test('streams through islet/fetch as if nothing had been', async () => {
    const calm = await client('calm stream').chat.completions.create(chat())
    const killing = crashAt(FRAMES)
    const stream = await client('killed stream', { fetch: readingOn(patient) }).chat.completions.create({
      ...chat(),
      stream: true,
    })
    let [text, frames] = ['', 0]
    for await (const { choices } of stream) {
      text += choices[0]?.delta.content ?? ''
      killing.onFrame(++frames)
    }
    await killing.done()
    expect(text).toBe(calm.choices[0].message.content)
  }, 120_000)
})

describe('the AI SDK', () => {
  const ask = (
    tenant: string,
    { fetch, temperature = 0 }: { fetch?: typeof globalThis.fetch; temperature?: number } = {},
  ) => ({
    model: createOpenAICompatible({
      name: 'islet',
      baseURL: `${worker.url}/v1`,
      apiKey: tenant,
      includeUsage: true,
      ...(fetch && { fetch }),
    })(worker.model),
    prompt: say,
    temperature,
    seed: 17,
    maxOutputTokens: TOKENS,
    maxRetries: 0,
    providerOptions: { islet: { ignore_eos: true } },
  })

  test.each([0, 1])(
    'streams through islet/fetch as if nothing had been, at temperature %d',
    async (temperature) => {
      const calm = await generateText(ask(`calm sdk ${temperature}`, { temperature }))
      const killing = crashAt(FRAMES)
      const errors: unknown[] = []
      const stream = streamText({
        ...ask(`killed sdk ${temperature}`, { fetch: readingOn(patient), temperature }),
        onError: ({ error }) => void errors.push(error),
      })
      let [text, pieces] = ['', 0]
      for await (const piece of stream.textStream) {
        text += piece
        killing.onFrame(++pieces)
      }
      await killing.done()
      expect(errors).toEqual([])
      expect(text).toBe(calm.text)
      expect(await stream.text).toBe(calm.text)
      expect(await stream.finishReason).toBe('length')
      expect((await stream.usage).outputTokens).toBe(TOKENS)
    },
    120_000,
  )

  test('fails with its own error where its fetch does not read on', async () => {
    const killing = crashAt(FRAMES)
    const stream = streamText({ ...ask('broken sdk'), onError: () => undefined })
    let pieces = 0
    const read = async (): Promise<void> => {
      for await (const _ of stream.textStream) killing.onFrame(++pieces)
    }
    await expect(read()).rejects.toThrow(APICallError)
    await killing.done()
    expect(pieces).toBeLessThan(TOKENS)
  }, 120_000)

  test('stops reading on when it aborts while the worker is gone, and the next answer is whole', async () => {
    const calm = await generateText(ask('calm abort'))
    const left = new AbortController()
    const asked = ask('aborted sdk', { fetch: readingOn(patient) })
    let aborted = 0
    const stream = streamText({ ...asked, abortSignal: left.signal, onAbort: () => void aborted++ })
    let pieces = 0
    let gone: Promise<void> | undefined
    for await (const piece of stream.textStream)
      if ((pieces += Number(piece.length > 0)) === FRAMES) gone ??= worker.kill().then(() => left.abort())
    await gone
    await worker.restart()
    expect(aborted).toBe(1)
    expect((await generateText(asked)).text).toBe(calm.text)
  }, 120_000)
})
