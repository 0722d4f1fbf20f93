// The same logits bits for a request in any company as alone: turns of several tenants in one step, prefill beside decode,
// forks of a prefix, turns that were sent back, whose pages were evicted, whose reader lagged.

import { beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../src/engine/engine.ts'
import type { LocalModel } from '../../src/graph/model.ts'
import { rng } from '../helpers/rng.ts'
import { SpyModel } from '../helpers/spy-model.ts'
import { FLOATS, load, ODD, someIds, TINY } from '../helpers/subjects.ts'
import { expectSameBits } from '../helpers/trace.ts'
import {
  isOver,
  openTraced,
  runTurns,
  traceAlone,
  type Request,
  type TracedTurn,
} from '../helpers/traced-turns.ts'

const WINDOWS = [
  { window: undefined, sinks: 0 },
  { window: 45, sinks: 20 },
]

describe.each([TINY, FLOATS, ODD[0]])('$name', (subject) => {
  describe.each(WINDOWS)('window $window, sinks $sinks', (window) => {
    let alone: LocalModel
    beforeAll(async () => {
      alone = await load(subject, { window, chunk: 4, maxPositions: 512 })
    })

    async function engineOf(pages: number): Promise<{ engine: Engine; spy: SpyModel }> {
      const spy = new SpyModel(
        await load(subject, { window, chunk: 16, logitRows: 4, pages, maxPositions: 512 }),
      )
      return { engine: new Engine(spy), spy }
    }
    const prompt = (length: number, seed: number): number[] => someIds(length, alone.spec.vocab, seed)
    const request = (tenant: string, ids: readonly number[], maxTokens: number): Request => ({
      tenant,
      prompt: ids,
      maxTokens,
    })
    const expectAsAlone = (turns: readonly TracedTurn[]): void => {
      for (const { request, turn, trace } of turns) {
        // A turn that was closed early has the first of the rows.
        const maxTokens = turn.produced
        if (maxTokens > 0)
          expectSameBits(trace(), traceAlone(alone, { ...request, maxTokens }), request.tenant)
      }
    }

    it('several tenants that begin one after another', async () => {
      const { engine, spy } = await engineOf(64)
      const lengths = [70, 1, 33, 16, 95, 48]
      const turns: TracedTurn[] = []
      const next = (): void => {
        const i = turns.length
        turns.push(openTraced(engine, request(`tenant ${i}`, prompt(lengths[i], i), 30 - i)))
      }
      next()
      runTurns(engine, turns, (step) => {
        if (step % 4 === 3 && turns.length < lengths.length) next()
      })
      expectAsAlone(turns)
      expect(turns.length).toBe(lengths.length)
      expect(
        spy.steps.some((step) => step.length >= 3),
        'three sequences in a step',
      ).toBe(true)
      expect(
        spy.steps.some((step) => step.includes(1) && Math.max(...step) > 4),
        'prefill beside decode',
      ).toBe(true)
    })

    it('forks of a prompt under way, and of one that is done', async () => {
      const { engine, spy } = await engineOf(64)
      const long = prompt(70, 1)
      const first = openTraced(engine, request('a', long, 24))
      for (let i = 0; i < 7; i++) engine.step()
      const forks = [
        [...long.slice(0, 53), ...prompt(20, 2)],
        long,
        [...long.slice(0, 30), ...prompt(30, 3)],
        [...long, ...prompt(3, 4)],
      ].map((ids) => openTraced(engine, request('a', ids, 12)))
      runTurns(engine, [first, ...forks])
      const later = [
        [...first.turn.ids, ...prompt(9, 5)],
        [...long.slice(0, 64), ...prompt(9, 6)],
      ].map((ids) => openTraced(engine, request('a', ids, 12)))
      runTurns(engine, later)
      expectAsAlone([first, ...forks, ...later])
      expect(spy.copies, 'a page was copied where two texts part').toBeGreaterThan(0)
      const reused = [...forks, ...later].map(({ turn }) => turn.cachedTokens ?? 0)
      expect(Math.min(...reused.slice(0, 2)), 'forks share what the first had computed').toBeGreaterThan(0)
      expect(later[0].turn.cachedTokens, 'a second turn is warm').toBe(first.turn.ids.length - 1)
    })

    it('turns that outgrow the pool, are sent back and run again', async () => {
      const { engine, spy } = await engineOf(12)
      const turns = [1, 2, 3].map((seed) =>
        openTraced(engine, request(`tenant ${seed}`, prompt(20, seed), 80)),
      )
      const sentBack = new Set<TracedTurn>()
      runTurns(engine, turns, () => {
        for (const each of turns)
          if (each.turn.state === 'waiting' && each.turn.produced > 0) sentBack.add(each)
      })
      expectAsAlone(turns)
      expect(sentBack.size, 'turns were sent back').toBeGreaterThan(0)
      const needed = turns.reduce((sum, { turn }) => sum + turn.ids.length - 1, 0)
      expect(spy.rowsRun, 'some of it was computed twice').toBeGreaterThan(needed)
    })

    it('readers that lag while others take their pages', async () => {
      const { engine } = await engineOf(12)
      const slow = openTraced(engine, request('slow', prompt(30, 1), 70))
      for (let i = 0; i < 60; i++) engine.step()
      expect(slow.turn.produced).toBe(32)
      const others = [2, 3].map((seed) => openTraced(engine, request(`quick ${seed}`, prompt(90, seed), 20)))
      runTurns(engine, others)
      runTurns(engine, [slow])
      expectAsAlone([slow, ...others])
    })

    it.each([1, 2, 3])('anything at once (%i)', async (seed) => {
      const { engine, spy } = await engineOf(14)
      const random = rng(100 * seed)
      const stems = [1, 2, 3].map((stem) => prompt(80, 10 * seed + stem))
      const turns: TracedTurn[] = []
      const next = (): void => {
        const tenant = random.int(3)
        const stem = stems[random.int(2) === 0 ? tenant : random.int(3)].slice(0, 1 + random.int(80))
        const ids = [...stem, ...prompt(random.int(40), random.int(1000))]
        turns.push(openTraced(engine, request(`tenant ${tenant}`, ids, 1 + random.int(40))))
      }
      next()
      runTurns(engine, turns, () => {
        if (turns.length < 16 && random.int(6) === 0) next()
        const live = turns.filter(({ turn }) => !isOver(turn))
        if (random.int(60) === 0 && live.length > 0) engine.close(live[random.int(live.length)].turn)
      })
      expectAsAlone(turns)
      expect(turns.length).toBeGreaterThan(4)
      expect(spy.steps.some((step) => step.length > 1)).toBe(true)
    })
  })
})
