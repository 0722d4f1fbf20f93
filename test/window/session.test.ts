// A session of many turns through the engine, to position 20,000: every turn is warm, the pool is that of one window, and the
// logits are those of the same prompt on a cold engine.

import { describe, expect, it } from 'vitest'
import { pagesForWindow } from '../../src/cache/window.ts'
import { Engine } from '../../src/engine/engine.ts'
import { SpyModel } from '../helpers/spy-model.ts'
import { FLOATS, load, someIds, TINY } from '../helpers/subjects.ts'
import { expectSameBits, type Trace } from '../helpers/trace.ts'
import { openTraced, runTurns, type Request } from '../helpers/traced-turns.ts'

const TURNS = 20
/** Ids that a turn adds, and then generates. */
const NEW = 980
const ANSWER = 20

const CASES = [
  { subject: TINY, window: { window: 50, sinks: 40 } },
  { subject: TINY, window: { window: 333, sinks: 4 } },
  { subject: FLOATS, window: { window: 37, sinks: 0 } },
]

function run(engine: Engine, request: Request): { ids: number[]; cached: number; trace: Trace } {
  const traced = openTraced(engine, request)
  runTurns(engine, [traced])
  const { ids, cachedTokens } = traced.turn
  return { ids, cached: cachedTokens ?? 0, trace: traced.trace() }
}

describe.each(CASES)('$subject.name, window $window.window, sinks $window.sinks', ({ subject, window }) => {
  it(`${TURNS} turns`, async () => {
    const spy = new SpyModel(await load(subject, { window, chunk: 16, logitRows: 4 }))
    const bound = pagesForWindow(window, 16)
    expect(spy.pages.count).toBe(bound)
    const engine = new Engine(spy)
    let ids: number[] = []
    const turns: { request: Request; trace: Trace }[] = []
    for (let turn = 0; turn < TURNS; turn++) {
      const request = {
        tenant: 'a',
        prompt: [...ids, ...someIds(NEW, spy.spec.vocab, turn)],
        maxTokens: ANSWER,
      }
      const { ids: all, cached, trace } = run(engine, request)
      expect(cached, `cached in turn ${turn}`).toBe(Math.max(0, ids.length - 1))
      turns.push({ request, trace })
      ids = all
    }
    expect(ids.length).toBe(TURNS * (NEW + ANSWER))
    expect(spy.mostPages).toBeLessThanOrEqual(bound)
    expect(engine.load.sequences).toBe(1)
    const cold = await load(subject, { window, chunk: 64, logitRows: 4 })
    for (const turn of [9, TURNS - 1]) {
      const { request, trace } = turns[turn]
      const again = run(new Engine(cold), request)
      expect(again.cached).toBe(0)
      expectSameBits(again.trace, trace, `turn ${turn}, warm and cold`)
    }
  })
})
