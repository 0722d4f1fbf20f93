// Answers that are held to a form or to calls, by every door of the real worker: the same bits alone and in a batch,
// whole, streamed, read again, after kill -9 in mid-answer, and in Node.

import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chatDialect } from '../../src/api/dialects/chat/dialect.ts'
import { completionsDialect } from '../../src/api/dialects/completions/dialect.ts'
import { responsesDialect } from '../../src/api/dialects/responses/dialect.ts'
import { ask, eventsOf } from '../helpers/mock-lane.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { request } from '../helpers/request.ts'
import { tinyLane } from '../helpers/stored-object.ts'
import { framesOf, toldByFrames, toldByReply, type Told } from '../helpers/told.ts'
import { startWorker, type TestWorker } from '../helpers/worker.ts'

type Body = Record<string, unknown>

let worker: TestWorker
beforeAll(async () => {
  // As the lanes in Node have it.
  worker = await startWorker(TINY_FOLDER, { WINDOW: '256' })
})
afterAll(() => worker?.stop())

const parameters = {
  type: 'object',
  properties: {
    place: { type: 'string', maxLength: 20 },
    mood: { enum: ['calm', 'rough', '</tool_call>'] },
    waves: { type: 'array', items: { type: 'integer', minimum: 0, maximum: 9 }, minItems: 1, maxItems: 4 },
  },
  required: ['place', 'mood', 'waves'],
}
const isRight = new Ajv2020().compile(parameters)
const sea = { name: 'look_at_the_sea', description: 'Sagt, wie die See ist 🌊', parameters }
const bell = { name: 'ring', description: 'Rings the bell' }
const tools = [sea, bell].map((each) => ({ type: 'function', function: each }))
const flat = [sea, bell].map((each) => ({ type: 'function', ...each }))
const messages = [{ role: 'user', content: 'How is the sea at the lamp?' }]
const [CHAT, RESPONSES, TEXTS] = ['/v1/chat/completions', '/v1/responses', '/v1/completions']

type Case = [name: string, path: string, body: Body, isHeld?: (told: Told) => boolean]

const calledRight = ({ text, calls }: Told): boolean =>
  text === '' &&
  calls.length > 0 &&
  calls.every(
    (call) => call.name === 'ring' || (call.name === sea.name && isRight(JSON.parse(call.arguments))),
  )
const saysRight = ({ text, calls }: Told): boolean => calls.length === 0 && isRight(JSON.parse(text)) === true
const format = { type: 'json_schema', name: 'sea', schema: parameters }

const CASES: Case[] = [
  ['a chat by a schema', CHAT, { messages, max_tokens: 60, response_format: { type: 'json_schema', json_schema: format } }, saysRight], // prettier-ignore
  ['a required call', CHAT, { messages, max_tokens: 150, tools, tool_choice: 'required' }, calledRight],
  ['a required call with log probabilities', CHAT, { messages, max_tokens: 90, tools, tool_choice: 'required', parallel_tool_calls: false, logprobs: true, top_logprobs: 2 }, calledRight], // prettier-ignore
  ['a named call', CHAT, { messages, max_tokens: 120, tools, tool_choice: { type: 'function', function: { name: sea.name } } }, calledRight], // prettier-ignore
  ['a function of the old spelling', CHAT, { messages, max_tokens: 120, functions: [sea, bell], function_call: { name: sea.name } }, calledRight], // prettier-ignore
  ['calls that may be', CHAT, { messages, max_tokens: 40, tools, tool_choice: 'auto', logprobs: true }],
  [
    'no calls',
    CHAT,
    { messages, max_tokens: 24, tools, tool_choice: 'none' },
    ({ calls }) => calls.length === 0,
  ],
  ['a response by a schema', RESPONSES, { input: 'How is the sea?', max_output_tokens: 60, text: { format } }, saysRight], // prettier-ignore
  ['a response of calls', RESPONSES, { input: 'How is the sea?', max_output_tokens: 150, tools: flat, tool_choice: 'required' }, calledRight], // prettier-ignore
  ['a response of allowed tools', RESPONSES, { input: 'How is the sea?', max_output_tokens: 120, tools: flat, tool_choice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: sea.name }] }, parallel_tool_calls: false }, calledRight], // prettier-ignore
  ['a text by a pattern', TEXTS, { prompt: 'The sea is', max_tokens: 30, structured_outputs: { regex: ' (calm|rough), [a-z ]{3,40}\\.' } }, ({ text }) => /^ (calm|rough), [a-z ]{3,40}\.$/.test(text)], // prettier-ignore
]

const bodyOf = (body: Body, more: Body): string =>
  JSON.stringify({ model: worker.model, temperature: 1, seed: 5, ...body, ...more })
const post = (path: string, body: Body, more: Body, tenant = 'a'): Promise<Response> =>
  fetch(worker.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${tenant}`, 'x-islet-hash-logits': '1' },
    body: bodyOf(body, more),
  })
const whole = async (path: string, body: Body, more: Body = { store: false }): Promise<Told> => {
  const response = await post(path, body, more)
  const text = await response.text()
  expect([response.status, response.status === 200 ? '' : text]).toEqual([200, ''])
  return toldByReply(JSON.parse(text) as Body)
}

/** By a lane in Node, of the same body. */
async function hashInNode(path: string, body: Body, more: Body): Promise<string | undefined> {
  const dialect = { [CHAT]: chatDialect, [RESPONSES]: responsesDialect, [TEXTS]: completionsDialect }[path]
  if (dialect === undefined) throw new Error(path)
  const { order, prompt } = dialect.parse(JSON.parse(bodyOf(body, more)) as Body, () => 1)
  const given = await prompt(() => Promise.reject(new Error('none')))
  const { stream: _, includeUsage: _usage, cacheKey: _key, endUser: _user, ...asked } = order
  const { lane } = tinyLane(nodeSql(), 'a', { config: { maxPrompt: 4000 } })
  const events = await ask(lane, { ...request(), ...asked, ...given, model: 'tiny', hashLogits: true })
  expect(eventsOf(events, 'error')).toEqual([])
  return eventsOf(events, 'finish')[0]?.logitsHash
}

describe.each([0, 1])('at temperature %s', (temperature) => {
  const alone = new Map<string, Told>()

  it.each(CASES)('%s is right, in Node too', async (name, path, body, isHeld = () => true) => {
    const told = await whole(path, { ...body, temperature })
    expect(isHeld(told), JSON.stringify(told)).toBe(true)
    expect(told.hash).toMatch(/^[0-9a-f]{64}$/)
    expect(await hashInNode(path, { ...body, temperature }, { store: false })).toBe(told.hash)
    alone.set(name, told)
  })

  /** Where a stream is read on: `after` frames were read. */
  const readOn = (path: string, body: Body[], session: string, after: number): Promise<Response> => {
    const [first] = body
    const id = (first['response'] as Body | undefined)?.['id']
    const place = path === RESPONSES ? `/v1/responses/${String(id)}?stream=true&starting_after=${after - 1}` : `/v1/sessions/${session}/stream?after=${after}` // prettier-ignore
    return fetch(worker.url + place, { headers: { authorization: 'Bearer a' } })
  }

  it('four at once are streamed as they were whole, and read again from anywhere', async () => {
    for (let at = 0; at < CASES.length; at += 4) {
      await Promise.all(
        CASES.slice(at, at + 4).map(async ([name, path, body]) => {
          const expected = alone.get(name)
          const response = await post(path, { ...body, temperature }, { stream: true, store: true })
          const frames = await framesOf(response)
          expect(toldByFrames(frames), name).toEqual(expected)
          const session = response.headers.get('x-islet-session') ?? ''
          for (const after of [1, frames.length >> 1, frames.length - 1]) {
            const rest = await framesOf(await readOn(path, frames, session, after))
            expect(toldByFrames([...frames.slice(0, after), ...rest]), `${name}, after ${after}`).toEqual(
              expected,
            )
          }
        }),
      )
    }
  })

  it('killed in mid-answer they go on as they were', async () => {
    const broken = await Promise.all(
      CASES.map(async ([name, path, body], i) => {
        // A key each: of equal prompts one that comes late would go on with the session of one that was left.
        const asked = { ...body, temperature, prompt_cache_key: `case ${i}` }
        const response = await post(path, asked, { stream: true, store: true })
        const frames = await framesOf(response, 3 + 3 * i)
        return { name, path, frames, session: response.headers.get('x-islet-session') ?? '' }
      }),
    )
    await worker.kill()
    await worker.restart()
    for (const { name, path, frames, session } of broken) {
      const rest = await framesOf(await readOn(path, frames, session, frames.length))
      expect(toldByFrames([...frames, ...rest]), name).toEqual(alone.get(name))
    }
  }, 120_000)
})

it.each(CASES.filter(([, , , isHeld]) => isHeld !== undefined).filter(([name]) => name !== 'no calls'))(
  'the shortest of %s fits into as many tokens as are said, and no fewer',
  async (_, path, body, isHeld) => {
    const limit = path === RESPONSES ? 'max_output_tokens' : 'max_tokens'
    const refused = await post(path, body, { store: false, [limit]: 1 })
    const { error } = (await refused.json()) as { error: { param: string; message: string } }
    expect([refused.status, error.param]).toEqual([400, limit])
    const least = Number(/shortest answer takes (\d+)/.exec(error.message)?.[1])
    expect((await post(path, body, { store: false, [limit]: least - 1 })).status).toBe(400)
    for (const temperature of [0, 1])
      for (const more of [0, 1, 2]) {
        const told = await whole(path, { ...body, temperature }, { store: false, [limit]: least + more })
        expect(isHeld?.(told), JSON.stringify(told)).toBe(true)
        expect(told.end).not.toMatch(/length|incomplete/)
      }
  },
)
