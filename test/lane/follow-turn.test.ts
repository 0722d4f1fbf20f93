// A turn that is told from its record: what needs no engine, what is computed again, and a reader that left before.

import { describe, expect, test } from 'vitest'
import { answerTo, follow } from '../../src/lane/follow-turn.ts'
import { Isolate } from '../../src/lane/isolate.ts'
import { TurnHost } from '../../src/lane/turn-host.ts'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import { newRecord, type TurnRecord } from '../../src/storage/turn-record.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { mockManifest } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

const text = { manifest: mockManifest(), tokenizer: byteTokenizer() }
const END: TurnRecord['end'] = {
  type: 'finish',
  reason: 'length',
  usage: { promptTokens: 2, cachedTokens: 0, completionTokens: 2 },
  window: { window: undefined, sinks: 0, outOfSight: 0 },
}

function recordOf(changes: Partial<TurnRecord> = {}, asked: Partial<GenerateRequest> = {}): TurnRecord {
  const prompt = { ids: [1, 2], truncatedTokens: 0, kind: 'ids' as const, tools: false }
  const details = {
    session: 'sess_0_a',
    turn: '0_a_t',
    createdAt: 1,
    expiresAt: 9,
    model: 'm',
    echo: undefined,
  }
  return { ...newRecord(request(asked), prompt, details), cachedTokens: 0, generated: [97, 98], ...changes }
}

/** Follows without an engine: one is never there. */
async function followed(record: TurnRecord, signal: AbortSignal): Promise<GenerationEvent[]> {
  const loader = {
    clock: { now: () => 0, wait: () => new Promise<void>((resolve) => setImmediate(resolve)) },
    readText: () => Promise.resolve(text),
    readModel: () => Promise.reject(new Error('a model was read')),
    readPrefix: () => Promise.resolve(undefined),
  }
  const limits = () => ({ maxPrompt: 9, maxPositions: 99 })
  const host = new TurnHost({ isolate: new Isolate(), loader, limits }, false)
  const events: GenerationEvent[] = []
  for await (const event of follow(record, text, host, signal)) events.push(event)
  return events
}
const { signal } = new AbortController()
const typesOf = (events: readonly GenerationEvent[]) => events.map(({ type }) => type).join(' ')

describe('a turn that has ended', () => {
  test('is told from its record: session, start, texts, what was held back, the end', async () => {
    const events = await followed(recordOf({ end: END }), signal)
    expect(typesOf(events)).toBe('session start text text finish')
    const held = await followed(recordOf({ end: END }, { stop: ['bc'] }), signal)
    expect(held.flatMap((event) => (event.type === 'text' ? [event.text] : []))).toEqual(['a', 'b'])
    expect(events[0]).toEqual({ type: 'session', session: 'sess_0_a', turn: '0_a_t', reply: null })
  })

  test('is told as it is, with the hash of its logits too, and without a session where it is not stored', async () => {
    const record = recordOf({ end: END, session: '' }, { hashLogits: true })
    expect(typesOf(await followed(record, signal))).toBe('start text text finish')
    expect(record.generated).toEqual([97, 98])
  })
})

describe('a turn that goes on', () => {
  const left = AbortSignal.abort()

  test('for a reader that left already has its session and no more', async () => {
    const record = recordOf()
    expect(typesOf(await followed(record, left))).toBe('session')
    expect(record.generated).toEqual([97, 98])
  })

  test('is computed from its first row where a hash or log probabilities want all of them', async () => {
    for (const asked of [{ hashLogits: true }, { topLogprobs: 0 }]) {
      const record = recordOf({}, asked)
      await followed(record, left)
      expect(record.generated).toEqual([])
    }
    const logprobs = [97, 98].map((id) => ({ token: '', logprob: -1, bytes: [id], top: [] }))
    const record = recordOf({ logprobs }, { topLogprobs: 0 })
    await followed(record, left)
    expect(record.generated).toEqual([97, 98])
  })
})

test('the answer of a record has its ids, and whether its limit ruled', () => {
  const closed = (changes: Partial<TurnRecord>) => answerTo(recordOf(changes), text).closedEarly
  expect([closed({ closedEarly: true }), closed({})]).toEqual([true, false])
  expect(answerTo(recordOf(), text).take()).toMatchObject({ text: 'a', ids: [97] })
})
