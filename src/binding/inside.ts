// The inside app runs handlers of the API for callers that a service binding lets in: no key is asked for.

import { HonoBase } from 'hono/hono-base'
import { TrieRouter } from 'hono/router/trie-router'
import type { ApiContext, ApiDeps, ApiEnv, Caller } from '../api/context.ts'
import { postDecision } from '../api/decide.ts'
import { chatDialect } from '../api/dialects/chat/dialect.ts'
import { workersAiDialect } from '../api/dialects/workers-ai/dialect.ts'
import { postGenerate } from '../api/generate.ts'
import { reportFailure } from '../api/http/log.ts'
import { shield } from '../api/http/shield.ts'
import { deleteSession, forkSession, getSession, listSessions } from '../api/sessions.ts'
import type { ListedModel } from './types.ts'
import { yieldingLanes } from './yielding-lanes.ts'

/** No proxy stands between: a whole answer is waited for, milliseconds, and an error that comes late still has its code. */
const WHOLE_MS = 2 ** 31 - 1

/** Its errors are thrown as they are. */
export function insideApp(given: ApiDeps): HonoBase<ApiEnv> {
  const deps: ApiDeps = {
    ...given,
    lanes: (c) => yieldingLanes(given.lanes(c)),
    limits: { ...given.limits, quietMs: WHOLE_MS },
  }
  const app = new HonoBase<ApiEnv>({ router: new TrieRouter() })
  app.use(async (c, next) => {
    c.set('tenant', (c.env.caller as Caller).tenant)
    c.set('requestId', deps.newId())
    await next()
  })
  app.use('/asked/*', shield(deps))
  app.on('POST', ['/asked/run'], postGenerate(deps, workersAiDialect))
  app.on('POST', ['/asked/chat'], postGenerate(deps, chatDialect))
  app.on('POST', ['/asked/decide'], postDecision(deps))
  app.on('GET', ['/models'], listModels(deps))
  app.on('GET', ['/sessions'], listSessions(deps))
  app.on('GET', ['/sessions/:id'], getSession(deps))
  app.on('DELETE', ['/sessions/:id'], deleteSession(deps))
  app.on('POST', ['/sessions/:id/fork'], forkSession(deps))
  // What is thrown here comes back here, once for each middleware.
  const reported = new WeakSet<Error>()
  app.onError((thrown, c) => {
    if (!reported.has(thrown)) reportFailure(deps, c, thrown)
    reported.add(thrown)
    throw thrown
  })
  return app
}

const TASK = { id: 'text-generation', name: 'Text Generation', description: 'Text from a prompt or messages' }

function listModels(deps: ApiDeps) {
  return async function models(c: ApiContext): Promise<Response> {
    const cards = await deps.lanes(c).models()
    const listed = cards.map(({ id, ownedBy, aliases = [] }): ListedModel => {
      const properties = aliases.map((value) => ({ property_id: 'alias', value }))
      return {
        id,
        source: 1,
        name: id,
        description: `served by ${ownedBy}`,
        task: TASK,
        tags: [],
        properties,
      }
    })
    const { search = '', task = TASK.name } = c.req.query()
    return c.json(task === TASK.name ? listed.filter(({ id }) => id.includes(search.toLowerCase())) : [])
  }
}
