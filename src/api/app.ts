// The app joins middleware and routes, and is the one place where errors become responses.

import { Hono, type MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { IsletError } from '../lib/errors.ts'
import { SESSION_HEADER } from './answer.ts'
import { guardHost, isLoopback, parseKeyHashes, requireKey } from './auth.ts'
import type { ApiContext, ApiDeps, ApiEnv } from './context.ts'
import { renderError } from './errors.ts'
import { postGenerate } from './generate.ts'
import { getHealth, getRoot } from './health.ts'
import { reportFailure } from './log.ts'
import { getModel, listModels } from './models.ts'
import { postResponse } from './responses/create.ts'
import { cancelResponse, deleteResponse, getResponse, listInputItems } from './responses/stored.ts'
import { parseChat, parseCompletion } from './schema.ts'
import {
  deleteSession,
  deleteSessions,
  forkSession,
  getSession,
  listSessions,
  streamSession,
} from './sessions.ts'
import { preview } from './validate.ts'

/** Response headers that scripts of other origins may read. */
const EXPOSED = [
  'x-request-id',
  SESSION_HEADER,
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'openai-processing-ms',
]
const PREFLIGHT_SECONDS = 86_400

const METHODS: Record<string, string> = {
  '/': 'GET, HEAD',
  '/health': 'GET, HEAD',
  '/v1/models': 'GET, HEAD',
  '/v1/models/:id{.+}': 'GET, HEAD',
  '/v1/chat/completions': 'POST',
  '/v1/completions': 'POST',
  '/v1/responses': 'POST',
  '/v1/responses/:id': 'GET, HEAD, DELETE',
  '/v1/responses/:id/cancel': 'POST',
  '/v1/responses/:id/input_items': 'GET, HEAD',
  '/v1/sessions': 'GET, HEAD, DELETE',
  '/v1/sessions/:id': 'GET, HEAD, DELETE',
  '/v1/sessions/:id/fork': 'POST',
  '/v1/sessions/:id/stream': 'GET',
}

/** The HTTP API over lanes: plain `fetch`, so it runs in a Worker and in Node alike. */
export function createApp(deps: ApiDeps): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>()
  app.use(identify(deps))
  app.use(crossOrigin(deps.config.apiKeys))
  app.use(guardHost(deps.config.apiKeys))
  app.use('/v1/*', requireKey(deps.config.apiKeys))

  app.get('/', getRoot)
  app.get('/health', getHealth(deps))
  app.get('/v1/models', listModels(deps))
  app.get('/v1/models/:id{.+}', getModel(deps))
  app.post('/v1/chat/completions', postGenerate(deps, parseChat, 'chat'))
  app.post('/v1/completions', postGenerate(deps, parseCompletion, 'text'))

  app.post('/v1/responses', postResponse(deps))
  app.get('/v1/responses/:id', getResponse(deps))
  app.delete('/v1/responses/:id', deleteResponse(deps))
  app.post('/v1/responses/:id/cancel', cancelResponse(deps))
  app.get('/v1/responses/:id/input_items', listInputItems(deps))
  app.get('/v1/sessions', listSessions(deps))
  app.delete('/v1/sessions', deleteSessions(deps))
  app.get('/v1/sessions/:id', getSession(deps))
  app.delete('/v1/sessions/:id', deleteSession(deps))
  app.post('/v1/sessions/:id/fork', forkSession(deps))
  app.get('/v1/sessions/:id/stream', streamSession(deps))

  // Whatever reached a known path with another method ends here.
  for (const [path, allow] of Object.entries(METHODS)) app.all(path, refuseMethod(allow))

  app.notFound((c) =>
    errorResponse(c, new IsletError('not_found', `There is nothing at ${preview(c.req.path)}`)),
  )
  app.onError((thrown, c) => {
    reportFailure(deps, c, thrown)
    return errorResponse(c, thrown)
  })
  return app
}

function errorResponse(c: ApiContext, thrown: unknown): Response {
  const { status, headers, body } = renderError(thrown)
  return c.json(body, status, headers)
}

/** Gives every reply `x-request-id`, and the milliseconds until its headers. */
function identify(deps: ApiDeps): MiddlewareHandler<ApiEnv> {
  return async function identifyRequest(c, next) {
    const started = deps.now()
    c.set('requestId', deps.newId())
    await next()
    c.header('x-request-id', c.var.requestId)
    c.header('openai-processing-ms', String(Math.round(deps.now() - started)))
  }
}

/** With keys any origin may ask, since the key decides; without, only pages of this machine. */
function crossOrigin(apiKeys: string | undefined): MiddlewareHandler<ApiEnv> {
  return cors({
    origin: (origin) => (origin !== '' && (hasKeys(apiKeys) || isLoopback(origin)) ? origin : null),
    allowMethods: ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'],
    exposeHeaders: EXPOSED,
    maxAge: PREFLIGHT_SECONDS,
  })
}

function hasKeys(apiKeys: string | undefined): boolean {
  return parseKeyHashes(apiKeys).length > 0
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
