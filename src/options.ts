// The options say what an Islet serves, how, and by which bindings; they are read once in an isolate.

import type { Context } from 'hono'
import type { Caller } from './api/context.ts'
import { readConfig, type Config, type Env, type Options } from './env.ts'

/** Names of bindings in wrangler's configuration. */
export type BindingNames = {
  /** The Durable Object namespace of lanes; default: LANE. */
  lane?: string
  /** The static assets with the packed model; default: ASSETS. */
  assets?: string
  /** A dataset of Analytics Engine that gets a point for each generation; default: none. */
  analytics?: string
  /** A rate limiter that counts the requests of each tenant; default: none. */
  rateLimiter?: string
}

export type LaneOptions = Options & {
  readonly bindings?: Readonly<BindingNames>
  /** Where options that are not given here are read, under the names of variables: the Worker's `env`. */
  readonly variables?: object
}

export type IsletOptions = LaneOptions & {
  /**
   * Who asks, where the app that Islet is mounted in knows that: a tenant, or one with scopes; undefined is a 401. No key
   * is asked for then, and no header for other origins is sent.
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the context of any app, whatever its variables are
  readonly caller?: (c: Context<any>) => Caller | string | undefined | Promise<Caller | string | undefined>
}

/** The options of the project's own Workers: wrangler.toml's variables, and those of its bindings that a deployment has. */
export function byVariables(env: Pick<Env, 'ANALYTICS' | 'RATE_LIMITER'>): IsletOptions {
  return {
    variables: env,
    bindings: {
      ...(env.ANALYTICS && { analytics: 'ANALYTICS' }),
      ...(env.RATE_LIMITER && { rateLimiter: 'RATE_LIMITER' }),
    },
  }
}

/** Options, or what makes them of the Worker's `env` at its first request. */
export type Given<Env, Of> = Of | ((env: Env) => Of)

/** What came of the options in an isolate. */
export type Setup<Of> = { config: Config; options: Of; bound: Bound }

/** A binding by what it is for. Throws Error where the Worker has none of its name. */
export type Bound = <Role extends keyof Roles>(role: Role) => Roles[Role]

type Roles = {
  lane: Env['LANE']
  assets: Env['ASSETS']
  analytics: Env['ANALYTICS']
  rateLimiter: Env['RATE_LIMITER']
}

const USUAL: BindingNames = { lane: 'LANE', assets: 'ASSETS' }

/**
 * Reads options once they are needed; those that are no function are checked now, so that a wrong one fails the
 * deployment and not its requests. Throws Error.
 */
export function setupOf<Env extends object, Of extends LaneOptions>(
  given: Given<Env, Of>,
): (env: Env) => Setup<Of> {
  const early = typeof given === 'function' ? undefined : checked(given)
  return once((env) => {
    const setup = early ?? checked((given as (env: Env) => Of)(env))
    const names: BindingNames = { ...USUAL, ...setup.options.bindings }
    return {
      ...setup,
      bound(role) {
        const name = names[role]
        const binding = name && (env as Record<string, unknown>)[name]
        if (name && !binding)
          throw new Error(`there is no binding ${name}: name yours by the option bindings.${role}`)
        return binding as Roles[typeof role]
      },
    }
  })
}

function checked<Of extends LaneOptions>(options: Of): Omit<Setup<Of>, 'bound'> {
  const { bindings: _, variables, caller: __, ...named } = options as LaneOptions & IsletOptions
  return { options, config: readConfig({ ...variables }, named) }
}

/** `make` at the first call, and what it made from then on: bindings and variables do not change while an isolate lives. */
export function once<Given, Made extends object>(make: (given: Given) => Made): (given: Given) => Made {
  let made: Made | undefined
  return (given) => (made ??= make(given))
}
