// The handlers of kept responses find, show, read again, cancel and delete them by their id.

import { IsletError } from '../lib/errors.ts'
import type { ApiContext, ApiDeps } from './context.ts'
import { turnOfResponse } from './dialects/responses/ids.ts'
import { keptItems, responseReply, viewObject } from './dialects/responses/view.ts'
import { responseWriter } from './dialects/responses/writer.ts'
import { countOf, pageOf, pagingOf } from './http/query.ts'
import { sentJson } from './http/respond.ts'
import { resumed } from './resume.ts'
import { preview } from './validate.ts'

/** Handler of GET /v1/responses/:id, with `stream=true` as a stream from its event `starting_after` on. */
export function getResponse(deps: ApiDeps) {
  return async function response(c: ApiContext): Promise<Response> {
    const id = c.req.param('id') ?? ''
    const after = countOf(c, 'starting_after')
    const stream = flagOf(c, 'stream')
    if (after !== undefined && !stream) throw refuse('starting_after', 'needs stream=true')
    const turn = turnOfResponse(id)
    if (!stream) return sentJson(c, viewObject(await deps.lanes(c).turn(c.var.tenant, turn)))
    return resumed(c, deps, turn, (reply) => responseWriter(responseReply(reply, id), after))
  }
}

/** Handler of DELETE /v1/responses/:id. */
export function deleteResponse(deps: ApiDeps) {
  return async function responseDeleted(c: ApiContext): Promise<Response> {
    const id = c.req.param('id') ?? ''
    await deps.lanes(c).removeTurn(c.var.tenant, turnOfResponse(id))
    return c.json({ id, object: 'response', deleted: true })
  }
}

/** Handler of POST /v1/responses/:id/cancel; a body is not read. */
export function cancelResponse(deps: ApiDeps) {
  return async function responseCancelled(c: ApiContext): Promise<Response> {
    const turn = turnOfResponse(c.req.param('id') ?? '')
    return sentJson(c, viewObject(await deps.lanes(c).cancelTurn(c.var.tenant, turn)))
  }
}

/**
 * Handler of GET /v1/responses/:id/input_items: the whole conversation up to the answer, newest first unless
 * `order=asc`.
 */
export function listInputItems(deps: ApiDeps) {
  return async function inputItems(c: ApiContext): Promise<Response> {
    const paging = pagingOf(c)
    const view = await deps.lanes(c).turn(c.var.tenant, turnOfResponse(c.req.param('id') ?? ''))
    return c.json(pageOf(keptItems(view), paging))
  }
}

function flagOf(c: ApiContext, name: string): boolean {
  const text = c.req.query(name) ?? 'false'
  if (text === 'true' || text === 'false') return text === 'true'
  throw refuse(name, `must be true or false, not ${preview(text)}`)
}

function refuse(param: string, says: string): IsletError {
  return new IsletError('invalid_request', `${param} ${says}`, { param })
}
