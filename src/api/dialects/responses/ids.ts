// A response's id is `resp_` and the id of its turn, or of its request where nothing is kept.

import { IsletError } from '../../../lib/errors.ts'
import { isConversationId } from '../../../protocol/ids.ts'
import { preview } from '../../validate.ts'

export const RESPONSE_PREFIX = 'resp_'

/**
 * The turn of a response.
 * @throws IsletError `not_found`, with `param` where a field of the body named it.
 */
export function turnOfResponse(id: string, param?: string): string {
  const turn = id.slice(RESPONSE_PREFIX.length)
  if (id.startsWith(RESPONSE_PREFIX) && !isConversationId(turn)) return turn
  throw noResponse(id, param)
}

/** The error of a response that is not there, or is none. */
export function noResponse(id: string, param?: string): IsletError {
  return new IsletError('not_found', `There is no response ${preview(id)}`, { param })
}
