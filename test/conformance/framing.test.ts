// The checklist, S1 to S13: how an event stream is framed, as readers of several kinds need it.

import OpenAI from 'openai'
import { expect, test } from 'vitest'
import { answerRules } from '../../src/chat/answers/rules.ts'
import { createScratch } from '../../src/sampling/candidates.ts'
import { Answer } from '../../src/answer/answer.ts'
import {
  chat,
  clientOver,
  completion,
  fakeLanes,
  finish,
  gather,
  HELLO,
  post,
  start,
  stored,
  text,
  watched,
} from '../api/helpers.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { request } from '../helpers/request.ts'
import { framesOf, streamed, wireOf } from './wire.ts'

const BROKEN = [
  start,
  text('a'),
  { type: 'error', code: 'engine_failure', message: 'a kernel trapped' } as const,
]

test('S1: a stream is named as one, and no cache keeps it', async () => {
  const { headers } = await streamed()
  expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(headers.get('cache-control')).toBe('no-cache')
})

test('S2: an event is one line of data and a blank line', async () => {
  for (const frame of (await wireOf()).split('\n\n').slice(0, -1)) {
    expect(frame).toMatch(/^data: [^\r\n]+$/)
    if (frame !== 'data: [DONE]') JSON.parse(frame.slice('data: '.length))
  }
})

test('S3: the last event ends with a blank line, whatever it is', async () => {
  expect((await wireOf()).endsWith('\n\n')).toBe(true)
  expect((await wireOf(fakeLanes(BROKEN))).endsWith('\n\n')).toBe(true)
})

test('S4: chats and completions end with exactly [DONE], once, and nothing follows', async () => {
  for (const [path, body] of [
    ['/v1/chat/completions', chat({ stream: true })],
    ['/v1/completions', completion({ stream: true })],
  ] as const) {
    const wire = await (await post(fakeLanes(), path, body)).text()
    expect(wire.split('data: [DONE]\n\n')).toHaveLength(2)
    expect(wire.endsWith('data: [DONE]\n\n')).toBe(true)
  }
})

test('S5: no line is an id, a time to retry, or the name of an event without its data', async () => {
  const silent = [{ type: 'progress', state: 'loading', done: 1, total: 2 } as const, ...HELLO]
  for (const fake of [fakeLanes(), fakeLanes(silent), stored(), fakeLanes(BROKEN)])
    for (const line of (await wireOf(fake)).split('\n')) expect(line).toMatch(/^(data: .+|:|)$/)
})

const memory = { tokens: 2, reused: 0, pageTokens: 16, views: [], runs: [] }

test('S5: what a stream tells of memory is a comment, which no client takes for a chunk', async () => {
  const steps = watched(memory)
  const extra = { islet: { memory: true } }
  const { comments, events } = framesOf(await wireOf(fakeLanes(steps), extra))
  expect(comments).toHaveLength(3)
  expect(comments[0]).toMatch(/^islet\.memory \{"object":"session\.memory",/)
  expect(events).toEqual(framesOf(await wireOf()).events)
  const { client } = clientOver(fakeLanes(steps))
  const chunks = await gather(await client.chat.completions.create({ ...chat(extra), stream: true }))
  expect(chunks.every(({ choices }) => choices.length === 1)).toBe(true)
})

test('S6: a stream is kept alive by comments alone, which the client passes over', async () => {
  const slow = [{ wait: 1000 }, ...HELLO]
  const { comments, events } = framesOf(await wireOf(fakeLanes(slow), {}, { pingMs: 10 }))
  expect(comments.length).toBeGreaterThan(0)
  expect(events).toHaveLength(6)
  const { client } = clientOver(fakeLanes(slow), { pingMs: 10 })
  expect(await client.chat.completions.stream(chat()).finalContent()).toBe('Hello 🌍')
})

test('S7: events of chats have no name', async () => {
  expect(framesOf(await wireOf()).events.map(({ event }) => event)).toEqual(Array(6).fill(undefined))
})

test('S8: a failure behind the headers is an error object in the data, and the end', async () => {
  const { events } = framesOf(await wireOf(fakeLanes(BROKEN)))
  expect(JSON.parse(events.at(-1)!.data)).toEqual({
    error: { message: 'a kernel trapped', type: 'server_error', param: null, code: 'engine_failure' },
  })
  const failure: unknown = await clientOver(fakeLanes(BROKEN))
    .client.chat.completions.stream(chat())
    .finalContent()
    .catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(OpenAI.APIError)
})

test('S9: what a model writes never makes a frame that is no JSON', async () => {
  const odd = ['\n\ndata: [DONE]\n\n', '\r', '\u2028', '\ud800', '"', '\\', '\u0000', '</script>']
  const { events } = framesOf(await wireOf(fakeLanes([start, ...odd.map(text), finish])))
  const said = events
    .slice(0, -1)
    .map(
      ({ data }) =>
        (JSON.parse(data) as { choices: { delta: { content?: string } }[] }).choices[0].delta.content ?? '',
    )
  expect(said.join('')).toBe(odd.join(''))
})

test('S10: an answer that broke off does not look complete', async () => {
  for (const fake of [fakeLanes(BROKEN), fakeLanes([start, text('a')])]) {
    const wire = await wireOf(fake)
    expect(wire).not.toContain('[DONE]')
    expect(wire).not.toMatch(/"finish_reason":"/)
    await expect(clientOver(fake).client.chat.completions.stream(chat()).finalContent()).rejects.toThrow()
  }
})

test('S11: a character is told when all of its bytes are there, and never in halves', () => {
  const tokenizer = byteTokenizer()
  const rules = answerRules(tokenizer, { kind: 'builtin', format: 'llama2' }, { tools: false })
  const answer = new Answer(request(), tokenizer, [], rules, false)
  answer.begin(createScratch(tokenizer.vocabSize))
  const heard: string[] = []
  for (const id of tokenizer.encode('é🌍x')) {
    answer.replay([id], [])
    for (let event = answer.take(); event !== undefined; event = answer.take())
      if (event.text !== '') heard.push(event.text)
  }
  expect(heard).toEqual(['é', '🌍', 'x'])
})

test('S12: the role comes before the first token is computed, and pings while a prompt is read', async () => {
  const prefill = { type: 'progress', state: 'prefill', done: 6, total: 12 } as const
  const fake = fakeLanes([start, prefill, text('Hi'), finish])
  const reader = (await streamed(fake)).body!.getReader()
  const read = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value)
  expect(await read()).toContain('"role":"assistant"')
  expect(fake.produced).toBe(1)
  expect(await read()).toBe(':\n\n')
  await reader.cancel()
})

test('S13: a reader that leaves ends the generation within one event', async () => {
  const endless = fakeLanes(function* () {
    yield start
    for (;;) yield text('a')
  })
  const stream = await clientOver(endless).client.chat.completions.create({ ...chat(), stream: true })
  let heard = 0
  for await (const _ of stream) if (++heard === 5) break
  const { produced } = endless
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(endless.closed).toBe(1)
  expect(endless.produced).toBeLessThanOrEqual(Math.min(produced + 1, 7))

  // A body that is given up, with no signal that aborts, as workerd has it.
  const reader = (await streamed(endless)).body!.getReader()
  await reader.read()
  await reader.cancel()
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(endless.closed).toBe(2)
})
