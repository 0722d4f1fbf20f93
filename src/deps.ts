// The dependencies of the API are made of a setup: lanes near a client, the assets, logs, ids and seeds.

import type { ApiDeps } from './api/context.ts'
import { recommendedBy } from './api/dialects/recommended.ts'
import { pointOf } from './api/metrics/point.ts'
import { assetSource, readManifest } from './lane/asset-source.ts'
import { configuredLimits } from './lane/model-limits.ts'
import type { IsletOptions, Setup } from './options.ts'
import type { Region } from './protocol/ids.ts'
import type { Lanes } from './protocol/lanes.ts'
import { createLanes } from './routing/client.ts'
import { nearestRegion, type Whereabouts } from './routing/regions.ts'
import { factsBy } from './weights/manifest-facts.ts'

/** Throws Error where a binding is missing. */
export function makeDeps({ config, options, bound }: Setup<IsletOptions>): ApiDeps {
  const { lane, lanes, regions, aliases, rate, apiKeys, recommendedSampling } = config
  const objects = bound('lane')
  const assets = bound('assets')
  const analytics = bound('analytics')
  const limiter = bound('rateLimiter')
  const log = (entry: Record<string, unknown>): void => console.error(JSON.stringify(entry))
  const fileOf = (folder: string) => (name: string) => assets.fetch(new URL(`/${folder}/${name}`, 'http://assets')) // prettier-ignore
  const facts = factsBy(() => readManifest(assetSource(assets, lane.model)))
  const recommended = recommendedBy(facts)
  const lanesOf = new Map<Region | undefined, Lanes>()
  function lanesNear(from: Whereabouts | undefined): Lanes {
    const region = nearestRegion(regions, from)
    const known = lanesOf.get(region)
    if (known !== undefined) return known
    const made = createLanes((name, locationHint) => objects.getByName(name, { locationHint }), {
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
