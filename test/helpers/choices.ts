// What the tests of several answers share: a request, its answers by their index, and readers that leave.

import { expect, vi } from 'vitest'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { choiceSeed } from '../../src/storage/turn-record.ts'
import { ask, eventsOf, mockLane, type MockLane } from './mock-lane.ts'
import { request } from './request.ts'

export const TOKENS = 24
export const ids = (length: number, from = 31) => Array.from({ length }, (_, i) => (i * 7 + from) % 251)
export const prompt = { kind: 'ids' as const, ids: ids(70) }
export const sampling = { ...request().sampling, temperature: 1, seed: 11 }
export const several = (changes: Partial<GenerateRequest> = {}): GenerateRequest =>
  request({ prompt, sampling, maxTokens: TOKENS, choices: 4, ...changes })

export const ofIndex = (events: readonly GenerationEvent[], index: number) =>
  eventsOf(events, 'text').filter(({ choice = 0 }) => choice === index)
export const idsOf = (events: readonly GenerationEvent[], index = 0): number[] =>
  ofIndex(events, index).flatMap((event) => event.ids)
export const indices = (count: number) => Array.from({ length: count }, (_, index) => index)
export const answersOf = (events: readonly GenerationEvent[], count = 4) =>
  indices(count).map((index) => idsOf(events, index))
/** Without what says where in time it came. */
export const told = (events: readonly GenerationEvent[]) => events.filter(({ type }) => type !== 'progress')
export const session = (events: readonly GenerationEvent[]) => eventsOf(events, 'session')[0].session

export type LaneOptions = Parameters<typeof mockLane>[0]
/** The answers, each asked for alone, of a lane that has answered nothing. */
export const alone = async (changes: Partial<GenerateRequest> = {}, count = 4, options: LaneOptions = {}) =>
  Promise.all(
    indices(count).map(async (answer) => {
      const own = { ...sampling, ...changes.sampling, seed: choiceSeed(11, answer) }
      return idsOf(
        await ask(mockLane(options).lane, several({ ...changes, choices: undefined, sampling: own })),
      )
    }),
  )

export async function readOn({ lane }: MockLane, id: string): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = []
  for await (const event of decodeEvents(lane.resume('tenant', id))) events.push(event)
  return events
}

/** Reads up to that many texts and leaves. */
export async function leaveAfter({ lane }: MockLane, texts: number, order: GenerateRequest) {
  const events: GenerationEvent[] = []
  for await (const event of decodeEvents(lane.generate(order))) {
    events.push(event)
    if (eventsOf(events, 'text').length === texts) break
  }
  await vi.waitFor(() => expect(lane.sessions.driven).toBe(0))
  return events
}
