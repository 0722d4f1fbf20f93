// The grammar of ids names the lane in each session's and turn's id, so an id finds its lane by itself.

import { IsletError } from '../lib/errors.ts'

/** The platform's location hints, which stand in the names of lanes. */
export const REGIONS = [
  'wnam',
  'enam',
  'sam',
  'weur',
  'eeur',
  'apac',
  'apac-ne',
  'apac-se',
  'oc',
  'afr',
  'me',
] as const

export type Region = (typeof REGIONS)[number]

/** Which of several models a lane is of: a router in front of them puts it there. No region is as long. */
const TAG = 'm[0-9a-f]{6}-'
/** `0`, `weur-0`, or `s` and the digest of a session key, behind a tag or none: a lane's name without `lane-`, and without `_`. */
const LANE = `(?:${TAG})?(?:(?:(?:${REGIONS.join('|')})-)?(?:0|[1-9]\\d{0,3})|s[0-9a-f]{64})`
const RANDOM = '[A-Za-z0-9-]{1,64}'
const SESSION = new RegExp(`^sess_(${LANE})_${RANDOM}$`)
const TURN = new RegExp(`^(${LANE})_${RANDOM}_${RANDOM}$`)

const CONVERSATION = 'conv_'

const REGION_OF = new RegExp(`^(?:${TAG})?(${REGIONS.join('|')})-\\d`)
const TAG_OF = new RegExp(`^(?:sess_|${CONVERSATION})?(${TAG})`)

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

/** The lane of a conversation's id, which is its session's in other letters. Throws `not_found`. */
export function laneOfConversation(id: string): string {
  return laneOfSession(sessionOfConversation(id))
}

/** The session that a conversation is. Throws `not_found` for what is no conversation's id. */
export function sessionOfConversation(id: string): string {
  const session = `sess_${id.slice(CONVERSATION.length)}`
  if (isConversationId(id) && isSessionId(session)) return session
  throw new IsletError('not_found', 'there is no such conversation')
}

/** The id of a session as a conversation. */
export function conversationOf(session: string): string {
  return CONVERSATION + session.slice('sess_'.length)
}

/** Whether a text begins as the id of a conversation does; ids of turns never do. */
export function isConversationId(text: string): boolean {
  return text.startsWith(CONVERSATION)
}

/** The lane of either kind of id. Throws `not_found`. */
export function laneOfId(id: string): string {
  return id.startsWith('sess_') ? laneOfSession(id) : laneOfTurn(id)
}

/** Whether a text is the id of a session. */
export function isSessionId(text: string): boolean {
  return SESSION.test(text)
}

/** The tag of a model in a lane's name or in any id, with the `-` behind it; none where one model alone is served. */
export function modelTagOf(name: string): string | undefined {
  return TAG_OF.exec(name)?.[1]
}

/** A lane's name within the script of its model. */
export function untagged(lane: string): string {
  return lane.slice(modelTagOf(lane)?.length ?? 0)
}

/** The region in a lane's name. */
export function regionOf(lane: string): Region | undefined {
  return REGION_OF.exec(lane)?.[1] as Region | undefined
}
