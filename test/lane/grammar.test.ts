// Answers under a grammar, as a lane gives them: whole, in time, and the same alone, in company and after a kill at any token.

import { describe, expect, test } from 'vitest'
import type { GenerateRequest, GenerationEvent, GrammarSpec } from '../../src/protocol/generation.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { reads } from '../grammar/helpers.ts'
import { compileGrammar } from '../../src/grammar/grammar.ts'
import { ask, eventsOf, idsOf, laneOn, laneStorage, mockLane, textOf } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

const SCHEMA = {
  type: 'object',
  properties: {
    mood: { enum: ['good', 'bad', 'so so'] },
    count: { type: 'integer', minimum: 0, maximum: 500 },
    note: { type: 'string', maxLength: 12 },
    tags: { type: 'array', items: { type: 'boolean' }, maxItems: 3 },
  },
  required: ['mood', 'count', 'tags'],
}
const JSON_SPEC: GrammarSpec = { kind: 'json_schema', schema: JSON.stringify(SCHEMA) }
const NOTE: GrammarSpec = { kind: 'ebnf', text: 'root ::= "note: " [a-zé ]+ "."' }
const NUMBER: GrammarSpec = { kind: 'regex', pattern: '[1-9]\\d*' }

const prompt = { kind: 'ids' as const, ids: Array.from({ length: 20 }, (_, i) => (i * 7 + 31) % 251) }
const asked = (changes: Partial<GenerateRequest> = {}, sampling: Partial<GenerateRequest['sampling']> = {}) =>
  request({
    prompt,
    grammar: JSON_SPEC,
    maxTokens: 90,
    ...changes,
    sampling: { ...request().sampling, ...sampling },
  })
const alone = (order: GenerateRequest) => ask(mockLane().lane, order)
const finishOf = (events: readonly GenerationEvent[]) => eventsOf(events, 'finish')[0]
const spoken = (events: readonly GenerationEvent[]) => events.filter(({ type }) => type !== 'progress')

function isValid(text: string): boolean {
  const value = JSON.parse(text) as Record<string, unknown>
  const { mood, count, note, tags, ...others } = value
  return (
    SCHEMA.properties.mood.enum.includes(mood as string) &&
    Number.isInteger(count) &&
    (count as number) >= 0 &&
    (count as number) <= 500 &&
    (note === undefined || (typeof note === 'string' && [...note].length <= 12)) &&
    Array.isArray(tags) &&
    tags.length <= 3 &&
    tags.every((tag) => typeof tag === 'boolean') &&
    Object.keys(others).length === 0
  )
}

describe('an answer by a schema', () => {
  test.each([
    ['greedy', { temperature: 0 }],
    ['sampled', { temperature: 1, seed: 3 }],
    ['sampled with top_p', { temperature: 1, topP: 0.9, seed: 4 }],
    ['with top_k and penalties', { temperature: 1.4, topK: 5, frequencyPenalty: 0.5, seed: 5 }],
  ])('validates, %s', async (_, sampling) => {
    for (const maxTokens of [48, 60, 90]) {
      const events = await alone(asked({ maxTokens }, sampling))
      expect(isValid(textOf(events)), textOf(events)).toBe(true)
      expect(finishOf(events)).toMatchObject({ reason: 'stop' })
      expect(idsOf(events).length).toBeLessThanOrEqual(maxTokens)
    }
  })

  test('is closed in time where the model would go on, and says so', async () => {
    const events = await alone(asked({ grammar: NOTE, maxTokens: 9 }))
    expect(textOf(events)).toMatch(/^note: [a-zé ]+\.$/)
    expect(finishOf(events)).toMatchObject({ reason: 'stop', closedEarly: true })
    const cut = await alone(asked({ grammar: NUMBER, maxTokens: 4 }))
    expect(textOf(cut)).toMatch(/^[1-9]\d*$/)
    expect(finishOf(cut).reason).toBe('stop')
  })

  test('is cut by its limit where the request wants it so, also when read on', async () => {
    for (const [grammar, maxTokens] of [
      [NOTE, 9],
      [NUMBER, 4],
      [JSON_SPEC, 20],
    ] as const) {
      const kept = laneStorage()
      const changes = { grammar, maxTokens, close: false as const, store: true }
      const whole = await ask(laneOn(kept).lane, asked(changes, { temperature: 1, seed: 9 }))
      expect(finishOf(whole)).toMatchObject({ reason: 'length', usage: { completionTokens: maxTokens } })
      expect(finishOf(whole)).not.toHaveProperty('closedEarly')
      expect(reads(compileGrammar(grammar), textOf(whole))).not.toBe('no')
      kept.sql.exec(
        `UPDATE turns SET state = 'running', facts = json_remove(facts, '$.end'), generated = substr(generated, 1, 8)`,
      )
      const [{ session }] = eventsOf(whole, 'session')
      const rest: GenerationEvent[] = []
      for await (const event of decodeEvents(laneOn(kept).lane.resume('tenant', session))) rest.push(event)
      expect(spoken(rest)).toEqual(spoken(whole))
    }
  })

  test('says which annotations of its schema had no effect', async () => {
    const schema = '{"type":"array","maxItems":1,"items":{"type":"string","maxLength":2,"format":"nanoid"}}'
    const grammar: GrammarSpec = { kind: 'json_schema', schema }
    const events = await alone(asked({ grammar, grammarParam: 'text.format.schema' }))
    expect(finishOf(events).ignored).toEqual(['text.format.schema#/items/format: nanoid'])
    expect(finishOf(await alone(asked()))).not.toHaveProperty('ignored')
  })

  test('that ends by itself is not said to be closed', async () => {
    const events = await alone(asked({ grammar: { kind: 'choice', choices: ['yes', 'no'] } }))
    expect(['yes', 'no']).toContain(textOf(events))
    expect(finishOf(events)).not.toHaveProperty('closedEarly')
    expect(finishOf(events).usage.completionTokens).toBe(textOf(events).length)
  })

  test('ends with its grammar, whatever ignore_eos says', async () => {
    const events = await alone(
      asked({ ignoreEos: true, grammar: NUMBER, maxTokens: 200 }, { temperature: 1, seed: 2 }),
    )
    expect(textOf(events)).toMatch(/^[1-9]\d*$/)
    expect(finishOf(events).reason).toBe('stop')
  })

  test('has the same ids as without, where the grammar allows all that comes', async () => {
    const any: GrammarSpec = { kind: 'regex', pattern: '[^]*' }
    for (const seed of [1, 2, 3]) {
      // ASCII alone, so that the model's own choice is text.
      const logitBias = Array.from({ length: 131 }, (_, i) => [128 + i, -1000] as [number, number])
      const sampling = { temperature: 1, seed, logitBias }
      const free = await alone(asked({ grammar: undefined, maxTokens: 30 }, sampling))
      const held = await alone(asked({ grammar: any, maxTokens: 30 }, sampling))
      expect(idsOf(held)).toEqual(idsOf(free))
    }
  })
})

describe('the same ids', () => {
  const orders = [0, 1, 2, 3].map((n) =>
    asked(
      { grammar: [JSON_SPEC, NOTE, JSON_SPEC, NUMBER][n], maxTokens: 60, tenant: `t${n}` },
      { temperature: n === 0 ? 0 : 1, seed: n },
    ),
  )

  test('alone and in a batch of four', async () => {
    const { lane } = mockLane()
    const together = await Promise.all(orders.map((order) => ask(lane, order)))
    for (const [n, events] of together.entries()) {
      const single = await alone(orders[n])
      expect([idsOf(events), textOf(events)]).toEqual([idsOf(single), textOf(single)])
      expect(finishOf(events).closedEarly).toBe(finishOf(single).closedEarly)
    }
  })

  test.each([
    ['greedy', { temperature: 0 }, JSON_SPEC, 60],
    ['sampled', { temperature: 1, seed: 9 }, JSON_SPEC, 60],
    ['closed early', { temperature: 1, seed: 9 }, NOTE, 16],
    ['cut at the last token', { temperature: 1, seed: 9, logitBias: [[257, -1000]] }, NUMBER, 7],
  ] as [string, Partial<GenerateRequest['sampling']>, GrammarSpec, number][])(
    'after a kill at any token: %s',
    async (_, sampling, grammar, maxTokens) => {
      const kept = laneStorage()
      const whole = await ask(laneOn(kept).lane, asked({ store: true, grammar, maxTokens }, sampling))
      const [{ session }] = eventsOf(whole, 'session')
      expect(reads(compileGrammar(grammar), textOf(whole))).toBe('whole')
      for (let cut = 0; cut <= idsOf(whole).length; cut++) {
        // The row as it stood after that many ids.
        kept.sql.exec(
          `UPDATE turns SET state = 'running', facts = json_remove(facts, '$.end'), generated = substr(generated, 1, ?)`,
          4 * cut,
        )
        const rest: GenerationEvent[] = []
        for await (const event of decodeEvents(laneOn(kept).lane.resume('tenant', session))) rest.push(event)
        expect(spoken(rest), `after ${cut} ids`).toEqual(spoken(whole))
      }
    },
  )
})

describe('log probabilities', () => {
  const order = (changes: Partial<GenerateRequest>) =>
    asked({ topLogprobs: 3, maxTokens: 60, ...changes }, { temperature: 1, seed: 6, topK: 40 })
  const entries = (events: readonly GenerationEvent[]) =>
    eventsOf(events, 'text').flatMap(({ logprobs }) => logprobs ?? [])

  test('within what fits come beside the raw ones, also when read on', async () => {
    const kept = laneStorage()
    const whole = await ask(laneOn(kept).lane, order({ store: true, restrictedLogprobs: true }))
    const raw = await alone(order({}))
    const plain = entries(whole).map(({ restricted: _, top, ...token }) => ({
      ...token,
      top: top.map(({ restricted: _, ...rival }) => rival),
    }))
    expect(plain).toEqual(entries(raw))
    const [first, second] = entries(whole)
    // Only the brace may come first.
    expect([first.token, first.restricted]).toEqual(['{', 0])
    expect(first.top.every(({ token, restricted }) => restricted === (token === '{' ? 0 : null))).toBe(true)
    expect(second.restricted).toBeLessThan(0)
    for (const { logprob, restricted } of entries(whole)) expect(restricted).toBeGreaterThanOrEqual(logprob)
    kept.sql.exec(
      `UPDATE turns SET state = 'running', facts = json_remove(facts, '$.end'), generated = substr(generated, 1, 8)`,
    )
    const [{ session }] = eventsOf(whole, 'session')
    const rest: GenerationEvent[] = []
    for await (const event of decodeEvents(laneOn(kept).lane.resume('tenant', session))) rest.push(event)
    expect(entries(rest)).toEqual(entries(whole))
  })

  test('say what was forced, also when read on', async () => {
    const kept = laneStorage()
    const whole = await ask(laneOn(kept).lane, order({ store: true, forcedTokens: true }))
    const tokens = entries(whole)
    expect(tokens.map(({ forced: _, ...token }) => token)).toEqual(entries(await alone(order({}))))
    const printed = tokens
      .map(({ token, forced }) => (forced === true ? token : '_'.repeat(token.length)))
      .join('')
    expect(printed.replaceAll(/\s/g, '')).toMatch(/^\{"mood":"_/)
    expect(printed).toContain('_')
    kept.sql.exec(
      `UPDATE turns SET state = 'running', facts = json_remove(facts, '$.end'), generated = substr(generated, 1, 8)`,
    )
    const [{ session }] = eventsOf(whole, 'session')
    const rest: GenerationEvent[] = []
    for await (const event of decodeEvents(laneOn(kept).lane.resume('tenant', session))) rest.push(event)
    expect(entries(rest)).toEqual(tokens)
    const free = await alone(order({ grammar: undefined, forcedTokens: true }))
    expect(entries(free).every(({ forced }) => forced === false)).toBe(true)
  })

  test('within what fits are the raw ones where nothing holds the answer', async () => {
    const free = await alone(order({ grammar: undefined, restrictedLogprobs: true }))
    for (const { logprob, restricted } of entries(free)) expect(restricted).toBeCloseTo(logprob, 9)
  })
})

describe('refused before the first token', () => {
  const refusal = async (changes: Partial<GenerateRequest>) =>
    eventsOf(await alone(asked(changes)), 'error')[0]

  test('a limit below the shortest answer', async () => {
    const error = await refusal({ maxTokens: 20 })
    expect(error).toMatchObject({ code: 'invalid_request', param: 'max_tokens' })
    expect(error.message).toContain('there is room for 20 tokens')
  })

  test('a grammar that cannot be promised, with the pointer', async () => {
    const schema = '{"properties":{"a":{"type":"string","pattern":"(?<=a)b"}}}'
    expect(await refusal({ grammar: { kind: 'json_schema', schema } })).toMatchObject({
      code: 'invalid_request',
      param: 'grammar#/properties/a/pattern',
    })
    expect(await refusal({ grammar: { kind: 'ebnf', text: 'root ::= root' } })).toMatchObject({
      param: 'grammar',
    })
  })

  test('stop strings beside it', async () => {
    expect(await refusal({ stop: ['}'] })).toMatchObject({ code: 'invalid_request', param: 'stop' })
  })
})
