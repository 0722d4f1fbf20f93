// The dependencies of the API are made of a setup: lanes near a client, the assets, logs, ids and seeds.

import type { ApiDeps } from './api/context.ts'
import { recommendedBy } from './api/dialects/recommended.ts'
import { pointOf } from './api/metrics/point.ts'
import type { Config, Env } from './env.ts'
import { assetSource, readManifest } from './lane/asset-source.ts'
import { configuredLimits } from './lane/model-limits.ts'
import type { IsletOptions, Setup } from './options.ts'
import type { Region } from './protocol/ids.ts'
import type { Lanes } from './protocol/lanes.ts'
import { createLanes, type ModelLanes } from './routing/client.ts'
import { nearestRegion, type Whereabouts } from './routing/regions.ts'
import { factsBy } from './weights/manifest-facts.ts'

/** Lanes for requests that come in nearest to a region. */
export type LanesNear<L extends Lanes = Lanes> = (region: Region | undefined) => L

/** A model, the objects that are its lanes, and the assets that have its manifest. */
type Served = {
  model: string
  /** Where it is one of several. */
  tag?: string
  aliases: readonly string[]
  objects: Env['LANE']
  assets: Env['ASSETS']
}

/** The lanes of one model. */
export function lanesOfModel(config: Config, served: Served): LanesNear<ModelLanes> {
  const { lane, lanes, regions, recommendedSampling } = config
  const { objects, assets, ...named } = served
  const facts = factsBy(() => readManifest(assetSource(assets, served.model)))
  const recommended = recommendedBy(facts)
  return (region) =>
    createLanes((name, locationHint) => objects.getByName(name, { locationHint }), {
      lanes,
      regions,
      region,
      ...named,
      ...(recommendedSampling && { recommended }),
      embeds: async () => (await facts()).embedding !== undefined,
      async limits() {
        const { shape } = await facts()
        return shape && configuredLimits(shape, lane)
      },
      log,
    })
}

/** The lanes of the one model of a setup. Throws Error where a binding is missing. */
function ownLanes({ config, bound }: Setup<IsletOptions>): LanesNear {
  const { lane, aliases } = config
  return lanesOfModel(config, {
    model: lane.model,
    aliases,
    objects: bound('lane'),
    assets: bound('assets'),
  })
}

/** `lanesNear`: in place of the setup's own. Throws Error where a binding is missing. */
export function makeDeps(setup: Setup<IsletOptions>, lanesNear = ownLanes(setup)): ApiDeps {
  const { config, options, bound } = setup
  const { regions, rate, apiKeys } = config
  const assets = bound('assets')
  const analytics = bound('analytics')
  const limiter = bound('rateLimiter')
  const fileOf = (folder: string) => (name: string) => assets.fetch(new URL(`/${folder}/${name}`, 'http://assets')) // prettier-ignore
  const lanesOf = new Map<Region | undefined, Lanes>()
  return {
    lanes(c) {
      const region = nearestRegion(regions, c.req.raw.cf as Whereabouts | undefined)
      const lanes = lanesOf.get(region) ?? lanesNear(region)
      lanesOf.set(region, lanes)
      return lanes
    },
    config: { apiKeys, toldCaller: options.caller !== undefined },
    now: () => Date.now(),
    newId: () => crypto.randomUUID().replaceAll('-', ''),
    newSeed: () => crypto.getRandomValues(new Uint32Array(1))[0],
    log,
    tell(line) {
      console.log(JSON.stringify({ event: 'generation', ...line }))
      analytics?.writeDataPoint(pointOf(line))
    },
    ...(limiter && { limiter: async (key) => (await limiter.limit({ key })).success }),
    rate,
    reference: fileOf('reference'),
    page: fileOf('play'),
  }
}

function log(entry: Record<string, unknown>): void {
  console.error(JSON.stringify(entry))
}
