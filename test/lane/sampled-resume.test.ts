// A sampled answer with penalties has the same ids wherever it is taken up again.

import { describe, expect, test } from 'vitest'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { ask, eventsOf, idsOf, laneOn, laneStorage, type MockLane, trapOnce } from '../helpers/mock-lane.ts'
import { leaveAfter, readOn } from '../helpers/lane-readers.ts'
import { request } from '../helpers/request.ts'

const TOKENS = 24
const prompt = { kind: 'ids' as const, ids: Array.from({ length: 40 }, (_, i) => (i * 7 + 31) % 251) }
const warm = {
  temperature: 1.3,
  topP: 0.9,
  repetitionPenalty: 1.2,
  presencePenalty: 0.5,
  frequencyPenalty: 0.7,
}

const dry = { multiplier: 3, base: 1.75, allowedLength: 1, breakers: ['\n'] }
const sampling = (changes: Partial<GenerateRequest['sampling']>): GenerateRequest['sampling'] =>
  ({ ...changes }) as GenerateRequest['sampling']

const asked = (seed: number, changes: Partial<GenerateRequest> = {}): GenerateRequest =>
  request({
    prompt,
    store: true,
    maxTokens: TOKENS,
    ignoreEos: true,
    ...changes,
    sampling: { ...request().sampling, ...warm, seed, ...changes.sampling },
  })

const spoken = (events: readonly GenerationEvent[]) => events.filter(({ type }) => type !== 'progress')
const sessionOf = (events: readonly GenerationEvent[]) => eventsOf(events, 'session')[0]
const alone = (seed: number, changes: Partial<GenerateRequest> = {}) =>
  ask(laneOn(laneStorage()).lane, asked(seed, changes))

test('the seed and each option change the answer, so that equal answers say something', async () => {
  const answers = [
    await alone(1),
    await alone(2),
    await ask(
      laneOn(laneStorage()).lane,
      request({ ...asked(1), sampling: { ...request().sampling, seed: 1 } }),
    ),
    ...(await Promise.all(
      (['repetitionPenalty', 'presencePenalty', 'frequencyPenalty'] as const).map((name) =>
        ask(laneOn(laneStorage()).lane, {
          ...asked(1),
          sampling: { ...asked(1).sampling, [name]: name === 'repetitionPenalty' ? 1 : 0 },
        }),
      ),
    )),
  ].map((events) => idsOf(events).join())
  expect(new Set(answers).size).toBe(answers.length)
})

describe('an answer whose object died', () => {
  const cuts = Array.from({ length: TOKENS }, (_, cut) => cut)

  test.each([
    ['as it is', {}],
    ['with log probabilities', { topLogprobs: 2 }],
    ['with the hash of its logits', { hashLogits: true }],
    ['that goes on unread', { background: true }],
    ['with DRY and a window of penalties', { sampling: sampling({ dry, repeatLastN: 8 }) }],
    ['with Mirostat', { sampling: sampling({ mirostat: { tau: 1.5, eta: 1 } }) }],
  ] as [string, Partial<GenerateRequest>][])('%s: goes on after every id', async (_, changes) => {
    const kept = laneStorage()
    const whole = await ask(laneOn(kept).lane, asked(5, changes))
    const { session } = sessionOf(whole)
    for (const cut of cuts) {
      // The row as it stood after that many ids.
      kept.sql.exec(
        `UPDATE turns SET state = 'running', facts = json_remove(facts, '$.end'), generated = substr(generated, 1, ?)`,
        4 * cut,
      )
      const rest = await readOn(laneOn(kept), session)
      expect(spoken(rest), `after ${cut} ids`).toEqual(spoken(whole))
    }
  })

  test('is finished by the alarm as it would have been', async () => {
    const kept = laneStorage()
    const messages = [{ role: 'user', content: 'Hi' }]
    const order = asked(6, { prompt: { kind: 'chat', messages }, conversation: messages, background: true })
    const whole = await ask(laneOn(kept).lane, order)
    for (const cut of [0, 1, 11, TOKENS - 1]) {
      kept.sql.exec(
        `UPDATE turns SET state = 'running', facts = json_remove(facts, '$.end'), generated = substr(generated, 1, ?)`,
        4 * cut,
      )
      const { lane } = laneOn(kept)
      await lane.awake()
      const view = await lane.turn('tenant', sessionOf(whole).turn)
      expect([view.state, idsOf(view.events)]).toEqual(['done', idsOf(whole)])
    }
  })
})

describe('an answer whose reader left', () => {
  test.each([1, 2, 7, 15])('after %i texts goes on, in its lane and in the next', async (texts) => {
    const whole = await alone(7)
    for (const same of [true, false]) {
      const kept = laneStorage()
      const first = laneOn(kept)
      const { session } = sessionOf(await leaveAfter(first, texts, asked(7)))
      expect(idsOf(await readOn(same ? first : laneOn(kept), session))).toEqual(idsOf(whole))
    }
  })

  test('goes on where Mirostat stood, with no row computed twice', async () => {
    const order = asked(7, { sampling: sampling({ mirostat: { tau: 1.5, eta: 1 } }) })
    const whole = await ask(laneOn(laneStorage()).lane, order)
    expect(idsOf(whole)).not.toEqual(idsOf(await alone(7)))
    const kept = laneStorage()
    const left = await leaveAfter(laneOn(kept), 7, order)
    const [{ mu, ids }] = kept.sql
      .exec("SELECT json_extract(facts, '$.mu.ids') AS mu, octet_length(generated) / 4 AS ids FROM turns")
      .toArray()
    expect(mu).toBe(ids)
    expect(Number(ids)).toBeGreaterThan(6)
    expect(idsOf(await readOn(laneOn(kept), sessionOf(left).session))).toEqual(idsOf(whole))
  })

  test('keeps the seed of its first try, whatever a retry brings', async () => {
    const kept = laneStorage()
    const left = await leaveAfter(laneOn(kept), 5, asked(8, { bodyHash: 'b' }))
    const again = await ask(laneOn(kept).lane, asked(99, { bodyHash: 'b', retry: true }))
    expect(sessionOf(again)).toEqual(sessionOf(left))
    expect(idsOf(again)).toEqual(idsOf(await alone(8)))
  })

  test.each([
    ['another body', { bodyHash: 'c', retry: true }],
    ['the same body, and no retry', { bodyHash: 'b', retry: false }],
    ['another tenant', { bodyHash: 'b', retry: true, tenant: 'other' }],
  ])('is not given to a request of %s', async (_, changes) => {
    const kept = laneStorage()
    const { lane } = laneOn(kept)
    const left = await leaveAfter({ lane } as MockLane, 5, asked(8, { bodyHash: 'b' }))
    const other = await ask(lane, asked(99, changes))
    expect(sessionOf(other).turn).not.toBe(sessionOf(left).turn)
    expect(idsOf(other)).toEqual(idsOf(await alone(99)))
  })
})

test('an answer goes on under a second engine as it began', async () => {
  const { onForward, arm } = trapOnce()
  const { lane, models } = laneOn(laneStorage(), { model: { onForward } })
  const events: GenerationEvent[] = []
  for await (const event of decodeEvents(lane.generate(asked(9)))) {
    events.push(event)
    if (event.type === 'text' && models.length === 1) arm()
  }
  expect(models).toHaveLength(2)
  expect(idsOf(events)).toEqual(idsOf(await alone(9)))
})
