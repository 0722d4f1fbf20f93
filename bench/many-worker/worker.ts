// A worker for benchmarks: ours, with a pool of BENCH_PAGES pages, more than the platform's isolates have room for.

import { makeDeps } from '../../src/deps.ts'
import { entryOf } from '../../src/entry.ts'
import type { Env } from '../../src/env.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { laneClass } from '../../src/lane-class.ts'
import { LOGIT_ROWS } from '../../src/lane/memory-plan.ts'
import type { ChainOf } from '../../src/lane/object.ts'
import { byVariables, setupOf, type IsletOptions } from '../../src/options.ts'

type BenchEnv = Env & { BENCH_PAGES: string }

const setup = setupOf<BenchEnv, IsletOptions>(byVariables)
const entry = entryOf(setup, (env) => makeDeps(setup(env)))

/** All of the model, here. */
const wholeOf = (env: BenchEnv): ChainOf => {
  const pages = Number(env.BENCH_PAGES)
  return ({ source, kernels, config: { chunk } }) =>
    ({ manifest }, window, onProgress) =>
      loadModel(manifest, source, { window, chunk, logitRows: LOGIT_ROWS, pages, kernels, onProgress })
}

export class LaneObject extends laneClass(setup, wholeOf) {}

/** As wrangler.toml's other entry. */
export class WorkersAI extends entry.WorkersAI {}

export default entry.app
