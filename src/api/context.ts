// The context holds what handlers are given: dependencies, configuration, and variables of middleware.

import type { Context } from 'hono'
import type { Lanes } from '../protocol/lanes.ts'
import type { Failure } from './http/errors.ts'

export type ApiConfig = {
  /** The API_KEYS secret as it stands; undefined or blank serves loopback host names only. */
  apiKeys: string | undefined
  /** Largest request body, in bytes; 8 MB when absent. */
  maxBodyBytes?: number
  /** A comment is sent after this long without an event, in milliseconds; 10 000 when absent. */
  pingMs?: number
}

export type ApiEnv = {
  Bindings: object
  Variables: {
    tenant: string
    requestId: string
    /** How errors at this path are worded; OpenAI's when absent. */
    errorBody?: (failure: Failure) => object
  }
}

export type ApiContext = Context<ApiEnv>

export type ApiDeps = {
  lanes: (c: ApiContext) => Lanes
  config: ApiConfig
  /** Milliseconds since 1970. */
  now: () => number
  /** A random string, unique for ever: letters, digits, `-` and `_`. */
  newId: () => string
  /** A random unsigned 32-bit seed for requests that bring none. */
  newSeed: () => number
  /** Where failures of ours are reported; console.error as JSON when absent. */
  log?: (entry: Record<string, unknown>) => void
}
