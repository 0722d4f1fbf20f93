// The `islet` field of a body: what a lane is asked for, and restricted log probabilities in each dialect's words.

import { describe, expect, it } from 'vitest'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import { parseChat } from '../../src/api/dialects/chat/schema.ts'
import { parseCompletion } from '../../src/api/dialects/completions/schema.ts'
import { parseResponse } from '../../src/api/dialects/responses/schema.ts'
import { chat, clientOver, completion, fakeLanes, finish, start, type Step } from './helpers.ts'

const DIALECTS: [string, (more: object) => Partial<GenerateRequest>][] = [
  ['chat', (more) => parseChat({ ...chat(), ...more }, () => 0).order],
  ['completions', (more) => parseCompletion({ ...completion(), ...more }, () => 0).order],
  ['responses', (more) => parseResponse({ model: 'm', input: 'a', ...more }, () => 0).order],
]

describe.each(DIALECTS)('islet of %s', (dialect, asked) => {
  const logprobs = {
    chat: { logprobs: true },
    completions: { logprobs: 0 },
    responses: { include: ['message.output_text.logprobs'] },
  }[dialect]

  it('leaves an answer open where it says so, and nowhere else', () => {
    expect(asked({ islet: { close: false } })).toHaveProperty('close', false)
    for (const islet of [undefined, null, {}, { close: null }, { close: true }])
      expect(asked({ islet })).not.toHaveProperty('close')
  })

  it('wants log probabilities restricted only beside log probabilities', () => {
    const islet = { logprobs: 'restricted' }
    expect(() => asked({ islet })).toThrow(expect.objectContaining({ param: 'islet.logprobs' }))
    expect(asked({ islet: { logprobs: 'raw' }, ...logprobs })).not.toHaveProperty('restrictedLogprobs')
    expect(asked({ islet, ...logprobs })).toHaveProperty('restrictedLogprobs', true)
    expect(asked({ islet, ...logprobs })).not.toHaveProperty('forcedTokens')
  })

  it('is told what was forced only beside log probabilities', () => {
    const islet = { logprobs: 'forced' }
    expect(() => asked({ islet })).toThrow(expect.objectContaining({ param: 'islet.logprobs' }))
    expect(asked({ islet, ...logprobs })).toHaveProperty('forcedTokens', true)
    expect(asked({ islet, ...logprobs })).not.toHaveProperty('restrictedLogprobs')
  })

  it.each([[{ close: 'no' }], [{ closed: false }], [true], [{ logprobs: true }]])('refuses %j', (islet) => {
    expect(() => asked({ islet })).toThrow(
      expect.objectContaining({ param: expect.stringMatching(/^islet/) }),
    )
  })
})

describe('restricted log probabilities', () => {
  const bytes = (token: string): number[] => [token.charCodeAt(0)]
  const rival = (token: string, restricted: number | null) => ({
    token,
    logprob: -2,
    bytes: bytes(token),
    restricted,
  })
  const script: Step[] = [
    start,
    {
      type: 'text',
      text: 'a',
      ids: [1],
      logprobs: [
        {
          token: 'a',
          logprob: -2,
          bytes: bytes('a'),
          restricted: -0.5,
          top: [rival('a', -0.5), rival('b', null)],
        },
      ],
    },
    finish,
  ]

  it('stand beside the raw ones in a chat', async () => {
    const fake = fakeLanes(script)
    const asked = chat({ logprobs: true, top_logprobs: 2 })
    const reply = await clientOver(fake).client.chat.completions.create(asked)
    expect(reply.choices[0].logprobs?.content).toEqual([
      {
        token: 'a',
        logprob: -2,
        bytes: [97],
        islet_logprob: -0.5,
        top_logprobs: [
          { token: 'a', logprob: -2, bytes: [97], islet_logprob: -0.5 },
          { token: 'b', logprob: -2, bytes: [98], islet_logprob: null },
        ],
      },
    ])
  })

  it('stand in arrays of their own in a completion', async () => {
    const reply = await clientOver(fakeLanes(script)).client.completions.create(completion({ logprobs: 2 }))
    expect(reply.choices[0].logprobs).toEqual({
      tokens: ['a'],
      token_logprobs: [-2],
      top_logprobs: [{ a: -2, b: -2 }],
      text_offset: [0],
      islet_token_logprobs: [-0.5],
      islet_top_logprobs: [{ a: -0.5, b: null }],
    })
  })
})

describe('what was forced', () => {
  const token = (name: string, forced: boolean) => ({
    token: name,
    logprob: -1,
    bytes: [97],
    forced,
    top: [],
  })
  const script: Step[] = [
    start,
    { type: 'text', text: 'ab', ids: [1, 2], logprobs: [token('a', true), token('b', false)] },
    finish,
  ]

  it('stands beside each log probability of a chat', async () => {
    const asked = chat({ logprobs: true })
    const reply = await clientOver(fakeLanes(script)).client.chat.completions.create(asked)
    expect(reply.choices[0].logprobs?.content).toEqual([
      { token: 'a', logprob: -1, bytes: [97], islet_forced: true, top_logprobs: [] },
      { token: 'b', logprob: -1, bytes: [97], islet_forced: false, top_logprobs: [] },
    ])
  })

  it('stands in an array of a completion', async () => {
    const reply = await clientOver(fakeLanes(script)).client.completions.create(completion({ logprobs: 0 }))
    expect(reply.choices[0].logprobs).toHaveProperty('islet_forced', [true, false])
  })
})
