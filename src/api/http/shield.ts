// The shield refuses requests that the platform's rate limiter counts as too many, before a lane is asked.

import type { MiddlewareHandler } from 'hono'
import { IsletError } from '../../lib/errors.ts'
import type { ApiDeps, ApiEnv } from '../context.ts'

/** Of an unknown period the longer one holds. */
const LONGEST_SECONDS = 60

/**
 * Counts the request for its tenant. The binding says yes or no, so what remains is known where it is nothing, and
 * the reset is the end of the longest period that may have begun. A limiter that fails lets everything through.
 */
export function shield(deps: ApiDeps): MiddlewareHandler<ApiEnv> {
  const { limiter, rate } = deps
  return async function shielded(c, next) {
    if (limiter === undefined) return next()
    if (rate !== undefined) c.header('x-ratelimit-limit-requests', String(rate.limit))
    const isAllowed = await limiter(c.var.tenant).catch((error: unknown) => {
      deps.log?.({ requestId: c.var.requestId, code: 'limiter_lost', message: String(error) })
      return true
    })
    if (isAllowed) return next()
    const seconds = rate?.seconds ?? LONGEST_SECONDS
    c.header('x-ratelimit-remaining-requests', '0')
    c.header('x-ratelimit-reset-requests', `${seconds}s`)
    c.header('retry-after', String(seconds))
    const allowed = rate === undefined ? 'this key may send' : `${rate.limit} in ${rate.seconds} s`
    throw new IsletError('rate_limit_exceeded', `More requests than ${allowed}: try again in ${seconds} s`)
  }
}
