// What an owner sees of a session and of a turn: its length, what is in sight, its pages, and the answer as one piece.

import { describe, expect, test } from 'vitest'
import { sessionView } from '../../src/lane/session-view.ts'
import { turnView } from '../../src/lane/turn-view.ts'
import {
  joinCalls,
  type GenerateRequest,
  type TextEvent,
  type TokenLogprob,
} from '../../src/protocol/generation.ts'
import { newRecord, type TurnRecord } from '../../src/storage/turn-record.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { eventsOf, mockManifest } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

const tokenizer = byteTokenizer()
const bytes = (text: string): number[] => tokenizer.encode(text)
const messages = [{ role: 'user', content: 'q' }]
const window = { window: 7, sinks: 2, outOfSight: 5 }
const usage = { promptTokens: 20, cachedTokens: 4, completionTokens: 3 }
const FULL = { window: undefined, sinks: 0 }

function recordOf(said: string, changes: Partial<TurnRecord> = {}, asked: Partial<GenerateRequest> = {}) {
  const prompt = { ids: Array.from({ length: 20 }, (_, id) => id), truncatedTokens: 6 }
  const record = newRecord(
    request({ prompt: { kind: 'chat', messages }, model: 'Mock', reply: { a: 1 }, ...asked }),
    { ...prompt, kind: 'chat', tools: asked.prompt?.kind === 'chat' && asked.prompt.tools !== undefined },
    { session: 'sess_0_a', turn: '0_a_b', createdAt: 10, expiresAt: 90, model: 'hash', echo: undefined },
  )
  return { ...record, usedAt: 30, generated: bytes(said), ...changes }
}
const ended = (reason: 'stop' | 'length'): TurnRecord['end'] => ({ type: 'finish', reason, usage, window })

describe('a session', () => {
  const held = { pageBytes: 100, memory: 3, storage: 2 }

  test('is told with its times, its tokens, and where its pages lie', () => {
    expect(sessionView(recordOf('abc'), FULL, held)).toEqual({
      id: 'sess_0_a',
      model: 'Mock',
      state: 'running',
      createdAt: 10,
      usedAt: 30,
      expiresAt: 90,
      tokens: 23,
      completionTokens: 3,
      window: { window: undefined, sinks: 0, outOfSight: 0 },
      memory: { pages: 3, bytes: 300 },
      storage: { pages: 2, bytes: 200 },
    })
  })

  test('that has ended tells the window that it had, another the one in force', () => {
    const options = { window: 10, sinks: 2 }
    const inSight = (changes: Partial<TurnRecord>) =>
      sessionView(recordOf('abc', changes), options, held).window
    expect(inSight({ end: ended('stop') })).toEqual(window)
    // The query that chose the last of 23 ids stood at position 21.
    expect(inSight({})).toEqual({ window: 10, sinks: 2, outOfSight: 10 })
    expect(inSight({ end: { type: 'error', code: 'engine_failure', message: '' } }).outOfSight).toBe(10)
    expect(inSight({ generated: [], prompt: { ...recordOf('').prompt, ids: [1] } }).outOfSight).toBe(0)
  })
})

describe('a turn', () => {
  const model = { manifest: mockManifest(), tokenizer }
  const texts = (record: TurnRecord) => turnView(record, model).events.filter(({ type }) => type === 'text')

  test('is told whole: what was asked, the start, the answer as one text, the end', () => {
    const record = recordOf('abc', { cachedTokens: 4, end: ended('stop') })
    expect(turnView({ ...record, conversation: messages }, model)).toEqual({
      session: 'sess_0_a',
      turn: '0_a_b',
      reply: { a: 1 },
      state: 'running',
      createdAt: 10,
      conversation: messages,
      events: [
        { type: 'start', promptTokens: 20, cachedTokens: 4, truncatedTokens: 6 },
        { type: 'text', text: 'abc', ids: bytes('abc') },
        record.end,
      ],
    })
  })

  test('that has not begun is told without a start, a text or an end', () => {
    expect(turnView(recordOf(''), model)).toMatchObject({ conversation: [], events: [] })
    expect(turnView(recordOf('', { cachedTokens: 0 }), model).events).toMatchObject([{ cachedTokens: 0 }])
  })

  test('shows what was held back where its limit ended it, and only there', () => {
    const held = (end: TurnRecord['end']) => texts(recordOf('aSTO', { end }, { stop: ['STOP'] }))
    expect(held(ended('length'))).toMatchObject([{ text: 'aSTO', ids: bytes('aSTO') }])
    for (const end of [undefined, ended('stop')]) expect(held(end)).toMatchObject([{ text: 'a' }])
    expect(texts(recordOf('ab', { end: ended('length') }))).toMatchObject([{ text: 'ab' }])
  })

  test('puts thoughts, calls and log probabilities of its pieces together', () => {
    const template = '</think><think>{{ tools }}<tool_call>'
    const manifest = { ...mockManifest(), chat: { kind: 'jinja' as const, template } }
    const call = (name: string) => `<tool_call>{"name":"${name}","arguments":{}}</tool_call>`
    const said = `<think>hm so</think>ok ${call('f')}${call('g')}`
    const logprobs = bytes(said).map((id): TokenLogprob => ({
      token: `${id}`,
      logprob: -id,
      bytes: [id],
      top: [],
    }))
    const record = recordOf(
      said,
      { logprobs },
      {
        topLogprobs: 0,
        prompt: { kind: 'chat', messages, tools: [{ name: 'f' }, { name: 'g' }] },
      },
    )
    // Those of text stay apart from those of thoughts and calls.
    const pieces = eventsOf(turnView(record, { manifest, tokenizer }).events, 'text')
    const all = <T>(of: (piece: TextEvent) => T[] | undefined): T[] =>
      pieces.flatMap((piece) => of(piece) ?? [])
    expect(pieces.map(({ text }) => text).join('')).toBe('ok')
    expect(pieces.map(({ reasoning = '' }) => reasoning).join('')).toBe('hm so')
    expect(joinCalls(all(({ calls }) => calls))).toEqual([
      { name: 'f', arguments: '{}' },
      { name: 'g', arguments: '{}' },
    ])
    expect(all((piece) => piece.logprobs)).toEqual(logprobs)
    expect(all(({ ids }) => ids)).toEqual(bytes(said))
    const ofText = pieces.filter(({ text }) => text !== '')
    for (const piece of ofText) expect([piece.reasoning ?? '', piece.calls ?? []]).toEqual(['', []])
    const [plain] = texts(recordOf('abc'))
    for (const field of ['reasoning', 'calls', 'logprobs']) expect(plain).not.toHaveProperty(field)
  })
})
