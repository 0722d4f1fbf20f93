// The worker's entry puts the router and the binding in front, lanes behind them, and hands over the kernels.

import plain from '../build/islet.plain.wasm'
import quads from '../build/islet.quads.wasm'
import relaxed from '../build/islet.relaxed.wasm'
import { createApp, metered } from './api/app.ts'
import type { ApiDeps } from './api/context.ts'
import { pointOf } from './api/metrics/point.ts'
import { recommendedBy } from './api/dialects/recommended.ts'
import { BindingEntrypoint } from './binding/entrypoint.ts'
import { insideApp } from './binding/inside.ts'
import type { Props } from './binding/types.ts'
import { readConfig, type Config, type Env } from './env.ts'
import { assetSource, readManifest } from './lane/asset-source.ts'
import { configuredLimits } from './lane/model-limits.ts'
import { createLanes } from './routing/client.ts'
import type { Lanes } from './protocol/lanes.ts'
import { LaneBase } from './lane/object.ts'
import type { Region } from './protocol/ids.ts'
import { nearestRegion, type Whereabouts } from './routing/regions.ts'
import { factsBy } from './weights/manifest-facts.ts'

/** Read once: in a local isolate the router and its lanes are together. */
let config: Config | undefined

function configOf(env: Env): Config {
  return (config ??= readConfig(env))
}

export class LaneObject extends LaneBase<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, { config: configOf(env).lane, assets: env.ASSETS, modules: { quads, relaxed, plain } })
  }
}

/** Bound by another Worker as a service, it is to it what `env.AI` is (docs/inside-workers.md). */
export class WorkersAI extends BindingEntrypoint<Env> {
  constructor(ctx: ExecutionContext<Props>, env: Env) {
    super(ctx, env, (inside ??= insideApp(depsOf(env))))
  }
}

/** Variables do not change while an isolate lives: one app serves all its requests, one all calls of bindings. */
let app: ReturnType<typeof createApp> | undefined
let inside: ReturnType<typeof insideApp> | undefined
let deps: ApiDeps | undefined

function depsOf(env: Env): ApiDeps {
  return (deps ??= metered(makeDeps(env)))
}

function makeDeps(env: Env): ApiDeps {
  const { lane, lanes, regions, aliases, rate, apiKeys, recommendedSampling } = configOf(env)
  const { ANALYTICS, RATE_LIMITER } = env
  const log = (entry: Record<string, unknown>): void => console.error(JSON.stringify(entry))
  const facts = factsBy(() => readManifest(assetSource(env.ASSETS, lane.model)))
  const recommended = recommendedBy(facts)
  const lanesOf = new Map<Region | undefined, Lanes>()
  function lanesNear(from: Whereabouts | undefined): Lanes {
    const region = nearestRegion(regions, from)
    const known = lanesOf.get(region)
    if (known !== undefined) return known
    const made = createLanes((name, locationHint) => env.LANE.getByName(name, { locationHint }), {
      lanes,
      regions,
      region,
      model: lane.model,
      ...(recommendedSampling && { recommended }),
      embeds: async () => (await facts()).embedding !== undefined,
      async limits() {
        const { shape } = await facts()
        return shape && configuredLimits(shape, lane)
      },
      aliases,
      log,
    })
    lanesOf.set(region, made)
    return made
  }
  return {
    lanes: (c) => lanesNear(c.req.raw.cf as Whereabouts | undefined),
    config: { apiKeys },
    now: () => Date.now(),
    newId: () => crypto.randomUUID().replaceAll('-', ''),
    newSeed: () => crypto.getRandomValues(new Uint32Array(1))[0],
    log,
    tell(line) {
      console.log(JSON.stringify({ event: 'generation', ...line }))
      ANALYTICS?.writeDataPoint(pointOf(line))
    },
    ...(RATE_LIMITER && { limiter: async (key) => (await RATE_LIMITER.limit({ key })).success }),
    rate,
    reference: (name) => env.ASSETS.fetch(new URL(`/reference/${name}`, 'http://assets')),
    page: (name) => env.ASSETS.fetch(new URL(`/play/${name}`, 'http://assets')),
  }
}

export default {
  fetch(request: Request, env: Env, ctx: ExecutionContext): Response | Promise<Response> {
    app ??= createApp(depsOf(env))
    return app.fetch(request, env, ctx)
  },
}
