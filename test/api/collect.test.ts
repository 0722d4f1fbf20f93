// Gathering an answer that is there already.

import { expect, test } from 'vitest'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import { collect } from '../../src/api/http/collect.ts'

async function* answer(texts: number): AsyncGenerator<GenerationEvent> {
  yield { type: 'start', promptTokens: 1, cachedTokens: 0, truncatedTokens: 0 }
  for (let i = 0; i < texts; i++) yield { type: 'text', text: 'a', ids: [i] }
  const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: texts }
  yield { type: 'finish', reason: 'stop', usage, window: { window: undefined, sinks: 0, outOfSight: 0 } }
}

test('lets timers and other requests pass while it reads', async () => {
  let turns = 0
  const timer = setInterval(() => (turns += 1), 0)
  const collected = await collect(answer(80), new AbortController().signal)
  clearInterval(timer)
  expect(collected?.text).toHaveLength(80)
  expect(turns).toBeGreaterThanOrEqual(5)
})
