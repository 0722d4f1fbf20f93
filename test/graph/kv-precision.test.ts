// KV in INT8 gives nearly the logits that KV in float32 gives: what the one form stores is what the other does.

import { describe, expect, it } from 'vitest'
import { Feed } from '../../src/graph/feed.ts'
import { load, ODD, someIds, type Subject } from '../helpers/subjects.ts'

const POSITIONS = 60

/** Logits of all positions, one behind the other. */
async function logitsOf(
  subject: Subject,
  window: { window: number | undefined; sinks: number },
): Promise<number[]> {
  const model = await load(subject, { window, logitRows: 4, maxPositions: POSITIONS })
  const rows: number[] = []
  new Feed(model).run(someIds(POSITIONS, model.spec.vocab), (logits) => rows.push(...logits))
  return rows
}

const rms = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)

describe.each([
  { window: undefined, sinks: 0 },
  { window: 20, sinks: 3 },
])('window $window', (window) => {
  it('differs by a little, and not by nothing', async () => {
    const [q8, f32] = ['odd sizes, f32, KV q8', 'odd sizes, f32'].map(
      (wanted) => ODD.find(({ name }) => name === wanted) as Subject,
    )
    const exact = await logitsOf(f32, window)
    const stored = await logitsOf(q8, window)
    const error = rms(stored.map((value, i) => value - exact[i])) / rms(exact)
    expect(error).toBeGreaterThan(0)
    expect(error).toBeLessThan(0.03)
  })
})
