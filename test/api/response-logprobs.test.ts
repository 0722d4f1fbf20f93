// Log probabilities of a response: each message's own, whole, streamed and read again, and none where nobody asks.

import { describe, expect, it } from 'vitest'
import { outputItems, viewObject } from '../../src/api/dialects/responses/view.ts'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import { clientOver, fakeLanes, finish, gather, MODEL, post, start, stored, TURN } from './helpers.ts'

const ask = (extra: object = {}) => ({ model: MODEL, input: 'Hi', ...extra })

describe('log probabilities', () => {
  const include = ['message.output_text.logprobs'] as const
  const scored = (token: string, fields: object): GenerationEvent => ({
    type: 'text',
    text: '',
    ids: [1],
    logprobs: [{ token, logprob: -1, bytes: [1], top: [{ token: 'z', logprob: -2, bytes: [2] }] }],
    ...fields,
  })
  const entry = (token: string) => ({ token, logprob: -1, bytes: [1], top_logprobs: [{ token: 'z', logprob: -2, bytes: [2] }] }) // prettier-ignore
  const events = [
    start,
    scored('hm', { reasoning: 'hm' }),
    scored('a', { text: 'a' }),
    scored('b', { text: 'b' }),
    scored('cut', {}),
    scored('call', { calls: [{ name: 'now', arguments: '{' }] }),
    scored('}', { calls: [{ arguments: '}' }] }),
    scored('late', {}),
    scored('c', { text: 'c' }),
    finish,
  ]
  const expected = [['a', 'b', 'cut'].map(entry), [entry('c')]]
  type Message = { type: string; content: { logprobs: object[] }[] }
  const messages = (output: unknown) =>
    (output as Message[]).filter(({ type }) => type === 'message').map(({ content }) => content[0].logprobs)

  it("are each message's own, whole, streamed and read again", async () => {
    const asked = ask({ include, top_logprobs: 1 })
    const whole = await clientOver(stored(events)).client.responses.create(asked)
    expect(messages(whole.output)).toEqual(expected)
    expect(whole).toMatchObject({ top_logprobs: 1 })
    const frames = await gather(
      await clientOver(stored(events)).client.responses.create({ ...asked, stream: true as const }),
    )
    const deltas = frames.filter((frame) => frame.type === 'response.output_text.delta')
    expect(deltas.map(({ delta }) => delta)).toEqual(['a', 'b', '', 'c'])
    expect(deltas.flatMap(({ logprobs }) => logprobs)).toEqual(expected.flat())
    const done = frames.filter((frame) => frame.type === 'response.output_text.done')
    expect(done.map(({ logprobs }) => logprobs)).toEqual(expected)
    const added = frames.filter((frame) => frame.type === 'response.content_part.added')
    for (const { part } of added.slice(1)) expect(part).toMatchObject({ text: '', logprobs: [] })
    const last = frames.at(-1)
    expect(last?.type === 'response.completed' && messages(last.response.output)).toEqual(expected)
    const reply = { kind: 'response', id: 'resp_x', created: 7, model: MODEL, background: false, shown: {} }
    const view = { session: 's', turn: TURN, reply, state: 'done' as const, createdAt: 7, conversation: [], events } // prettier-ignore
    const kept = clientOver(fakeLanes(events, { turn: async () => view })).client
    expect(messages((await kept.responses.retrieve(`resp_${TURN}`)).output)).toEqual(expected)
  })

  it('are asked of a lane where they are included, and nowhere else', async () => {
    const wanted = async (extra: object) => {
      const fake = fakeLanes()
      expect((await post(fake, '/v1/responses', ask(extra))).status).toBe(200)
      return fake.requests[0].topLogprobs
    }
    expect(await wanted({ include })).toBe(0)
    expect(await wanted({ include, top_logprobs: 20 })).toBe(20)
    expect(await wanted({ include: ['reasoning.encrypted_content', ...include], top_logprobs: 3 })).toBe(3)
    expect(await wanted({ include: ['reasoning.encrypted_content'], top_logprobs: 0 })).toBeUndefined()
    for (const refused of [{ top_logprobs: 1 }, { top_logprobs: 21, include }]) {
      const response = await post(fakeLanes(), '/v1/responses', ask(refused))
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({
        error: { param: 'top_logprobs', code: 'invalid_request' },
      })
    }
  })

  it('are no part of what a conversation keeps', () => {
    const reply = { kind: 'response', id: 'resp_x', created: 7, model: MODEL, background: false, shown: {} }
    const view = { session: 's', turn: TURN, reply, state: 'done' as const, createdAt: 7, conversation: [], events } // prettier-ignore
    expect(messages(outputItems(view))).toEqual([[], []])
    expect(messages((viewObject(view) as { output: unknown }).output)).toEqual(expected)
  })
})
