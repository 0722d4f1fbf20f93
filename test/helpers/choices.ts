// What the tests of several answers share: a request, and its answers by their index.

import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import { choiceSeed } from '../../src/storage/turn-record.ts'
import { ask, eventsOf, mockLane } from './mock-lane.ts'
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
