// Texts of a whole answer go together, four in a piece, while nobody else wants the thread; all others go one by one.

import { expect, test } from 'vitest'
import { ReaderDriver, TEXTS_A_PIECE } from '../../src/lane/reader-driver.ts'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import { IsletError } from '../../src/lib/errors.ts'
import { idsOf, mockLane } from '../helpers/mock-lane.ts'
import { greedyAlone } from '../helpers/mock-model.ts'
import { request } from '../helpers/request.ts'

const text = (said: string): GenerationEvent => ({ type: 'text', text: said, ids: [] })
const progress: GenerationEvent = { type: 'progress', state: 'prefill', done: 1, total: 2 }

/** The events of each piece of a stream. */
async function piecesOf(stream: ReadableStream<Uint8Array>): Promise<GenerationEvent[][]> {
  const pieces: GenerationEvent[][] = []
  for await (const piece of stream) {
    const lines = new TextDecoder().decode(piece).trimEnd().split('\n')
    pieces.push(lines.map((line) => JSON.parse(line) as GenerationEvent))
  }
  return pieces
}
const textsIn = (pieces: readonly GenerationEvent[][]): number[] =>
  pieces.map((events) => events.filter(({ type }) => type === 'text').length)

test('a piece ends with what is no text, with its fourth text, or where no more may come with it', async () => {
  const events = [text('a'), text('b'), progress, ...Array.from('cdefgh', text)]
  const driver = new ReaderDriver(async function* () {
    yield* events
  })
  const pieces = await piecesOf(driver.stream(() => true))
  expect(pieces.map(({ length }) => length)).toEqual([3, TEXTS_A_PIECE, 2])
  expect(pieces.flat()).toEqual(events)
  const alone = new ReaderDriver(async function* () {
    yield* events
  })
  expect((await piecesOf(alone.stream())).map(({ length }) => length)).toEqual(events.map(() => 1))
})

test('what is gathered when an answer is stopped comes before the reason', async () => {
  const driver: ReaderDriver = new ReaderDriver(async function* (own) {
    yield text('a')
    void own.stop(new IsletError('conflict', 'read elsewhere'))
    yield text('b')
  })
  const pieces = await piecesOf(driver.stream(() => true))
  expect(pieces.flat()).toMatchObject([{ text: 'a' }, { type: 'error', code: 'conflict' }])
})

const prompt = (seed: number) => ({
  kind: 'ids' as const,
  ids: Array.from({ length: 20 }, (_, i) => (i * 7 + seed * 31) % 251),
})
const asked = (seed: number, unseen: boolean) =>
  request({ prompt: prompt(seed), maxTokens: 40, ignoreEos: true, ...(unseen && { unseen }) })

test('a whole answer comes in fewer pieces than a streamed one, with the same ids', async () => {
  const { lane } = mockLane()
  const whole = await piecesOf(lane.generate(asked(1, true)))
  const streamed = await piecesOf(lane.generate(asked(1, false)))
  for (const pieces of [whole, streamed]) expect(idsOf(pieces.flat())).toEqual(greedyAlone(prompt(1).ids, 40))
  expect(Math.max(...textsIn(streamed))).toBe(1)
  expect(Math.max(...textsIn(whole))).toBe(TEXTS_A_PIECE)
  const texts = textsIn(streamed).reduce((sum, count) => sum + count, 0)
  expect(textsIn(whole).filter((count) => count > 0).length).toBeLessThanOrEqual(texts / TEXTS_A_PIECE + 2)
})

test('beside another answer each text goes by itself', async () => {
  const { lane } = mockLane()
  const other = lane.generate(request({ prompt: prompt(2), maxTokens: 400, ignoreEos: true })).getReader()
  for (let i = 0; i < 5; i++) await other.read()
  const whole = await piecesOf(lane.generate(asked(1, true)))
  expect(idsOf(whole.flat())).toEqual(greedyAlone(prompt(1).ids, 40))
  expect(Math.max(...textsIn(whole))).toBe(1)
  await other.cancel()
})
