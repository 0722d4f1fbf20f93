// The scores of a prompt that come with its echo: those of plain computation, in any company, however it was read.

import { describe, expect, test, vi } from 'vitest'
import { fileSource } from '../../cli/lib/file-source.ts'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { Feed } from '../../src/graph/feed.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { readModelText } from '../../src/lane/asset-source.ts'
import type { WindowOptions } from '../../src/cache/window.ts'
import type { GenerateRequest, GenerationEvent, TokenLogprob } from '../../src/protocol/generation.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { largest } from '../../src/sampling/candidates.ts'
import { logSumExp } from '../../src/sampling/logprobs.ts'
import {
  ask,
  eventsOf,
  idsOf,
  laneOn,
  laneStorage,
  mockLane,
  textOf,
  trapOnce,
} from '../helpers/mock-lane.ts'
import { readOn } from '../helpers/lane-readers.ts'
import { greedyAlone, logitsAlone } from '../helpers/mock-model.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { request } from '../helpers/request.ts'
import { tinyLane } from '../helpers/stored-object.ts'

const WORDS = 'The lamp is lit at dusk, été comme hiver 🌍.'
const IDS = [256, ...new TextEncoder().encode(WORDS)]

const asked = (changes: Partial<GenerateRequest> = {}): GenerateRequest =>
  request({
    prompt: { kind: 'text', text: WORDS },
    echo: true,
    scorePrompt: true,
    topLogprobs: 2,
    ignoreEos: true,
    ...changes,
  })

const scoresIn = (events: readonly GenerationEvent[]): TokenLogprob[] =>
  eventsOf(events, 'text').flatMap(({ logprobs = [] }) => logprobs)

/** Log probabilities of a token, its own first, and the bytes of the likeliest; without any of one that was not scored. */
const numbers = ({ unscored, logprob, top }: TokenLogprob): (number | number[])[] =>
  unscored === true ? [] : [logprob, ...top.flatMap((rival) => [rival.logprob, rival.bytes])]

/** What the mock model says of each id but the first when all run alone. */
function alone(ids: readonly number[], window?: WindowOptions): (number | number[])[][] {
  const rows = logitsAlone(ids, window)
  return ids.slice(1).map((id, at) => {
    const offset = logSumExp(rows[at])
    const best = largest(rows[at], 2)
    return [
      rows[at][id] - offset,
      ...best.flatMap((other) => [rows[at][other] - offset, other < 256 ? [other] : []]),
    ]
  })
}

const expected = (ids: readonly number[], window?: WindowOptions) => [[], ...alone(ids, window)]

describe('an echo with log probabilities', () => {
  test.each([{}, { maxLogitRows: 1 }, { maxLogitRows: 16 }, { maxRows: 3 }, { pageCount: 8 }])(
    'says those of each token, and the answer goes on as it would: %j',
    async (model) => {
      const { lane, models } = mockLane({ model })
      const events = await ask(lane, asked())
      const answer = greedyAlone(IDS, 8)
      expect(idsOf(events)).toEqual(answer)
      expect(scoresIn(events).map(numbers)).toEqual(expected([...IDS, ...answer]))
      expect(textOf(events).startsWith(WORDS)).toBe(true)
      expect(eventsOf(events, 'text').map(({ at }) => at)).toEqual(
        eventsOf(events, 'text').map((_, index) => index),
      )
      expect(models[0].rowsRun).toBe(IDS.length + 7)
      for (const [, logits] of models[0].steps) expect(logits).toBeLessThanOrEqual(model.maxLogitRows ?? 4)
    },
  )

  test('comes alone, where nothing shall be generated', async () => {
    const { lane, models } = mockLane()
    const events = await ask(lane, asked({ maxTokens: 0 }))
    expect(scoresIn(events).map(numbers)).toEqual(expected(IDS))
    expect([textOf(events), idsOf(events)]).toEqual([WORDS, []])
    expect(events.at(-1)).toMatchObject({
      type: 'finish',
      reason: 'length',
      usage: { promptTokens: IDS.length, cachedTokens: 0, completionTokens: 0 },
    })
    expect(models[0].rowsRun).toBe(IDS.length)
    const [one] = eventsOf(
      await ask(lane, asked({ maxTokens: 0, prompt: { kind: 'ids', ids: [65] } })),
      'text',
    )
    expect(one).toMatchObject({ at: 0, text: 'A', logprobs: [{ token: 'A', unscored: true, top: [] }] })
  })

  test('without log probabilities and an answer is the text alone, and runs no row', async () => {
    const { lane, models } = mockLane()
    const events = await ask(lane, request({ echo: true, maxTokens: 0 }))
    expect(textOf(events)).toBe('Hello')
    expect(events.at(-1)).toMatchObject({ reason: 'length', usage: { completionTokens: 0 } })
    expect(models[0].rowsRun).toBe(0)
  })

  test('takes nothing from what is cached, and leaves it to others', async () => {
    const { lane, models } = mockLane()
    await ask(lane, request({ prompt: { kind: 'text', text: WORDS } }))
    const ran = models[0].rowsRun
    const warm = await ask(lane, asked({ maxTokens: 0 }))
    expect(scoresIn(warm).map(numbers)).toEqual(expected(IDS))
    expect(eventsOf(warm, 'start')[0].cachedTokens).toBe(0)
    expect(models[0].rowsRun - ran).toBe(IDS.length)
    const later = await ask(mockLane().lane, asked({ maxTokens: 0 }))
    expect(scoresIn(later)).toEqual(scoresIn(warm))
    const chat = await ask(lane, request({ prompt: { kind: 'text', text: WORDS } }))
    expect(eventsOf(chat, 'start')[0].cachedTokens).toBe(IDS.length - 1)
    expect(idsOf(chat)).toEqual(greedyAlone(IDS, 8))
  })

  test('has the same bits beside other tenants, who go on', async () => {
    const { lane } = mockLane({ model: { pageCount: 24 } })
    const all = await Promise.all([
      ask(lane, asked({ tenant: 'a', requestId: 'a' })),
      ask(lane, request({ tenant: 'b', requestId: 'b', maxTokens: 30, ignoreEos: true })),
      ask(lane, asked({ tenant: 'c', requestId: 'c', maxTokens: 0 })),
    ])
    expect(scoresIn(all[0]).map(numbers)).toEqual(expected([...IDS, ...greedyAlone(IDS, 8)]))
    expect(idsOf(all[1])).toEqual(greedyAlone([256, ...Buffer.from('Hello')], 30))
    expect(scoresIn(all[2]).map(numbers)).toEqual(expected(IDS))
  })

  test.each([2, 9, 14])('goes on in another engine where one fails in step %i', async (step) => {
    const trap = trapOnce()
    let steps = 0
    const onForward = (): void => {
      if (++steps === step) trap.arm()
      trap.onForward()
    }
    const { lane, models } = mockLane({ model: { onForward } })
    const events = await ask(lane, asked())
    expect(models).toHaveLength(2)
    expect(scoresIn(events).map(numbers)).toEqual(expected([...IDS, ...greedyAlone(IDS, 8)]))
  })

  test.each([0, 8])(
    'is read again from its beginning, by another object, with max_tokens %i',
    async (maxTokens) => {
      const kept = laneStorage()
      const first = await ask(laneOn(kept).lane, asked({ store: true, maxTokens }))
      const [{ session }] = eventsOf(first, 'session')
      const again = await readOn(laneOn(kept), session)
      expect(eventsOf(again, 'text')).toEqual(eventsOf(first, 'text'))
      expect(again.at(-1)).toMatchObject({ type: 'finish', reason: 'length' })
      const retried = await ask(laneOn(kept).lane, asked({ store: true, maxTokens, retry: true }))
      expect(eventsOf(retried, 'text')).toEqual(eventsOf(first, 'text'))
      expect(eventsOf(retried, 'session')).toEqual(eventsOf(first, 'session'))
    },
  )

  test('goes on for a reader that left in the middle of it', async () => {
    const kept = laneStorage()
    const whole = await ask(mockLane().lane, asked())
    const { lane } = laneOn(kept)
    const left: GenerationEvent[] = []
    for await (const event of decodeEvents(lane.generate(asked({ store: true })))) {
      left.push(event)
      if (eventsOf(left, 'text').length === 2) break
    }
    await vi.waitFor(() => expect(lane.sessions.driven).toBe(0))
    expect(eventsOf(left, 'text')).toEqual(eventsOf(whole, 'text').slice(0, 2))
    const again = await readOn(laneOn(kept), eventsOf(left, 'session')[0].session)
    expect(eventsOf(again, 'text')).toEqual(eventsOf(whole, 'text'))
  })

  test('ends with a reader that leaves, and its rows with it', async () => {
    const { lane, models } = mockLane({ model: { maxRows: 4 } })
    const long = asked({ prompt: { kind: 'text', text: 'x'.repeat(280) }, maxTokens: 0 })
    for await (const event of decodeEvents(lane.generate(long))) if (event.type === 'text') break
    await vi.waitFor(() => expect(lane.health().running).toBe(0))
    expect(models[0].rowsRun).toBeLessThan(60)
  })

  test('is an error where the platform stops it before the last token of the prompt', async () => {
    let steps = 0
    const { lane, models } = mockLane({
      model: { onForward: () => void (++steps === 4 && (models[0].signal.value = 24)) },
    })
    const events = await ask(lane, asked())
    expect(events.at(-1)).toMatchObject({
      type: 'error',
      code: 'overloaded',
      message: 'the platform stopped this request for its time on the processor: send a shorter prompt',
    })
  })

  test('is what was read of a prompt that was cut', async () => {
    const { lane } = mockLane({ config: { maxPrompt: 40, windows: [20] } })
    const events = await ask(lane, asked({ truncation: 'auto', maxTokens: 0 }))
    const cut = [256, ...IDS.slice(-39)]
    expect(scoresIn(events).map(numbers)).toEqual(expected(cut, { window: 20, sinks: 4 }))
    expect(eventsOf(events, 'start')[0].truncatedTokens).toBe(IDS.length - 40)
  })
})

test('on the embedded model, an echo says the log probabilities of its logits row by row', async () => {
  const { lane } = tinyLane(nodeSql(), 'a')
  const words = 'The keeper climbs the steps each evening, trims the lamp and writes the weather into a book.'
  const order = asked({ model: 'tiny', prompt: { kind: 'text', text: words }, maxTokens: 0, topLogprobs: 5 })
  const cold = scoresIn(await ask(lane, order))
  await ask(lane, request({ model: 'tiny', prompt: { kind: 'text', text: words } }))
  expect(scoresIn(await ask(lane, order))).toEqual(cold)

  const source = fileSource(TINY_FOLDER)
  const { manifest, tokenizer } = await readModelText(source)
  const window = { window: 256, sinks: 4 }
  const model = await loadModel(manifest, source, { window, chunk: 16, kernels: nodeKernels() })
  const ids = tokenizer.encode(words)
  const logprobs: number[][] = []
  new Feed(model).run(ids, (logits, position) => {
    if (position + 1 === ids.length) return
    const offset = logSumExp(logits)
    logprobs.push([ids[position + 1], ...largest(logits, 5)].map((id) => logits[id] - offset))
  })
  expect(cold[0]).toMatchObject({ unscored: true, top: [] })
  expect(cold.slice(1).map(({ logprob, top }) => [logprob, ...top.map((rival) => rival.logprob)])).toEqual(
    logprobs,
  )
})
