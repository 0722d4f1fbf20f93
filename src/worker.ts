// The worker's entry is an Islet of the variables in wrangler.toml, served by itself.

import type { Env } from './env.ts'
import { createIslet } from './islet.ts'
import { byVariables } from './options.ts'

const islet = createIslet<Env>(byVariables)

export class LaneObject extends islet.Lane {}

/** Bound by another Worker as a service, it is to it what `env.AI` is (docs/inside-workers.md). */
export class WorkersAI extends islet.WorkersAI {}

export default islet.app
