// The configuration is made once, of options or of variables, by one table that checks both. Nothing else reads
// `env`.

import * as z from 'zod/mini' // the namespace import and the small build: 300 KB of bundle less
import type { LaneConfig } from './lane/lane-settings.ts'
import type { Assets } from './lane/asset-source.ts'
import type { LaneStub } from './protocol/calls.ts'
import { REGIONS as KNOWN_REGIONS, type Region } from './protocol/ids.ts'

export type Env = {
  ASSETS: Assets
  LANE: { getByName(name: string, options?: { locationHint?: Region }): LaneStub }
  /** Where a point for each generation goes, if it is bound. */
  ANALYTICS?: { writeDataPoint(point: { indexes: string[]; blobs: string[]; doubles: number[] }): void }
  /** Counts the requests of each key, if it is bound. */
  RATE_LIMITER?: { limit(request: { key: string }): Promise<{ success: boolean }> }
} & { [name in keyof z.input<ReturnType<typeof variables>>]?: string | number }

export type Config = {
  lane: LaneConfig
  lanes: number | 'session'
  /** Where lanes lie; none: the platform chooses. */
  regions: Region[]
  /** Whether requests get what the model recommends for sampling fields that they leave out. */
  recommendedSampling: boolean
  /** What RATE_LIMITER allows, for its clients to know. */
  rate: { limit: number; seconds: 10 | 60 } | undefined
  /** Other names that mean the model, for clients with a fixed one. */
  aliases: string[]
  /** The API_KEYS secret as it stands. */
  apiKeys: string | undefined
}

/** A whole number: variables are text, but numbers in wrangler.toml arrive as numbers. */
const whole = (least: number, most: number) =>
  z.pipe(
    z.pipe(
      z.union([z.number(), z.string().check(z.regex(/^\d+$/, 'must be a whole number'))]),
      z.transform((value: string | number) => Number(value)),
    ),
    z
      .number()
      .check(
        z.refine(
          (n) => Number.isInteger(n) && n >= least && n <= most,
          `must be a whole number from ${least} to ${most}`,
        ),
      ),
  )

/** A prefill step that is too large would hold the thread for longer than a token should wait. */
const MOST_ROWS = 256

const MOST_POSITIONS = 1 << 20

/** `1024`, `0` for full attention, or `256,1024`: a window for each of so many equal runs of layers. */
const windows = () =>
  z.pipe(
    z.pipe(
      z.union([
        z.number(),
        z
          .string()
          .check(
            z.regex(
              /^\d+( *, *\d+)*$/,
              'must be whole numbers with commas between, one for each run of layers',
            ),
          ),
      ]),
      z.transform((value: string | number) => String(value).split(',').map(Number)),
    ),
    z
      .array(z.number())
      .check(
        z.refine(
          (list) =>
            list.every((n) => Number.isInteger(n) && n >= (list.length === 1 ? 0 : 1) && n <= MOST_POSITIONS),
          `must be a whole number from 0 to ${MOST_POSITIONS}, or several from 1 on`,
        ),
      ),
  )

/** `weur, enam`: location hints, each once; empty for none. */
const regions = () =>
  z.pipe(
    z.pipe(
      z.string(),
      z.transform((value: string) =>
        value.trim() === '' ? [] : value.split(',').map((part) => part.trim()),
      ),
    ),
    z
      .array(z.enum(KNOWN_REGIONS, `must be regions with commas between, of ${KNOWN_REGIONS.join(' ')}`))
      .check(z.refine((list) => new Set(list).size === list.length, 'must name each region once')),
  )

/** `100/60`: requests in seconds, as the binding has them; empty for a limit that is not told. */
const rate = () =>
  z.pipe(
    z
      .string()
      .check(
        z.regex(/^([1-9]\d{0,8}\/(10|60))?$/, 'must be requests/seconds, such as 100/60, with 10 or 60'),
      ),
    z.transform((value: string) => {
      const [limit, seconds] = value.split('/').map(Number)
      return value === '' ? undefined : { limit, seconds: seconds as 10 | 60 }
    }),
  )

/** Each of as many characters as the name of a model has anywhere, and no more names than a client has. */
const [MAX_ALIAS, MAX_ALIASES] = [200, 64]

/** `gpt-4o-mini, claude-haiku`: names of models, compared without case; empty for none. */
const aliases = () =>
  z.pipe(
    z.pipe(
      z.string(),
      z.transform((value: string) => value.split(',').flatMap((part) => part.trim() || [])),
    ),
    z
      .array(
        z
          .string()
          .check(
            z.regex(/^\S+$/, 'must be names with commas between, without spaces inside'),
            z.maxLength(MAX_ALIAS, `must be names of at most ${MAX_ALIAS} characters`),
          ),
      )
      .check(
        z.maxLength(MAX_ALIASES, `must be at most ${MAX_ALIASES} names`),
        z.refine(
          (list) => new Set(list.map((name) => name.toLowerCase())).size === list.length,
          'must have each name once',
        ),
      ),
  )

/** Seconds. */
const YEAR = 366 * 86_400

/** Two of the largest rows: a turn, and the one that it takes the place of. */
const LEAST_BYTES = 4e6
/** The platform's limit for one object is 10 GB. */
const MOST_BYTES = 10e9

/** What a small model leaves. */
const MOST_RESERVE_MB = 100

const MODEL_NAME = /^[a-z0-9][a-z0-9._-]*$/

/** Made for one reading: nothing of it stays in the isolate. */
const variables = () =>
  z.object({
    MODEL: z._default(
      z.string().check(z.regex(MODEL_NAME, 'must be the name of a folder in models/, lower case')),
      'smollm2-135m-instruct',
    ),
    WINDOW: z._default(windows(), [1024]), // 0 = full attention; what memory has no room for is said at load
    SINKS: z._default(whole(0, MOST_POSITIONS), 4),
    CHUNK: z._default(whole(4, MOST_ROWS).check(z.refine((n) => n % 4 === 0, 'must be a multiple of 4')), 32),
    MAX_PROMPT: z._default(whole(1, MOST_POSITIONS), 32768),
    QUEUE: z._default(whole(1, 1024), 64),
    KV_BUDGET: z._default(whole(0, 2 ** 32), 0),
    RESERVE_MB: z._default(whole(0, MOST_RESERVE_MB), 0),
    KV_TTL: z._default(whole(60, YEAR), 3600),
    SESSION_TTL: z._default(whole(60, YEAR), 86_400),
    RESPONSE_TTL: z._default(whole(60, YEAR), 30 * 86_400),
    TENANT_BYTES: z._default(whole(LEAST_BYTES, MOST_BYTES), 1e9),
    TENANT_SESSIONS: z._default(whole(1, 1e6), 10_000),
    LANE_BYTES: z._default(whole(LEAST_BYTES, MOST_BYTES), 8e9),
    LANES: z._default(z.union([z.literal('session'), whole(1, 1024)]), 1),
    REGIONS: z._default(regions(), []),
    RECOMMENDED_SAMPLING: z._default(z.enum(['on', 'off'], 'must be on or off'), 'on'),
    RATE_LIMIT: z.optional(rate()),
    MODEL_ALIASES: z._default(aliases(), []),
    API_KEYS: z.optional(z.string()),
  })

type Variables = z.input<ReturnType<typeof variables>>

/** `maxPrompt` of `MAX_PROMPT`, `reserveMB` of `RESERVE_MB`. */
type OptionOf<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Tail extends 'MB' ? Tail : Capitalize<OptionOf<Tail>>}`
  : Lowercase<Name>

/** Those that hold several values: text with commas between as a variable, a list too as an option. */
type Listed = { WINDOW: number; REGIONS: Region; MODEL_ALIASES: string; API_KEYS: string }

/** Each variable by its name in camel case (docs/deploying.md says what each does). */
export type Options = {
  readonly [Name in keyof Variables as OptionOf<Name>]?:
    Variables[Name] | (Name extends keyof Listed ? readonly Listed[Name][] : never)
}

/**
 * Reads options, and variables of `env` where there is no such option. Throws an Error that names the wrong one: a mistake
 * of the deployment, not of a request.
 */
export function readConfig(env: Record<string, unknown>, options: Options = {}): Config {
  const table = variables()
  const names = new Map(Object.keys(table.shape).map((name) => [optionOf(name), name]))
  const given = { ...env }
  for (const [option, value] of Object.entries(options)) {
    const name = names.get(option)
    if (name === undefined)
      throw new Error(`there is no option ${option}: there are ${[...names.keys()].join(', ')}`)
    if (value !== undefined) given[name] = Array.isArray(value) ? value.join() : value
  }
  const parsed = table.safeParse(given)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const name = String(issue.path[0])
    const option = optionOf(name)
    const what = option in options ? `option ${option}` : `variable ${name}`
    throw new Error(`${what} is ${JSON.stringify(given[name])}: ${issue.message}`)
  }
  const { MODEL, WINDOW, SINKS, CHUNK, MAX_PROMPT, QUEUE, LANES, REGIONS, MODEL_ALIASES } = parsed.data
  const { KV_BUDGET, KV_TTL, SESSION_TTL, RESPONSE_TTL } = parsed.data
  const { TENANT_BYTES, TENANT_SESSIONS, LANE_BYTES, RATE_LIMIT, API_KEYS } = parsed.data
  return {
    lane: {
      model: MODEL,
      windows: WINDOW,
      sinks: SINKS,
      chunk: CHUNK,
      maxPrompt: MAX_PROMPT,
      queue: QUEUE,
      kvBudget: KV_BUDGET,
      reserve: 1e6 * parsed.data.RESERVE_MB,
      lifetimes: { pages: 1000 * KV_TTL, sessions: 1000 * SESSION_TTL, turns: 1000 * RESPONSE_TTL },
      budget: { tenantBytes: TENANT_BYTES, tenantSessions: TENANT_SESSIONS, laneBytes: LANE_BYTES },
    },
    lanes: LANES,
    regions: REGIONS,
    recommendedSampling: parsed.data.RECOMMENDED_SAMPLING === 'on',
    rate: RATE_LIMIT,
    aliases: MODEL_ALIASES,
    apiKeys: API_KEYS,
  }
}

/** The option that stands for a variable. */
export function optionOf(variable: string): string {
  return variable.toLowerCase().replace(/_(mb$|.)/g, (_, first: string) => first.toUpperCase())
}
