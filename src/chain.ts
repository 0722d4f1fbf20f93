// The chain's entry serves a model that no isolate holds: its lanes have a part of it, stages in other scripts the rest.

import { chainByBindings, type StageBindings } from './chain-lanes.ts'
import { makeDeps } from './deps.ts'
import { entryOf } from './entry.ts'
import type { Env } from './env.ts'
import { laneClass } from './lane-class.ts'
import { byVariables, setupOf, type IsletOptions } from './options.ts'

type ChainEnv = Env & StageBindings

const setup = setupOf<ChainEnv, IsletOptions>(byVariables)
const entry = entryOf(setup, (env) => makeDeps(setup(env)))

export class LaneObject extends laneClass(setup, chainByBindings) {}

/** Bound by another Worker as a service, it is to it what `env.AI` is (docs/inside-workers.md). */
export class WorkersAI extends entry.WorkersAI {}

export default entry.app
