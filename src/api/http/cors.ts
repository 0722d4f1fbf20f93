// Cross-origin rules decide which pages may read the replies: with keys all, without those of this machine.

import type { MiddlewareHandler } from 'hono'
import type { ApiEnv } from '../context.ts'
import { hasKeys, isLoopback } from './auth.ts'
import { SESSION_HEADER, TURN_HEADER } from './respond.ts'

/** Response headers that scripts of other origins may read. */
const EXPOSED = [
  'x-request-id',
  'request-id',
  SESSION_HEADER,
  TURN_HEADER,
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'openai-processing-ms',
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
]
const PREFLIGHT_SECONDS = 86_400

/** With keys any origin may ask, since the key decides; without, only pages of this machine. Answers what browsers ask first. */
export function crossOrigin(apiKeys: string | undefined): MiddlewareHandler<ApiEnv> {
  return async function originAllowed(c, next) {
    // Those of `c.res` are kept, whatever response the handler makes.
    const { headers } = c.res
    const origin = c.req.header('origin')
    if (origin && (hasKeys(apiKeys) || isLoopback(origin))) headers.set('access-control-allow-origin', origin)
    headers.set('access-control-expose-headers', EXPOSED.join())
    if (c.req.method !== 'OPTIONS') {
      await next()
      c.header('vary', 'Origin', { append: true })
      return
    }
    headers.append('vary', 'Origin')
    headers.set('access-control-max-age', String(PREFLIGHT_SECONDS))
    headers.set('access-control-allow-methods', 'GET,HEAD,POST,DELETE,OPTIONS')
    const asked = c.req.header('access-control-request-headers')
    if (asked) {
      headers.set('access-control-allow-headers', asked.replaceAll(' ', ''))
      headers.append('vary', 'Access-Control-Request-Headers')
    }
    return new Response(null, { headers, status: 204 })
  }
}
