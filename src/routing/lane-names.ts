// The router chooses the lanes that may serve a request: by its session, or by rendezvous on its key.

import type { GenerateRequest } from '../protocol/generation.ts'
import { IsletError } from '../lib/errors.ts'
import { sha256 } from '../lib/sha256.ts'
import { isSessionId, laneOfSession, type Region } from '../protocol/ids.ts'
import { rendezvousOrder } from './rendezvous.ts'

export type Layout = {
  /** How many lanes, in each region if there are any; 'session' = an object for each session key. */
  lanes: number | 'session'
  /** Where lanes lie; none: where the platform puts them. */
  regions: readonly Region[]
  /** What the names of lanes begin with, where several models are served. */
  tag?: string
}

/** What of a request says where it goes. */
export type Placed = Pick<GenerateRequest, 'tenant' | 'sessionKey' | 'session'>

/** How many lanes a request is offered to before it is refused. */
const MOST_OFFERS = 3

/**
 * The request with `session` set if its key is the id of one: that is how clients without a field for it name
 * a session.
 */
export function withSession<R extends Placed>(request: R): R {
  if (request.session !== undefined || !isSessionId(request.sessionKey)) return request
  return { ...request, session: request.sessionKey }
}

/**
 * Lanes that may serve a request that came in at `region`, the best first. Throws `not_found` for a malformed
 * session.
 */
export function lanesFor(
  request: Placed,
  { lanes, tag = '' }: Layout,
  region: Region | undefined,
): [string, ...string[]] {
  if (request.session !== undefined) return [laneOfSession(request.session)]
  // The key is the client's: with the tenant in front it cannot name another tenant's object.
  if (lanes === 'session') return [`${tag}s${digest(`${request.tenant}\n${request.sessionKey}`)}`]
  const [first, ...others] = rendezvousOrder(request.sessionKey, lanes, MOST_OFFERS)
  return [numbered(tag, region, first), ...others.map((lane) => numbered(tag, region, lane))]
}

/** Every lane there is. Throws `unsupported_value` where lanes cannot be counted. */
export function everyLane({ lanes, regions, tag = '' }: Layout): string[] {
  if (lanes === 'session') {
    throw new IsletError(
      'unsupported_value',
      'with LANES="session" each session has an object of its own, and those cannot be listed: name a session by its id',
    )
  }
  const places = regions.length === 0 ? [undefined] : regions
  return places.flatMap((region) => Array.from({ length: lanes }, (_, lane) => numbered(tag, region, lane)))
}

/** The lane whose health stands for all. */
export function healthLane({ lanes, tag = '' }: Layout, region: Region | undefined): string {
  return lanes === 'session' ? `${tag}health` : numbered(tag, region, 0)
}

function numbered(tag: string, region: Region | undefined, lane: number): string {
  return region === undefined ? `${tag}${lane}` : `${tag}${region}-${lane}`
}

/** Keys may be long; names of objects may not. */
export function digest(text: string): string {
  const hash = sha256()
  hash.update(new TextEncoder().encode(text))
  return hash.hex()
}
