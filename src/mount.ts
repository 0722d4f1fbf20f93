// The sub-app hands requests on to the API from wherever it is mounted, each as it is, without a copy.

import { HonoBase } from 'hono/hono-base'
import { TrieRouter } from 'hono/router/trie-router'
import type { ApiEnv } from './api/context.ts'
import type { IsletOptions, Setup } from './options.ts'

/** What an isolate serves, once there is an `env`. */
type Served = { app: HonoBase<ApiEnv>; setup: Setup<IsletOptions> }

/**
 * An app of one route. Its context stays with the app that it is mounted in, whose variables may have any names; what the
 * API throws it words itself, and what is wrong with the options is thrown on.
 */
export function subApp<Env extends object>(serve: (env: Env) => Served): HonoBase<{ Bindings: Env }> {
  const app = new HonoBase<{ Bindings: Env }>({ router: new TrieRouter() })
  app.onError((error) => {
    throw error
  })
  return app.all('/*', async (c) => {
    const { app, setup } = serve(c.env)
    // Of as many segments as the route has in front of its `*`, whatever parameters among them stand for.
    const base = c.req.path.split('/', c.req.routePath.split('/').length - 1).join('/')
    const path = c.req.path.slice(base.length).replace(/\/$/, '') || '/'
    const caller = await setup.options.caller?.(c)
    return app.fetch(c.req.raw, { base, path, caller }, c.executionCtx)
  })
}
