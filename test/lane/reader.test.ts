// What one reader gets: each text once, the start once, what was held back, the end, and an error as the last event.

import { describe, expect, test } from 'vitest'
import { Answer } from '../../src/answer/answer.ts'
import { guarded } from '../../src/lane/fail-event.ts'
import { ReaderDriver } from '../../src/lane/reader-driver.ts'
import { Reader } from '../../src/lane/reader.ts'
import { IsletError } from '../../src/lib/errors.ts'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { unstored, type TurnRecord } from '../../src/storage/turn-record.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { request } from '../helpers/request.ts'

const tokenizer = byteTokenizer()
const bytes = (text: string): number[] => tokenizer.encode(text)

function answerOf(text: string, changes: Partial<GenerateRequest> = {}): Answer {
  const answer = new Answer(request(changes), tokenizer, [])
  answer.replay(bytes(text), [])
  return answer
}

const recordOf = (changes: Partial<TurnRecord> = {}): TurnRecord => ({
  ...unstored(request(), { ids: [1, 2, 3], truncatedTokens: 4, kind: 'ids', tools: false }, undefined),
  cachedTokens: 2,
  ...changes,
})
const usage = { promptTokens: 3, cachedTokens: 2, completionTokens: 0 }
const ended = (reason: 'stop' | 'length'): TurnRecord['end'] => ({
  type: 'finish',
  reason,
  usage,
  window: { window: undefined, sinks: 0, outOfSight: 0 },
})
const failed: TurnRecord['end'] = { type: 'error', code: 'engine_failure', message: 'broken' }
const textsOf = (events: Iterable<GenerationEvent>): string[] =>
  [...events].map((event) => (event.type === 'text' ? event.text : `(${event.type})`))

describe("a reader's cursor", () => {
  test('skips what was given of an answer that is replayed', () => {
    const reader = new Reader()
    const before = answerOf('abc')
    expect([reader.next(before)?.text, reader.next(before)?.text]).toEqual(['a', 'b'])
    const after = answerOf('abcd')
    expect(textsOf(reader.take(after))).toEqual(['c', 'd'])
    expect(reader.next(after)).toBeUndefined()
    expect(textsOf(reader.take(answerOf('abcd')))).toEqual([])
  })

  test('counts the echo, which comes with the start', () => {
    const reader = new Reader()
    const record = recordOf({ echo: 'said' })
    expect([...reader.start(record)]).toEqual([
      { type: 'start', promptTokens: 3, cachedTokens: 2, truncatedTokens: 4 },
      { type: 'text', at: 0, text: 'said', ids: [] },
    ])
    expect(textsOf(reader.take(answerOf('a', { echo: true })))).toEqual(['a'])
    expect([...reader.start(record)]).toEqual([])
    expect(textsOf(reader.take(answerOf('ab', { echo: true })))).toEqual(['b'])
  })

  test('gives no start of what failed before it began', () => {
    const starts = (changes: Partial<TurnRecord>) => textsOf(new Reader().start(recordOf(changes)))
    expect(starts({ cachedTokens: undefined, end: failed })).toEqual([])
    expect(starts({ cachedTokens: 0, end: failed })).toEqual(['(start)'])
    expect(starts({ cachedTokens: undefined, end: ended('stop') })).toEqual(['(start)'])
    expect(starts({ cachedTokens: undefined })).toEqual(['(start)'])
    expect([...new Reader().start(recordOf({ cachedTokens: undefined }))]).toMatchObject([
      { cachedTokens: 0 },
    ])
  })

  test('gives what was held back where no token and no stop string ended the answer, and only there', () => {
    const rest = (end: TurnRecord['end'], text = 'aSTO') => {
      const reader = new Reader()
      const answer = answerOf(text, { stop: ['STOP'] })
      return [...textsOf(reader.take(answer)), '|', ...textsOf(reader.rest(recordOf({ end }), answer))]
    }
    expect(rest(ended('length'))).toEqual(['a', '|', 'STO'])
    expect(rest(ended('length'), 'ab')).toEqual(['a', 'b', '|'])
    // The ids of the stop string, which print nothing.
    expect(rest(ended('stop'), 'aSTOP')).toEqual(['a', '', '|'])
    for (const end of [failed, undefined]) expect(rest(end)).toEqual(['a', '|'])
  })

  test('counts what was held back, too', () => {
    const reader = new Reader()
    const answer = answerOf('aSTO', { stop: ['STOP'] })
    expect(textsOf(reader.take(answer))).toEqual(['a'])
    expect(textsOf(reader.rest(recordOf({ end: ended('length') }), answer))).toEqual(['STO'])
    expect(textsOf(reader.take(answerOf('ab')))).toEqual([])
  })
})

/** A driver of these events, and what became of them. */
function driven(events: readonly GenerationEvent[], now?: () => number) {
  const seen = { made: 0, ended: false }
  const driver = new ReaderDriver(async function* (own) {
    try {
      for (const event of events) {
        if (own.signal.aborted) return
        seen.made++
        await Promise.resolve()
        yield event
      }
    } finally {
      seen.ended = true
    }
  }, now)
  return { driver, seen }
}

const text = (said: string): GenerationEvent => ({ type: 'text', text: said, ids: [] })
const settled = () => new Promise((resolve) => setImmediate(resolve))
const conflict = (message: string) => new IsletError('conflict', message)

describe('a reader driver', () => {
  test('makes an event when its reader asks, and none ahead', async () => {
    const { driver, seen } = driven([text('a'), text('b')])
    const reader = decodeEvents(driver.stream())
    expect(seen.made).toBe(0)
    expect((await reader.next()).value).toEqual(text('a'))
    expect([seen.made, seen.ended, driver.isUnread]).toEqual([1, false, false])
    expect((await reader.next()).value).toEqual(text('b'))
    expect((await reader.next()).done).toBe(true)
    expect([seen.made, seen.ended]).toEqual([2, true])
  })

  test('says for how long its reader has asked for nothing', async () => {
    let time = 100
    let go: () => void = () => undefined
    const driver = new ReaderDriver(
      async function* () {
        yield text('a')
        await new Promise<void>((resolve) => (go = resolve))
        yield text('b')
      },
      () => time,
    )
    expect(driver.unreadFor()).toBe(0)
    const reader = driver.stream().getReader()
    await reader.read()
    time = 140
    expect(driver.unreadFor()).toBe(40)
    const next = reader.read()
    await settled()
    expect(driver.unreadFor()).toBe(0)
    time = 200
    go()
    await next
    time = 207
    expect(driver.unreadFor()).toBe(7)
  })

  test('that is stopped runs no more, and tells the first reason to a reader that asks once more', async () => {
    const { driver, seen } = driven([text('a'), text('b')])
    const reader = decodeEvents(driver.stream())
    await reader.next()
    await driver.stop(conflict('one'))
    expect([driver.signal.aborted, seen.ended]).toEqual([true, true])
    await driver.stop(conflict('two'))
    expect((await reader.next()).value).toMatchObject({ type: 'error', code: 'conflict', message: 'one' })
    expect((await reader.next()).done).toBe(true)
    expect(seen.made).toBe(1)
  })

  test('that is stopped for no reason ends without a word, before it began too', async () => {
    const { driver, seen } = driven([text('a')])
    const reader = decodeEvents(driver.stream())
    await driver.stop()
    expect((await reader.next()).done).toBe(true)
    expect(seen.made).toBe(0)
  })

  test('gives nothing of an event that comes when it was stopped', async () => {
    const { driver } = driven([text('a'), text('b')])
    const reader = decodeEvents(driver.stream())
    const asked = reader.next()
    const stopped = driver.stop(conflict('stopped'))
    expect((await asked).value).toMatchObject({ type: 'error', message: 'stopped' })
    expect((await reader.next()).done).toBe(true)
    await stopped
  })

  test('ends with a reader that cancels, in the middle of an event too', async () => {
    const calm = driven([text('a'), text('b')])
    const reader = calm.driver.stream().getReader()
    await reader.read()
    await reader.cancel()
    expect([calm.driver.signal.aborted, calm.seen.ended]).toEqual([true, true])
    let go: () => void = () => undefined
    const busy = new ReaderDriver(async function* () {
      await new Promise<void>((resolve) => (go = resolve))
      yield text('late')
    })
    const stream = busy.stream().getReader()
    const asked = stream.read()
    await settled()
    const cancelled = stream.cancel()
    go()
    expect((await asked).done).toBe(true)
    await cancelled
    expect(busy.signal.aborted).toBe(true)
  })

  test('without a reader runs to its end, and rests after each event', async () => {
    const { driver, seen } = driven([text('a'), text('b'), text('c')])
    const rests: number[] = []
    await driver.run(() => Promise.resolve(void rests.push(seen.made)))
    expect([rests, seen.ended, driver.isUnread]).toEqual([[1, 2, 3], true, true])
  })
})

describe('a guard', () => {
  const guardedBy = async (thrown: unknown) => {
    const logged: Record<string, unknown>[] = []
    const events: GenerationEvent[] = []
    const failing = async function* (): AsyncGenerator<GenerationEvent> {
      await Promise.resolve()
      yield text('a')
      throw thrown
    }
    for await (const event of guarded(failing(), 'r1', (entry) => logged.push(entry))) events.push(event)
    return { events, logged }
  }

  test("makes a client's mistake the last event, and no line of the log", async () => {
    const { events, logged } = await guardedBy(conflict('no'))
    expect(events).toEqual([text('a'), { type: 'error', code: 'conflict', message: 'no' }])
    expect(logged).toEqual([])
  })

  test('logs a fault of ours with its facts, of which the client hears nothing', async () => {
    const facts = { page: 3 }
    const fault = new IsletError('engine_failure', 'broken', { facts })
    const { events, logged } = await guardedBy(fault)
    expect(events[1]).toEqual({ type: 'error', code: 'engine_failure', message: 'broken' })
    expect(logged).toEqual([
      { requestId: 'r1', code: 'engine_failure', message: 'broken', facts, stack: fault.stack },
    ])
  })

  test('logs whatever was thrown', async () => {
    for (const [thrown, message] of [
      [new TypeError('odd'), 'odd'],
      ['a word', 'a word'],
      [undefined, 'undefined'],
      [null, 'null'],
    ]) {
      const { events, logged } = await guardedBy(thrown)
      expect(events[1]).toMatchObject({ type: 'error', code: 'internal_error' })
      expect(logged).toMatchObject([{ requestId: 'r1', code: 'internal_error', message }])
    }
  })

  test('lets events be', async () => {
    const events: GenerationEvent[] = []
    const calm = async function* (): AsyncGenerator<GenerationEvent> {
      await Promise.resolve()
      yield text('a')
      yield text('b')
    }
    for await (const event of guarded(calm(), 'r1', () => expect.unreachable())) events.push(event)
    expect(events).toEqual([text('a'), text('b')])
  })
})
