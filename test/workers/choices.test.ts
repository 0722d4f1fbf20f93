// Several answers from the running worker: as each is alone, for openai for Node, and after a kill in the middle.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { choiceSeed } from '../../src/storage/turn-record.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { ROOT, startWorker, type TestWorker } from '../helpers/worker.ts'

type Chunk = {
  choices: { index: number; text: string; finish_reason: string | null }[]
  usage?: { prompt_tokens: number; completion_tokens: number } | null
}
type Told = { texts: string[]; ends: (string | null)[]; usage: Chunk['usage']; frames: number }

const missing = ['models/tiny/manifest.json', 'build/islet.relaxed.wasm'].filter(
  (file) => !existsSync(join(ROOT, file)),
)
const PROMPT = 'And God said, Let the waters under the heaven be gathered together unto one place, '
const BODY = { prompt: PROMPT, temperature: 1, seed: 5, max_tokens: 400, ignore_eos: true, n: 4 }

describe.skipIf(missing.length > 0)(`answers (needs ${missing.join(', ') || 'nothing more'})`, () => {
  let worker: TestWorker
  let client: OpenAI
  beforeAll(async () => {
    worker = await startWorker(TINY_FOLDER, { WINDOW: '256' })
    client = new OpenAI({ baseURL: `${worker.url}/v1`, apiKey: 'any' })
  })
  afterAll(() => worker?.stop())

  const streamed = (body: object, tenant = 'any') =>
    fetch(`${worker.url}/v1/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tenant}` },
      body: JSON.stringify({
        ...{ model: worker.model, stream: true, stream_options: { include_usage: true } },
        ...body,
      }),
    })
  const readOn = (session: string, after: number, tenant: string) =>
    fetch(`${worker.url}/v1/sessions/${session}/stream?after=${after}`, {
      headers: { authorization: `Bearer ${tenant}` },
    })

  /** What a stream says, to its end or to so many frames of data. */
  async function told(response: Response, most = Infinity): Promise<Told> {
    expect(response.status).toBe(200)
    const said: Told = {
      texts: ['', '', '', ''],
      ends: [null, null, null, null],
      usage: undefined,
      frames: 0,
    }
    let rest = ''
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = (rest + part).split('\n\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (!line.startsWith('data: {')) continue
        said.frames += 1
        const { choices, usage } = JSON.parse(line.slice('data: '.length)) as Chunk
        for (const { index, text, finish_reason } of choices) {
          said.texts[index] += text
          said.ends[index] ??= finish_reason
        }
        said.usage = usage ?? said.usage
        if (said.frames === most) return said
      }
    }
    return said
  }

  test('are what each is alone', async () => {
    const { texts, ends, usage } = await told(await streamed(BODY))
    expect(ends).toEqual(['length', 'length', 'length', 'length'])
    for (const [index, text] of texts.entries()) {
      const alone = await told(await streamed({ ...BODY, n: 1, seed: choiceSeed(5, index) }))
      expect(text).toBe(alone.texts[0])
      expect(usage).toMatchObject({
        prompt_tokens: alone.usage?.prompt_tokens,
        completion_tokens: 4 * (alone.usage?.completion_tokens ?? 0),
      })
    }
    expect(new Set(texts).size).toBe(4)
  })

  test('of several prompts come by their index', async () => {
    const prompts = [PROMPT, 'In the beginning ']
    const both = await client.completions.create({ ...BODY, model: worker.model, prompt: prompts, n: 2 })
    for (const [p, prompt] of prompts.entries()) {
      const { choices } = await client.completions.create({ ...BODY, model: worker.model, prompt, n: 2 })
      expect(both.choices.slice(2 * p, 2 * p + 2).map(({ text }) => text)).toEqual(
        choices.map(({ text }) => text),
      )
    }
    expect(both.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3])
  })

  test('say the same whole, raw and through the helper of openai', async () => {
    const body = {
      ...{ model: worker.model, temperature: 1, seed: 5, max_tokens: 24, n: 3 },
      messages: [{ role: 'user' as const, content: 'In the beginning' }],
    }
    const whole = (await client.chat.completions.create(body)).choices.map(({ message }) => message.content)
    const raw = ['', '', '']
    for await (const { choices } of await client.chat.completions.create({ ...body, stream: true }))
      for (const { index, delta } of choices) raw[index] += delta.content ?? ''
    const helped = await client.chat.completions.stream(body).finalChatCompletion()
    expect(raw).toEqual(whole)
    expect(helped.choices.map(({ message }) => message.content)).toEqual(whole)
    expect(new Set(whole).size).toBe(3)
  })

  test.each([1, 7, 300, 1100])(
    'killed after %i frames go on, all of them',
    async (frames) => {
      const tenant = `killed ${frames}`
      const whole = await told(await streamed({ ...BODY, prompt: `${frames} ${PROMPT}`, store: false }))
      const response = await streamed({ ...BODY, prompt: `${frames} ${PROMPT}` }, tenant)
      const session = response.headers.get('x-islet-session') ?? ''
      const before = await told(response, frames)
      await worker.kill()
      await worker.restart()
      const rest = await told(await readOn(session, frames, tenant))
      expect(before.texts.map((text, index) => text + rest.texts[index])).toEqual(whole.texts)
      expect(rest.ends.map((end, index) => end ?? before.ends[index])).toEqual(whole.ends)
      expect(rest.usage).toMatchObject({ completion_tokens: whole.usage?.completion_tokens })
      const again = await told(await readOn(session, 0, tenant))
      expect(again.texts).toEqual(whole.texts)
    },
    60_000,
  )

  test('end when their reader leaves', async () => {
    await told(await streamed({ ...BODY, max_tokens: 4000, n: 8 }), 9)
    const left = performance.now()
    const running = async (): Promise<unknown> =>
      ((await (await fetch(`${worker.url}/health`)).json()) as { running: number }).running
    while ((await running()) !== 0) expect(performance.now() - left).toBeLessThan(5000)
  })
})
