// Calls of functions as a lane gives them: forced or chosen, whole, in time, the same in company and after a kill at any token.

import { describe, expect, test } from 'vitest'
import { preparePrompt } from '../../src/answer/prepare-prompt.ts'
import type { CallRule, GenerateRequest, GenerationEvent, ToolCall } from '../../src/protocol/generation.ts'
import { joinCalls } from '../../src/protocol/generation.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import {
  ask,
  eventsOf,
  idsOf,
  laneOn,
  laneStorage,
  mockLane,
  mockManifest,
  textOf,
} from '../helpers/mock-lane.ts'
import { MOCK_SPEC } from '../helpers/mock-model.ts'
import { request } from '../helpers/request.ts'

const WEATHER = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { unit: { enum: ['c', 'f'] }, days: { type: 'integer', minimum: 1, maximum: 9 } },
      required: ['unit', 'days'],
    },
  },
}
const NOW = { type: 'function', function: { name: 'now', parameters: {} } }
const TOOLS = [WEATHER, NOW]

const asked = (callRule: CallRule | undefined, changes: Partial<GenerateRequest> = {}, seed = 1) =>
  request({
    prompt: { kind: 'chat', messages: [{ role: 'user', content: 'q' }], tools: TOOLS },
    maxTokens: 140,
    ...(callRule && { callRule }),
    ...changes,
    sampling: { ...request().sampling, temperature: 1, seed, ...changes.sampling },
  })
// The words for functions are long in bytes.
const manifest = { ...mockManifest(), spec: { ...MOCK_SPEC, context: 4096 } }
const OPTIONS = {
  model: { pageCount: 400 },
  config: { maxPrompt: 2000, chunk: 64, windows: [2048] },
  parts: { readText: () => Promise.resolve({ manifest, tokenizer: byteTokenizer() }) },
}
const alone = (order: GenerateRequest) => ask(mockLane(OPTIONS).lane, order)
const finishOf = (events: readonly GenerationEvent[]) => eventsOf(events, 'finish')[0]
const callsIn = (events: readonly GenerationEvent[]): ToolCall[] =>
  joinCalls(eventsOf(events, 'text').flatMap(({ calls }) => calls ?? []))

const REQUIRED: CallRule = { required: true, single: false }

function isRight({ name, arguments: text }: ToolCall): boolean {
  const { unit, days, ...others } = JSON.parse(text) as Record<string, unknown>
  if (name === 'now') return true
  return (
    name === 'get_weather' &&
    ['c', 'f'].includes(unit as string) &&
    Number.isInteger(days) &&
    (days as number) >= 1 &&
    (days as number) <= 9 &&
    Object.keys(others).length === 0
  )
}

describe('a required call', () => {
  test('is all that is answered, and right', async () => {
    for (let seed = 0; seed < 8; seed++) {
      const events = await alone(asked(REQUIRED, {}, seed))
      const calls = callsIn(events)
      expect(calls.length).toBeGreaterThan(0)
      expect(calls.every(isRight), JSON.stringify(calls)).toBe(true)
      expect(textOf(events)).toBe('')
      expect(finishOf(events).reason).toBe('tool_calls')
      expect(idsOf(events).length).toBeLessThanOrEqual(140)
    }
  })

  test('is one of the named functions, and a single one where no more are wanted', async () => {
    for (let seed = 0; seed < 8; seed++) {
      const calls = callsIn(
        await alone(asked({ required: true, single: true, names: ['get_weather'] }, {}, seed)),
      )
      expect(calls.map(({ name }) => name)).toEqual(['get_weather'])
    }
  })

  test('is streamed: the name, then its arguments in pieces', async () => {
    const events = await alone(asked({ ...REQUIRED, names: ['get_weather'], single: true }))
    const pieces = eventsOf(events, 'text').flatMap(({ calls }) => calls ?? [])
    expect(pieces[0]).toEqual({ name: 'get_weather', arguments: '' })
    expect(pieces.length).toBeGreaterThan(10)
    expect(pieces.slice(1).every(({ name }) => name === undefined)).toBe(true)
  })

  test('that cannot be is refused before anything is answered', async () => {
    const refusal = async (order: GenerateRequest) => eventsOf(await alone(order), 'error')[0]
    expect(await refusal(asked(REQUIRED, { maxTokens: 20 }))).toMatchObject({ param: 'max_tokens' })
    expect(await refusal(asked(REQUIRED, { stop: ['x'] }))).toMatchObject({ param: 'stop' })
    expect(await refusal(asked({ ...REQUIRED, names: ['other'] }))).toMatchObject({ param: 'tool_choice' })
    const none = { kind: 'chat' as const, messages: [{ role: 'user', content: 'q' }] }
    expect(await refusal(asked(REQUIRED, { prompt: none }))).toMatchObject({ param: 'tool_choice' })
    const parameters = { type: 'object', properties: { a: { $dynamicRef: '#' } } }
    const bad = { ...none, tools: [NOW, { type: 'function', function: { name: 'f', parameters } }] }
    expect(await refusal(asked(REQUIRED, { prompt: bad }))).toMatchObject({
      code: 'invalid_request',
      param: 'tools#/1/function/parameters/properties/a/$dynamicRef',
    })
  })

  test('is the same in company, and after a kill at any token', async () => {
    const orders = [1, 2, 3, 4].map((seed) =>
      asked(REQUIRED, { tenant: `t${seed}`, store: seed === 1 }, seed),
    )
    const { lane } = mockLane(OPTIONS)
    const together = await Promise.all(orders.map((order) => ask(lane, order)))
    for (const [i, events] of together.entries()) expect(idsOf(events)).toEqual(idsOf(await alone(orders[i])))
    const kept = laneStorage()
    const whole = await ask(laneOn(kept, OPTIONS).lane, asked(REQUIRED, { store: true, maxTokens: 110 }))
    const [{ session }] = eventsOf(whole, 'session')
    for (let cut = 0; cut <= idsOf(whole).length; cut += cut < 60 ? 7 : 1) {
      kept.sql.exec(
        `UPDATE turns SET state = 'running', facts = json_remove(facts, '$.end'), generated = substr(generated, 1, ?)`,
        4 * cut,
      )
      const rest: GenerationEvent[] = []
      for await (const event of decodeEvents(laneOn(kept, OPTIONS).lane.resume('tenant', session)))
        rest.push(event)
      expect([idsOf(rest), callsIn(rest), finishOf(rest).reason], `after ${cut}`).toEqual([
        idsOf(whole),
        callsIn(whole),
        'tool_calls',
      ])
    }
  })
})

describe('calls that the model may make', () => {
  test('change no id of an answer without any', async () => {
    for (let seed = 0; seed < 6; seed++) {
      const sampling = { ...request().sampling, temperature: 1, topP: seed % 2 === 0 ? 1 : 0.9, seed }
      const order = asked(undefined, { sampling, maxTokens: 60 })
      const text = { manifest, tokenizer: byteTokenizer() }
      const { ids, form } = preparePrompt(order, text, { maxPrompt: 2000, maxPositions: 4096 })
      expect(form?.calls?.functions).toHaveLength(2)
      const held = await alone(order)
      const free = await alone(asked(undefined, { sampling, maxTokens: 60, prompt: { kind: 'ids', ids } }))
      expect(idsOf(held)).toEqual(idsOf(free))
      expect(finishOf(held).reason).toBe(finishOf(free).reason)
      expect(finishOf(held)).not.toHaveProperty('closedEarly')
    }
  })

  test('come back in the next prompt as they were written', async () => {
    const { lane } = mockLane(OPTIONS)
    const first = await ask(lane, asked({ required: true, single: true, names: ['get_weather'] }))
    const [{ name, arguments: given }] = callsIn(first)
    const messages = [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: null, tool_calls: [{ id: 'a', type: 'function', function: { name, arguments: given } }] }, // prettier-ignore
      { role: 'tool', tool_call_id: 'a', content: 'rain' },
      { role: 'user', content: 'and now?' },
    ]
    const next = await ask(lane, asked(undefined, { prompt: { kind: 'chat', messages, tools: TOOLS } }))
    const [{ promptTokens }] = eventsOf(first, 'start')
    // All of the answer is found again, to the page that it ends in.
    const written = promptTokens + idsOf(first).length
    expect(eventsOf(next, 'start')[0].cachedTokens).toBeGreaterThan(written - 17)
  })
})
