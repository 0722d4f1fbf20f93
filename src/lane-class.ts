// The lane class is the Durable Object that a script exports, made for the options of that script.

import plain from '../build/islet.plain.wasm'
import quads from '../build/islet.quads.wasm'
import relaxed from '../build/islet.relaxed.wasm'
import type { DurableObject } from 'cloudflare:workers'
import { LaneBase, type ChainOf } from './lane/object.ts'
import type { LaneMethods } from './protocol/calls.ts'
import { setupOf, type Given, type LaneOptions, type Setup } from './options.ts'

export type LaneClass<Env> = new (ctx: DurableObjectState, env: Env) => DurableObject<Env> & LaneMethods

let made = false

/**
 * The class of lanes: a script exports one that extends it, and it needs `model` and the assets that have that model. All lanes of
 * an isolate share one engine, so a script has one such class. Throws Error for a second, and for an option that is wrong.
 */
export function createLane<Env extends object = object>(given: Given<Env, LaneOptions> = {}): LaneClass<Env> {
  return laneClass(setupOf<Env, LaneOptions>(given))
}

/** The same of a setup; `chainOf`: of lanes whose model has stages in other scripts. */
export function laneClass<Env extends object>(
  setup: (env: Env) => Setup<LaneOptions>,
  chainOf?: (env: Env) => ChainOf,
): LaneClass<Env> {
  if (made) throw new Error('a script has one class of lanes: another model needs a script of its own')
  made = true
  return class Lane extends LaneBase<Env> {
    constructor(ctx: DurableObjectState, env: Env) {
      const { config, bound } = setup(env)
      const modules = { quads, relaxed, plain }
      super(ctx, env, { config: config.lane, assets: bound('assets'), modules, chain: chainOf?.(env) })
    }
  }
}
