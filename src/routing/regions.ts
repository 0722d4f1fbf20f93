// Regions are the platform's location hints; the nearest one to a request is where its lane shall lie.

import type { Region } from '../protocol/ids.ts'

type Point = readonly [latitude: number, longitude: number]

/** A city in the middle of each region: enough to tell them apart, and objects are placed no finer. */
const CENTRES = {
  wnam: [37.8, -122.4],
  enam: [40.7, -74],
  sam: [-23.6, -46.6],
  weur: [50.9, 4.4],
  eeur: [50.1, 25],
  apac: [22.3, 114.2],
  'apac-ne': [35.7, 139.7],
  'apac-se': [1.4, 103.8],
  oc: [-33.9, 151.2],
  afr: [-26.2, 28],
  me: [25.2, 55.3],
} as const satisfies Record<Region, Point>

/** Where most requests of a continent come from. */
const CONTINENTS: Record<string, Point> = {
  AF: [0, 20],
  AN: [-75, 0],
  AS: [25, 100],
  EU: [50, 10],
  NA: [40, -95],
  OC: [-30, 145],
  SA: [-15, -58],
}

/** What the platform says about where a request comes from; each part may be absent. */
export type Whereabouts = { latitude?: unknown; longitude?: unknown; continent?: unknown }

/**
 * The one of `regions` that is nearest to the request; the first when nothing is known, undefined when there
 * are none.
 */
export function nearestRegion(regions: readonly Region[], from: Whereabouts | undefined): Region | undefined {
  const here = pointOf(from)
  if (here === undefined) return regions[0]
  let best = regions[0]
  for (const region of regions) if (angle(here, CENTRES[region]) < angle(here, CENTRES[best])) best = region
  return best
}

function pointOf(from: Whereabouts | undefined): Point | undefined {
  const [latitude, longitude] = [degrees(from?.latitude, 90), degrees(from?.longitude, 180)]
  if (latitude !== undefined && longitude !== undefined) return [latitude, longitude]
  const continent = String(from?.continent)
  return Object.hasOwn(CONTINENTS, continent) ? CONTINENTS[continent] : undefined
}

function degrees(text: unknown, most: number): number | undefined {
  const value = Number.parseFloat(String(text))
  return Math.abs(value) <= most ? value : undefined
}

/** The angle of the great circle between two points, in radians. */
function angle([latitudeA, longitudeA]: Point, [latitudeB, longitudeB]: Point): number {
  const [a, b] = [radians(latitudeA), radians(latitudeB)]
  const between = Math.cos(radians(longitudeA - longitudeB))
  const cosine = Math.sin(a) * Math.sin(b) + Math.cos(a) * Math.cos(b) * between
  return Math.acos(Math.max(-1, Math.min(1, cosine)))
}

function radians(angleInDegrees: number): number {
  return (angleInDegrees * Math.PI) / 180
}
