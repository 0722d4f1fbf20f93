// The router's entry serves several models by one API; the lanes of each are objects of a script of its own.

import { createApp, metered } from './api/app.ts'
import type { ApiDeps } from './api/context.ts'
import { recommendedBy } from './api/dialects/recommended.ts'
import { pointOf } from './api/metrics/point.ts'
import { BindingEntrypoint } from './binding/entrypoint.ts'
import { insideApp } from './binding/inside.ts'
import type { Props } from './binding/types.ts'
import { readConfig, type Config, type Env } from './env.ts'
import { assetSource, readManifest } from './lane/asset-source.ts'
import { configuredLimits } from './lane/model-limits.ts'
import type { Region } from './protocol/ids.ts'
import type { Lanes } from './protocol/lanes.ts'
import { createLanes } from './routing/client.ts'
import { aliasesOf, manyModels, modelsOf, tagOf, type RoutedModels } from './routing/many-models.ts'
import { nearestRegion, type Whereabouts } from './routing/regions.ts'
import { factsBy } from './weights/manifest-facts.ts'

/** `LANE_0` is the class of the first model's script, and so on; tools/scripts.ts writes them. */
type RouterEnv = Omit<Env, 'LANE'> & { MODELS: string } & { [binding: `LANE_${number}`]: Env['LANE'] }

/** Bound by another Worker as a service: `run` and the others choose by the model's name. */
export class WorkersAI extends BindingEntrypoint<RouterEnv> {
  constructor(ctx: ExecutionContext<Props>, env: RouterEnv) {
    super(ctx, env, (inside ??= insideApp(depsOf(env))))
  }
}

/** Variables do not change while an isolate lives. */
let app: ReturnType<typeof createApp> | undefined
let inside: ReturnType<typeof insideApp> | undefined
let deps: ApiDeps | undefined

function depsOf(env: RouterEnv): ApiDeps {
  return (deps ??= metered(makeDeps(env)))
}

function log(entry: Record<string, unknown>): void {
  console.error(JSON.stringify(entry))
}

function makeDeps(env: RouterEnv): ApiDeps {
  const config = readConfig(env)
  const { regions, rate, apiKeys } = config
  const { ANALYTICS, RATE_LIMITER } = env
  const lanesOf = lanesBy(env, config)
  const known = new Map<Region | undefined, Lanes>()
  return {
    lanes(c) {
      const region = nearestRegion(regions, c.req.raw.cf as Whereabouts | undefined)
      const lanes = known.get(region) ?? lanesOf(region)
      known.set(region, lanes)
      return lanes
    },
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

/** The lanes of all models for requests that come in nearest to a region. */
function lanesBy(env: RouterEnv, config: Config): (region: Region | undefined) => Lanes {
  const { lane, lanes, regions, aliases, recommendedSampling } = config
  const models = modelsOf(env.MODELS).map((model, place) => {
    const facts = factsBy(() => readManifest(assetSource(env.ASSETS, model)))
    const recommended = recommendedBy(facts)
    const tag = tagOf(model)
    const options = {
      ...{ lanes, regions, model, tag, log },
      aliases: aliasesOf(aliases, model, place === 0),
      ...(recommendedSampling && { recommended }),
      embeds: async () => (await facts()).embedding !== undefined,
      async limits() {
        const { shape } = await facts()
        return shape && configuredLimits(shape, lane)
      },
    }
    return { model, tag, lane: env[`LANE_${place}`], options }
  })
  return (region) =>
    manyModels(
      models.map(({ model, tag, lane, options }) => ({
        model,
        tag,
        lanes: createLanes((name, locationHint) => lane.getByName(name, { locationHint }), {
          ...options,
          region,
        }),
      })) as unknown as RoutedModels,
    )
}

export default {
  fetch(request: Request, env: RouterEnv, ctx: ExecutionContext): Response | Promise<Response> {
    app ??= createApp(depsOf(env))
    return app.fetch(request, env, ctx)
  },
}
