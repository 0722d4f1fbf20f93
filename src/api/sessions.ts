// The handlers of /v1/sessions list, show, fork, read again and delete what a tenant has stored.

import type { SessionView } from '../protocol/lane-reports.ts'
import type { ApiContext, ApiDeps } from './context.ts'
import { memoryObject } from './http/memory-object.ts'
import { countOf, limitOf, listObject } from './http/query.ts'
import { resumed, skipping } from './resume.ts'

const PAGE = { usual: 100, most: 1000 }

/** Handler of GET /v1/sessions?limit=N&after=ID, those used last first. */
export function listSessions(deps: ApiDeps) {
  return async function sessions(c: ApiContext): Promise<Response> {
    const limit = limitOf(c, PAGE)
    const after = c.req.query('after')
    // One more tells whether there are more.
    const views = await deps.lanes(c).sessions(c.var.tenant, { limit: limit + 1, after })
    return c.json(listObject(views.slice(0, limit).map(sessionObject), views.length > limit))
  }
}

/** Handler of GET /v1/sessions/:id. */
export function getSession(deps: ApiDeps) {
  return async function session(c: ApiContext): Promise<Response> {
    return c.json(sessionObject(await deps.lanes(c).session(c.var.tenant, idOf(c))))
  }
}

/** Handler of GET /v1/sessions/:id/memory. */
export function getMemory(deps: ApiDeps) {
  return async function sessionMemory(c: ApiContext): Promise<Response> {
    const { id, isolate = null, ...report } = await deps.lanes(c).memory(c.var.tenant, idOf(c))
    return c.json({ id, ...memoryObject(report), isolate })
  }
}

/** Handler of DELETE /v1/sessions/:id. */
export function deleteSession(deps: ApiDeps) {
  return async function sessionDeleted(c: ApiContext): Promise<Response> {
    const id = idOf(c)
    await deps.lanes(c).remove(c.var.tenant, id)
    return c.json({ id, object: 'session.deleted', deleted: true })
  }
}

/** Handler of DELETE /v1/sessions: everything of the tenant. */
export function deleteSessions(deps: ApiDeps) {
  return async function sessionsDeleted(c: ApiContext): Promise<Response> {
    const deleted = await deps.lanes(c).removeAll(c.var.tenant)
    return c.json({ object: 'session.list.deleted', deleted })
  }
}

/** Handler of POST /v1/sessions/:id/fork; a body is not read. */
export function forkSession(deps: ApiDeps) {
  return async function sessionForked(c: ApiContext): Promise<Response> {
    return c.json(sessionObject(await deps.lanes(c).fork(c.var.tenant, idOf(c))), 201)
  }
}

/** Handler of GET /v1/sessions/:id/stream?after=N: the last turn, without the first N frames of data. */
export function streamSession(deps: ApiDeps) {
  return async function sessionStream(c: ApiContext): Promise<Response> {
    const after = countOf(c, 'after') ?? 0
    return resumed(c, deps, idOf(c), (reply, dialect) => skipping(dialect.writer(reply), after))
  }
}

function idOf(c: ApiContext): string {
  return c.req.param('id') ?? ''
}

function sessionObject(view: SessionView): { id: string } & Record<string, unknown> {
  const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000)
  return {
    id: view.id,
    object: 'session',
    model: view.model,
    state: view.state,
    created_at: seconds(view.createdAt),
    used_at: seconds(view.usedAt),
    expires_at: seconds(view.expiresAt),
    tokens: view.tokens,
    completion_tokens: view.completionTokens,
    window: view.window.window ?? null,
    sinks: view.window.sinks,
    out_of_sight: view.window.outOfSight,
    cache: { memory: view.memory, storage: view.storage },
  }
}
