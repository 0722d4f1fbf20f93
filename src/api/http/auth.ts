// The key guard tells who is asking and what that key may do; without keys loopback hosts alone may ask.

import type { MiddlewareHandler } from 'hono'
import { IsletError } from '../../lib/errors.ts'
import { hashText } from './hash-text.ts'
import { findKey, parseKeys, type Key, type Scope } from './keys.ts'
import type { ApiContext, ApiEnv } from '../context.ts'
import { checkTenant } from './tenant.ts'

const HOW_TO = 'the SHA-256 of each key in hex, separated by commas or lines: printf %s KEY | sha256sum'
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Who may ask: anybody, or a key with one of these scopes; with any where there are none. */
export type Access = 'open' | readonly Scope[]

/** True for http(s) URLs of this machine itself: localhost, 127.0.0.1 or [::1], any port. */
export function isLoopback(url: string): boolean {
  const parsed = URL.parse(url)
  return parsed !== null && /^https?:$/.test(parsed.protocol) && LOOPBACK.has(parsed.hostname)
}

/**
 * Refuses every host but loopback while no keys are configured, so that a deployed worker is never open by
 * accident.
 */
export function guardHost(apiKeys: string | undefined): MiddlewareHandler<ApiEnv> {
  return async function hostGuard(c, next) {
    if (!hasKeys(apiKeys) && !isLoopback(c.req.url)) {
      throw new IsletError(
        'invalid_api_key',
        `No API keys are configured, so only localhost is served. Set the secret API_KEYS (wrangler secret put API_KEYS) to ${HOW_TO}`,
      )
    }
    await next()
  }
}

/**
 * Refuses pages of other sites while no keys are configured: a browser sends simple requests for any page,
 * and to compute and to store does not need their answers read. The Origin decides where there is one, else
 * Sec-Fetch-Site; programs send neither.
 */
export function guardOrigin(apiKeys: string | undefined): MiddlewareHandler<ApiEnv> {
  return async function originGuard(c, next) {
    if (!hasKeys(apiKeys) && isForeign(c.req.header('origin'), c.req.header('sec-fetch-site'))) {
      throw new IsletError(
        'origin_not_allowed',
        'No API keys are configured, so only pages of this machine (http://localhost:...) may ask. To serve other pages set the secret API_KEYS',
      )
    }
    await next()
  }
}

function isForeign(origin: string | undefined, site: string | undefined): boolean {
  if (origin !== undefined) return !isLoopback(origin)
  // Without an Origin: an image, a script or a link. The site of a loopback host is that host, so `same-site`
  // is a page of this machine.
  return site !== undefined && !['same-origin', 'same-site', 'none'].includes(site.trim().toLowerCase())
}

/**
 * Sets `tenant`: the key's hash, or the one that its entry names. Without configured keys any key is a tenant,
 * and none is `anonymous`.
 */
export function requireKey(apiKeys: string | undefined): MiddlewareHandler<ApiEnv> {
  return async function keyGuard(c, next) {
    if (c.var.tenant === undefined) {
      const keys = keysOf(c)
      if (keys.length > 1) {
        const says = 'The headers Authorization and x-api-key hold different keys. Send one of them'
        throw new IsletError('invalid_api_key', says)
      }
      const key = await grantOf(keys, apiKeys)
      if (key === undefined) {
        const seen = keys.length === 0 ? 'No API key was sent' : 'The API key is not one of those configured'
        throw new IsletError(
          'invalid_api_key',
          `${seen}. Send the header "Authorization: Bearer KEY" or "x-api-key: KEY"`,
        )
      }
      c.set('tenant', key.tenant)
      c.set('scopes', key.scopes)
    }
    await next()
  }
}

/** Sets the caller that the entry tells, in the place of a key. Throws Error for one that is no tenant: a mistake of the app. */
export const requireCaller: MiddlewareHandler<ApiEnv> = async function callerGuard(c, next) {
  const { caller } = c.env
  if (caller === undefined)
    throw new IsletError('invalid_api_key', 'The app that this is mounted in knows no caller')
  const { tenant, scopes = ['infer', 'read'] } = typeof caller === 'string' ? { tenant: caller } : caller
  c.set('tenant', checkTenant(tenant, 'the tenant of a caller'))
  c.set('scopes', scopes)
  await next()
}

/** Refuses a key that has none of the scopes of a route. */
export function requireScope(access: Access): MiddlewareHandler<ApiEnv> {
  return async function scopeGuard(c, next) {
    if (access !== 'open' && !hasScope(c.var.scopes, access)) {
      const needed = access.join(' or ')
      c.header('www-authenticate', `Bearer error="insufficient_scope", scope="${access[0]}"`)
      throw new IsletError(
        'insufficient_scope',
        `This needs a key with the scope ${needed}; this one has ${c.var.scopes?.join(', ')}`,
      )
    }
    await next()
  }
}

/** Whether the caller, or one of the configured keys, has that scope; true where there are no keys. */
export async function hasAccess(c: ApiContext, apiKeys: string | undefined, scope: Scope): Promise<boolean> {
  const known = c.var.tenant === undefined ? await grantOf(keysOf(c), apiKeys) : c.var
  return known !== undefined && hasScope(known.scopes, [scope])
}

/** Whether keys are configured. */
export function hasKeys(apiKeys: string | undefined): boolean {
  return parseKeys(apiKeys).length > 0
}

/** The keys of a request: that of OpenAI's header and that of Anthropic's, once where they are the same. */
function keysOf(c: ApiContext): string[] {
  const bearer = /^Bearer\s+(\S.*)$/i.exec(c.req.header('authorization')?.trim() ?? '')?.[1]
  const keys = [bearer, c.req.header('x-api-key')?.trim()]
  return [...new Set(keys.flatMap((key) => key || []))]
}

/** The hash of the one key that there is; none of several, which are nobody's. */
async function hashOf(keys: readonly string[]): Promise<string | undefined> {
  return keys.length === 1 ? hashText(keys[0]) : undefined
}

/** What the one key that there is is good for; undefined where it is none of those configured. */
async function grantOf(
  sent: readonly string[],
  apiKeys: string | undefined,
): Promise<Pick<Key, 'tenant' | 'scopes'> | undefined> {
  const hash = await hashOf(sent)
  const keys = parseKeys(apiKeys)
  if (keys.length === 0) return { tenant: hash ?? 'anonymous', scopes: undefined }
  return hash === undefined ? undefined : findKey(keys, hash)
}

function hasScope(scopes: readonly Scope[] | undefined, wanted: readonly Scope[]): boolean {
  return scopes === undefined || wanted.length === 0 || wanted.some((scope) => scopes.includes(scope))
}
