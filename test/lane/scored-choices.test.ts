// Several answers to a prompt that is scored, each what it is alone.

import { describe, expect, it } from 'vitest'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { choiceSeed } from '../../src/storage/turn-record.ts'
import { ask, eventsOf, laneOn, laneStorage, mockLane } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

const ids = (length: number, from = 31) => Array.from({ length }, (_, i) => (i * 7 + from) % 251)
const prompt = { kind: 'ids' as const, ids: ids(70) }
const sampling = { ...request().sampling, temperature: 1, seed: 11 }
const several = (changes: Partial<GenerateRequest>): GenerateRequest =>
  request({ prompt, sampling, choices: 4, ...changes })

const ofIndex = (events: readonly GenerationEvent[], index: number) =>
  eventsOf(events, 'text').filter(({ choice = 0 }) => choice === index)
/** Without what says where in time it came. */
const told = (events: readonly GenerationEvent[]) => events.filter(({ type }) => type !== 'progress')

describe('answers with the scores of their prompt', () => {
  const scored = { echo: true, topLogprobs: 1, scorePrompt: true } as const

  it.each([0, 1, 5])('and %i tokens are what each is alone, and run each row once', async (maxTokens) => {
    const { lane, models } = mockLane()
    const morePrompts = [{ kind: 'ids' as const, ids: ids(33, 3) }]
    const order = { ...scored, maxTokens }
    const events = await ask(lane, several({ ...order, morePrompts, choices: 2 }))
    for (const [p, each] of [prompt, morePrompts[0]].entries())
      for (const answer of [0, 1]) {
        const own = { ...sampling, seed: choiceSeed(11, answer) }
        const single = await ask(
          mockLane().lane,
          several({ ...order, prompt: each, choices: undefined, sampling: own }),
        )
        expect(ofIndex(events, 2 * p + answer).map(({ choice: _, ...event }) => event)).toEqual(
          eventsOf(single, 'text'),
        )
      }
    expect(models[0].rowsRun).toBe(70 + 33 + 4 * Math.max(0, maxTokens - 1))
    expect(eventsOf(events, 'finish')[0].usage).toMatchObject({ completionTokens: 4 * maxTokens })
  })

  it('are read again with them', async () => {
    const kept = laneStorage()
    const first = told(await ask(laneOn(kept).lane, several({ ...scored, store: true, maxTokens: 3 })))
    const { session } = eventsOf(first, 'session')[0]
    const again: GenerationEvent[] = []
    for await (const event of decodeEvents(laneOn(kept).lane.resume('tenant', session))) again.push(event)
    expect(told(again)).toEqual(first)
  })
})
