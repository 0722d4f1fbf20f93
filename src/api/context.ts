// The context holds what handlers are given: dependencies, configuration, and variables of middleware.

import type { Context } from 'hono'
import type { Lanes } from '../protocol/lanes.ts'
import type { GenerationCounts } from '../protocol/tally.ts'
import type { Failure } from './http/errors.ts'
import type { Scope } from './http/keys.ts'
import type { GenerationLine } from './metrics/metered-lanes.ts'

/** What the rate limiter allows a key, as the deployment says it: the binding itself does not tell. */
export type Rate = { limit: number; seconds: 10 | 60 }

export type ApiConfig = {
  /** The API_KEYS secret as it stands; undefined or blank serves loopback host names only. */
  apiKeys: string | undefined
  /** Who asks is told by the entry: no key is asked for, and which origins may ask is not looked at. */
  toldCaller?: boolean
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

/** Names of files, of which no request can make others. */
export type ReferenceFile = 'openapi.json' | 'docs.page'

/** Who asks, as the app says that Islet is mounted in: whose sessions these are, and what may be done. */
export type Caller = {
  /** 1 to 128 characters; the SHA-256 of a key makes them those of that key. */
  tenant: string
  /** Default: `infer` and `read`. */
  scopes?: readonly Scope[]
}

/** What the entry says of a request, as its `env`, which no request can write. */
export type Entry = {
  /** The path behind `base`. */
  path?: string
  /** Where this app is mounted: '' for the root, else a path without a slash at its end. */
  base?: string
  /** Where callers are told: undefined for nobody. */
  caller?: Caller | string | undefined
}

export type ApiEnv = {
  Bindings: Entry
  Variables: {
    tenant: string
    /** What its key may do; undefined: all. */
    scopes?: readonly Scope[]
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
  /** Told of each generation when it has ended. */
  tell?: (line: { requestId: string } & GenerationLine) => void
  /** A file that the build made of the route table. */
  reference?: (name: ReferenceFile) => Promise<Response>
  /** A file of the page's folder, by a name without a slash. */
  page?: (name: string) => Promise<Response>
  /** What this router's generations came to. */
  counts?: GenerationCounts
  /** Whether a tenant may send another request now; absent: always. */
  limiter?: (tenant: string) => Promise<boolean>
  rate?: Rate
}

/** The limits that hold: the usual ones, where `deps` brings no other. */
export function limitsOf({ limits }: ApiDeps): ApiLimits {
  return { ...LIMITS, ...limits }
}
