// The key guard tells who is asking: API keys by their hashes, or loopback hosts alone without a key.

import type { MiddlewareHandler } from 'hono'
import { IsletError } from '../../lib/errors.ts'
import { hashText } from './hash-text.ts'
import type { ApiContext, ApiEnv } from '../context.ts'

const HOW_TO = 'the SHA-256 of each key in hex, separated by commas or lines: printf %s KEY | sha256sum'
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * The hashes in the API_KEYS secret, lower case; empty when it is unset or blank.
 * @throws IsletError `invalid_api_key` when an entry is not a SHA-256 in hex (the entry itself is not repeated).
 */
export function parseKeyHashes(secret: string | undefined): string[] {
  const entries = (secret ?? '').split(/[\s,]+/).filter((entry) => entry !== '')
  return entries.map((entry, index) => {
    if (!/^[0-9a-f]{64}$/i.test(entry)) {
      throw new IsletError(
        'invalid_api_key',
        `Entry ${index + 1} of the secret API_KEYS is not a hash. It must hold ${HOW_TO}`,
      )
    }
    return entry.toLowerCase()
  })
}

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
 * Sets `tenant`: the key's hash. Without configured keys any key is a tenant, and none is
 * `anonymous`.
 */
export function requireKey(apiKeys: string | undefined): MiddlewareHandler<ApiEnv> {
  return async function keyGuard(c, next) {
    const keys = keysOf(c)
    if (keys.length > 1) {
      const says = 'The headers Authorization and x-api-key hold different keys. Send one of them'
      throw new IsletError('invalid_api_key', says)
    }
    const hash = await hashOf(keys)
    if (!isAllowed(apiKeys, hash)) {
      const seen = hash === undefined ? 'No API key was sent' : 'The API key is not one of those configured'
      throw new IsletError(
        'invalid_api_key',
        `${seen}. Send the header "Authorization: Bearer KEY" or "x-api-key: KEY"`,
      )
    }
    c.set('tenant', hash ?? 'anonymous')
    await next()
  }
}

/** Whether the request has one of the configured keys; true where there are none. */
export async function hasAccess(c: ApiContext, apiKeys: string | undefined): Promise<boolean> {
  return isAllowed(apiKeys, await hashOf(keysOf(c)))
}

/** Whether keys are configured. */
export function hasKeys(apiKeys: string | undefined): boolean {
  return parseKeyHashes(apiKeys).length > 0
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

function isAllowed(apiKeys: string | undefined, hash: string | undefined): boolean {
  const hashes = parseKeyHashes(apiKeys)
  return hashes.length === 0 || (hash !== undefined && includesHash(hashes, hash))
}

/** Compares with every hash to the last character: the time taken tells nothing about the keys. */
function includesHash(hashes: readonly string[], hash: string): boolean {
  let found = 0
  for (const candidate of hashes) {
    let difference = candidate.length ^ hash.length
    for (let i = 0; i < hash.length; i++) difference |= candidate.charCodeAt(i) ^ hash.charCodeAt(i)
    found |= Number(difference === 0)
  }
  return found === 1
}
