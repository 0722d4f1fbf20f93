// The context holds what handlers are given: dependencies, configuration, and variables of middleware.

import type { Context } from 'hono'
import type { Lanes } from '../protocol/lanes.ts'
import type { Failure } from './http/errors.ts'

export type ApiConfig = {
  /** The API_KEYS secret as it stands; undefined or blank serves loopback host names only. */
  apiKeys: string | undefined
}

/** What no deployment sets: tests give others, so as not to wait or to send megabytes. */
export type ApiLimits = {
  /** Largest request body, in bytes. */
  maxBodyBytes: number
  /** A ping is sent after this long without an event, in milliseconds. */
  pingMs: number
  /** A whole answer that is not there so many milliseconds after its admission begins with white space, */
  quietMs: number
  /** of a space after each so many milliseconds. */
  spaceMs: number
}

const LIMITS: ApiLimits = { maxBodyBytes: 8_000_000, pingMs: 10_000, quietMs: 3000, spaceMs: 500 }

export type ApiEnv = {
  Bindings: object
  Variables: {
    tenant: string
    requestId: string
    /** How errors at this path are worded; OpenAI's when absent. */
    errorBody?: (failure: Failure, requestId: string) => object
  }
}

export type ApiContext = Context<ApiEnv>

export type ApiDeps = {
  lanes: (c: ApiContext) => Lanes
  config: ApiConfig
  /** Those that shall not be the usual ones. */
  limits?: Partial<ApiLimits>
  /** Milliseconds since 1970. */
  now: () => number
  /** A random string, unique for ever: letters, digits, `-` and `_`. */
  newId: () => string
  /** A random unsigned 32-bit seed for requests that bring none. */
  newSeed: () => number
  /** Where failures of ours are reported; console.error as JSON when absent. */
  log?: (entry: Record<string, unknown>) => void
}

/** The limits that hold: the usual ones, where `deps` brings no other. */
export function limitsOf({ limits }: ApiDeps): ApiLimits {
  return { ...LIMITS, ...limits }
}
