// The stage's entry has layers of a model, or rows of its table, for the lane of a chain.
// Nobody else can ask it.

import plain from '../build/islet.plain.wasm'
import quads from '../build/islet.quads.wasm'
import relaxed from '../build/islet.relaxed.wasm'
import { StageBase } from './chain/object.ts'
import type { Env } from './env.ts'
import { assetSource, readManifest } from './lane/asset-source.ts'
import { byVariables, setupOf, type LaneOptions } from './options.ts'

const setup = setupOf<Env, LaneOptions>(byVariables)

export class StageObject extends StageBase<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    const { config, bound } = setup(env)
    super(ctx, env, {
      source: assetSource(bound('assets'), config.lane.model),
      readManifest,
      modules: { quads, relaxed, plain },
      pagesLiveMs: config.lane.lifetimes.pages,
    })
  }
}

/** A script has a handler, and this one is for nobody. */
export default { fetch: () => new Response(null, { status: 404 }) }
