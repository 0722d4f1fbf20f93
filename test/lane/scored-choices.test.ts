// Several answers to a prompt that is scored, each what it is alone.

import { describe, expect, it } from 'vitest'
import { choiceSeed } from '../../src/storage/turn-record.ts'
import { ids, ofIndex, prompt, sampling, session, several, told } from '../helpers/choices.ts'
import { readOn } from '../helpers/lane-readers.ts'
import { ask, eventsOf, laneOn, laneStorage, mockLane } from '../helpers/mock-lane.ts'

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
    expect(told(await readOn(laneOn(kept), session(first)))).toEqual(first)
  })
})
