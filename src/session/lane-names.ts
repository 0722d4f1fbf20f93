// Names of lanes and what ids carry of them: an id finds its lane by itself, wherever and whenever it is used.

import type { GenerateRequest } from '../engine/events.ts'
import { IsletError } from '../lib/errors.ts'
import { sha256 } from '../lib/sha256.ts'
import { REGIONS, type Region } from './regions.ts'
import { rendezvousOrder } from './rendezvous.ts'

export type Layout = {
  /** How many lanes, in each region if there are any; 'session' = an object for each session key. */
  lanes: number | 'session'
  /** Where lanes lie; none: where the platform puts them. */
  regions: readonly Region[]
}

/** How many lanes a request is offered to before it is refused. */
const MOST_OFFERS = 3

/** `0`, `weur-0`, or `s` and the digest of a session key: a lane's name without `lane-`, and without `_`. */
const LANE = `(?:(?:${REGIONS.join('|')})-)?(?:0|[1-9]\\d{0,3})|s[0-9a-f]{64}`
const RANDOM = '[A-Za-z0-9-]{1,64}'
const SESSION = new RegExp(`^sess_(${LANE})_${RANDOM}$`)
const TURN = new RegExp(`^(${LANE})_${RANDOM}_${RANDOM}$`)

const REGION_OF = new RegExp(`^(${REGIONS.join('|')})-\\d`)

/** The lane that a session's id carries. Throws `not_found`. */
export function laneOfSession(id: string): string {
  const lane = SESSION.exec(id)?.[1]
  if (lane === undefined) throw new IsletError('not_found', 'there is no such session')
  return lane
}

/** The lane that a turn's id carries. Throws `not_found`. */
export function laneOfTurn(id: string): string {
  const lane = TURN.exec(id)?.[1]
  if (lane === undefined) throw new IsletError('not_found', 'there is no such turn')
  return lane
}

/** The lane of either kind of id. Throws `not_found`. */
export function laneOfId(id: string): string {
  return id.startsWith('sess_') ? laneOfSession(id) : laneOfTurn(id)
}

/** The request with `session` set if its key is the id of one: that is how clients without a field for it name a session. */
export function withSession(request: GenerateRequest): GenerateRequest {
  if (request.session !== undefined || !SESSION.test(request.sessionKey)) return request
  return { ...request, session: request.sessionKey }
}

/** Lanes that may serve a request that came in at `region`, the best first. Throws `not_found` for a malformed session. */
export function lanesFor(
  request: GenerateRequest,
  { lanes }: Layout,
  region: Region | undefined,
): [string, ...string[]] {
  if (request.session !== undefined) return [laneOfSession(request.session)]
  // The key is the client's: with the tenant in front it cannot name another tenant's object.
  if (lanes === 'session') return [`s${digest(`${request.tenant}\n${request.sessionKey}`)}`]
  const [first, ...others] = rendezvousOrder(request.sessionKey, lanes, MOST_OFFERS)
  return [numbered(region, first), ...others.map((lane) => numbered(region, lane))]
}

/** Every lane there is. Throws `unsupported_value` where lanes cannot be counted. */
export function everyLane({ lanes, regions }: Layout): string[] {
  if (lanes === 'session') {
    throw new IsletError(
      'unsupported_value',
      'with LANES="session" each session has an object of its own, and those cannot be listed: name a session by its id',
    )
  }
  const places = regions.length === 0 ? [undefined] : regions
  return places.flatMap((region) => Array.from({ length: lanes }, (_, lane) => numbered(region, lane)))
}

/** The lane whose health stands for all. */
export function healthLane({ lanes }: Layout, region: Region | undefined): string {
  return lanes === 'session' ? 'health' : numbered(region, 0)
}

/** The region in a lane's name. */
export function regionOf(lane: string): Region | undefined {
  return REGION_OF.exec(lane)?.[1] as Region | undefined
}

function numbered(region: Region | undefined, lane: number): string {
  return region === undefined ? String(lane) : `${region}-${lane}`
}

/** Keys may be long; names of objects may not. */
function digest(text: string): string {
  const hash = sha256()
  hash.update(new TextEncoder().encode(text))
  return hash.hex()
}
