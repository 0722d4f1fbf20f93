// The app joins middleware and routes, and is the one place where errors become responses.

import type { MiddlewareHandler } from 'hono'
import { HonoBase } from 'hono/hono-base'
import { TrieRouter } from 'hono/router/trie-router'
import { getPathNoStrict } from 'hono/utils/url'
import { IsletError } from '../lib/errors.ts'
import { count, noGenerations } from '../protocol/tally.ts'
import { guardHost, guardOrigin, requireCaller, requireKey, requireScope } from './http/auth.ts'
import type { ApiContext, ApiDeps, ApiEnv } from './context.ts'
import { openAiError } from './dialects/openai-error.ts'
import { crossOrigin } from './http/cors.ts'
import { failureOf } from './http/errors.ts'
import { reportFailure } from './http/log.ts'
import { shield } from './http/shield.ts'
import { meteredLanes } from './metrics/metered-lanes.ts'
import { accessTo, allowedMethods, ROUTES, type Route } from './routes.ts'
import { preview } from './validate.ts'

/** The HTTP API over lanes: plain `fetch`, so it runs in a Worker and in Node alike. */
export function createApp(given: ApiDeps): HonoBase<ApiEnv> {
  const deps = given.counts === undefined ? metered(given) : given
  // A slash at the end of a path means nothing. The router is the one that Hono's own choice comes to with these paths.
  const app = new HonoBase<ApiEnv>({
    getPath: (request, given) => given?.env?.path ?? getPathNoStrict(request),
    router: new TrieRouter(),
  })
  app.use(nameRequest(deps))
  app.use(catchValues(deps))
  for (const { path, errorBody } of ROUTES)
    if (errorBody !== undefined) app.use(`${path}/*`, wordErrors(errorBody))
  const { apiKeys, toldCaller } = deps.config
  const doors = [crossOrigin(apiKeys), guardHost(apiKeys), guardOrigin(apiKeys)]
  app.use(...(toldCaller ? [requireCaller] : doors))
  const keyed = requireKey(apiKeys)
  app.use('/v1/*', keyed)

  for (const route of ROUTES) {
    const { method, path, handler } = route
    const access = accessTo(route)
    const guards = access === 'open' ? [] : [keyed, requireScope(access), shield(deps)]
    app.on(method, [path], ...guards, handler(deps))
  }
  // Whatever reached a known path with another method ends here.
  for (const [path, allow] of allowedMethods()) app.all(path, refuseMethod(allow))

  app.notFound((c) =>
    errorResponse(c, new IsletError('not_found', `There is nothing at ${preview(c.req.path)}`)),
  )
  app.onError((thrown, c) => failed(deps, c, thrown))
  return app
}

/** The same, with lanes that count their generations. */
export function metered(deps: ApiDeps): ApiDeps {
  const counts = noGenerations()
  return {
    ...deps,
    counts,
    lanes: (c) =>
      meteredLanes(deps.lanes(c), deps.now, (line) => {
        count(counts, line)
        deps.tell?.({ requestId: c.var.requestId, ...line })
      }),
  }
}

/** Hono gives `onError` instances of Error alone; any other value that was thrown arrives here. */
function catchValues(deps: ApiDeps): MiddlewareHandler<ApiEnv> {
  return async function valuesCaught(c, next) {
    try {
      return await next()
    } catch (thrown) {
      return failed(deps, c, thrown)
    }
  }
}

function failed(deps: ApiDeps, c: ApiContext, thrown: unknown): Response {
  reportFailure(deps, c, thrown)
  return errorResponse(c, thrown)
}

function errorResponse(c: ApiContext, thrown: unknown): Response {
  const failure = failureOf(thrown)
  const errorBody = c.var.errorBody ?? openAiError
  return c.json(errorBody(failure, c.var.requestId), failure.status, failure.headers)
}

/** Errors at a path of one dialect are worded by it, also those of the guards and the router. */
function wordErrors(errorBody: NonNullable<Route['errorBody']>): MiddlewareHandler<ApiEnv> {
  return async function errorsWorded(c, next) {
    c.set('errorBody', errorBody)
    await next()
  }
}

/** Gives every response `x-request-id`, and the milliseconds until its headers. */
function nameRequest(deps: ApiDeps): MiddlewareHandler<ApiEnv> {
  return async function requestNamed(c, next) {
    const started = deps.now()
    c.set('requestId', deps.newId())
    await next()
    c.header('x-request-id', c.var.requestId)
    // The same, where Anthropic's clients look for it.
    c.header('request-id', c.var.requestId)
    c.header('openai-processing-ms', String(Math.round(deps.now() - started)))
  }
}

function refuseMethod(allow: string): MiddlewareHandler<ApiEnv> {
  return async function methodRefused(c) {
    c.header('allow', `${allow}, OPTIONS`)
    throw new IsletError(
      'method_not_allowed',
      `${c.req.method} is not allowed at ${preview(c.req.path)}; use ${allow}`,
    )
  }
}
