// A kept turn is shown with all of its answer in the order in which the model wrote it.

import { describe, expect, it } from 'vitest'
import { turnView } from '../../src/lane/turn-view.ts'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import { newRecord } from '../../src/storage/turn-record.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { mockManifest } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

const text = {
  manifest: { ...mockManifest(), chat: { kind: 'jinja' as const, template: '{{ tools }}<tool_call>' } },
  tokenizer: byteTokenizer(),
}
const finish: GenerationEvent & { type: 'finish' } = {
  type: 'finish',
  reason: 'tool_calls',
  usage: { promptTokens: 1, cachedTokens: 0, completionTokens: 9 },
  window: { window: undefined, sinks: 0, outOfSight: 0 },
}

/** The view of a chat with functions whose answer is this text until now. */
function viewOf(answer: string, end?: GenerationEvent & { type: 'finish' }, topLogprobs?: number) {
  const messages = [{ role: 'user', content: 'q' }]
  const asked = request({
    prompt: { kind: 'chat', messages },
    conversation: messages,
    store: true,
    topLogprobs,
  })
  const prompt = { ids: [1], truncatedTokens: 0, kind: 'chat' as const, tools: true }
  const details = { session: 's', turn: 't', createdAt: 0, expiresAt: 1, model: 'mock', echo: undefined }
  const record = { ...newRecord(asked, prompt, details), cachedTokens: 0, end }
  record.generated = [...new TextEncoder().encode(answer)]
  if (topLogprobs !== undefined)
    record.logprobs = record.generated.map((byte) => ({
      token: String.fromCharCode(byte),
      logprob: -1,
      bytes: [byte],
      top: [],
    }))
  return turnView(record, text).events
}

const call = (name: string) => `<tool_call>{"name":"${name}","arguments":{"x":1.0}}</tool_call>`
const saidIn = (events: readonly GenerationEvent[]) =>
  events.flatMap((event) =>
    event.type === 'text'
      ? [[event.text.trim(), (event.calls ?? []).map(({ name }) => name ?? '+').join('')]]
      : [],
  )

describe('a turn view', () => {
  it('has one text where calls follow what is said', () => {
    const events = viewOf(`Let me see. ${call('f')}\n${call('g')}`, finish)
    expect(events.map(({ type }) => type)).toEqual(['start', 'text', 'finish'])
    expect(saidIn(events)[0][0]).toBe('Let me see.')
    expect(saidIn(events)[0][1].replaceAll('+', '')).toBe('fg')
  })

  it('has a further one behind a call', () => {
    const answer = `a ${call('f')} b ${call('g')} c`
    const said = saidIn(viewOf(answer, { ...finish, reason: 'length' }))
    expect(said.map(([each, names]) => [each, names.replaceAll('+', '')])).toEqual([
      ['a', 'f'],
      ['b', 'g'],
      ['c', ''],
    ])
  })

  it('keeps the log probabilities of what is said apart from those of calls', () => {
    const texts = viewOf(`ab ${call('f')}`, finish, 0).filter((event) => event.type === 'text')
    const tokens = texts.map(({ logprobs = [] }) => logprobs.map(({ token }) => token).join(''))
    expect(tokens.join('')).toBe(`ab ${call('f')}`)
    expect(texts[0].text.trim()).toBe('ab')
    expect(tokens[0]).toMatch(/^ab/)
    expect(tokens[0]).not.toContain('}')
  })

  it('of a turn that has written nothing has none', () => {
    expect(viewOf('').map(({ type }) => type)).toEqual(['start'])
  })
})
