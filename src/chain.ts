// The chain's entry serves a model that no isolate holds: its lanes have a part of it.
// Stages in other scripts have the rest.

import { chainByBindings, type StageBindings } from './chain-lanes.ts'
import { makeDeps } from './deps.ts'
import { entryOf } from './entry.ts'
import type { Env } from './env.ts'
import { laneClass } from './lane-class.ts'
import { byVariables, setupOf, type IsletOptions, type Setup } from './options.ts'

type ChainEnv = Env & StageBindings

const setup = withOneLane(setupOf<ChainEnv, IsletOptions>(byVariables))
const entry = entryOf(setup, (env) => makeDeps(setup(env)))

export class LaneObject extends laneClass(setup, chainByBindings) {}

/** Bound by another Worker as a service, it is to it what `env.AI` is (docs/inside-workers.md). */
export class WorkersAI extends entry.WorkersAI {}

export default entry.app

/** A stage serves one lane at a time. Throws Error for a configuration with more of them in one place. */
function withOneLane(setup: (env: ChainEnv) => Setup<IsletOptions>): (env: ChainEnv) => Setup<IsletOptions> {
  return (env) => {
    const made = setup(env)
    if (made.config.lanes !== 1)
      throw new Error(`LANES = "${made.config.lanes}": a chain has one lane, or one in each of REGIONS`)
    return made
  }
}
