// A hub for benchmarks: as the chain's entry, with the chunks of a step by a variable, and hops that can be timed alone.

import { chainByBindings, type StageBindings } from '../../src/chain-lanes.ts'
import { makeDeps } from '../../src/deps.ts'
import { entryOf } from '../../src/entry.ts'
import type { Env } from '../../src/env.ts'
import { laneClass } from '../../src/lane-class.ts'
import { byVariables, setupOf, type IsletOptions } from '../../src/options.ts'

type BenchEnv = Env & StageBindings & { BENCH_CHUNKS?: string }

const setup = setupOf<BenchEnv, IsletOptions>(byVariables)
const entry = entryOf(setup, (env) => makeDeps(setup(env)))
const chainOf = (env: BenchEnv) =>
  chainByBindings(env, env.BENCH_CHUNKS ? Number(env.BENCH_CHUNKS) : undefined)

/** Enough for a clock of whole milliseconds. */
const BATCH = 200

export class LaneObject extends laneClass(setup, chainOf) {
  /** Milliseconds of a call that asks a stage for nothing, one after the other in one session: the mean of each `BATCH` of `count`. */
  async hops(count: number): Promise<number[]> {
    const stage = this.env.STAGE_1
    if (stage === undefined) throw new Error('there is no stage')
    const object = stage.getByName('hops')
    const window = { window: 1024, sinks: 4 }
    for (;;) {
      const opened = await object.open({ engine: 'hops', window, chunk: 32, logitRows: 4, pages: 80 })
      if ('error' in opened || opened.session === undefined) {
        // The stage is left to its last lane for some seconds.
        await scheduler.wait(1000)
        continue
      }
      const means: number[] = []
      // The first warms up.
      for (let batch = -1; batch < count / BATCH; batch++) {
        const began = performance.now()
        for (let i = 0; i < BATCH; i++) await opened.session.call({ do: 'pages', ops: [] })
        if (batch >= 0) means.push((performance.now() - began) / BATCH)
      }
      opened[Symbol.dispose]?.()
      return means
    }
  }
}

export default {
  async fetch(request: Request, env: BenchEnv, ctx: ExecutionContext): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname !== '/bench/hops') return entry.app.fetch(request, env, ctx)
    const lane = env.LANE.getByName('hops') as unknown as { hops(count: number): Promise<number[]> }
    return Response.json({ ms: await lane.hops(Number(searchParams.get('count'))) })
  },
}
