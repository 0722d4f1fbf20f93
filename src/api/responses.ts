// The handlers of kept responses find, show, read again, cancel and delete them by their id.

import { IsletError } from '../lib/errors.ts'
import type { TurnView } from '../protocol/lane-reports.ts'
import type { ApiContext, ApiDeps } from './context.ts'
import { noResponse, RESPONSE_PREFIX, turnOfResponse } from './dialects/responses/ids.ts'
import { conversationItems } from './dialects/responses/input.ts'
import type { ResponseReply } from './dialects/responses/object.ts'
import { endOf, responseWriter } from './dialects/responses/writer.ts'
import { readReply } from './dialects/registry.ts'
import type { Reply } from './dialects/reply.ts'
import { eventError, failureOf } from './http/errors.ts'
import { countOf, limitOf, listObject } from './http/query.ts'
import { sentJson } from './http/respond.ts'
import { resumed } from './resume.ts'
import { preview } from './validate.ts'

const PAGE = { usual: 20, most: 100 }

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
    const order = c.req.query('order') ?? 'desc'
    if (order !== 'asc' && order !== 'desc')
      throw refuse('order', `must be "asc" or "desc", not ${preview(order)}`)
    const limit = limitOf(c, PAGE)
    const view = await deps.lanes(c).turn(c.var.tenant, turnOfResponse(c.req.param('id') ?? ''))
    const items = conversationItems(view.conversation, view.turn)
    if (order === 'desc') items.reverse()
    const after = c.req.query('after')
    const from = after === undefined ? 0 : items.findIndex((item) => item.id === after) + 1
    if (after !== undefined && from === 0)
      throw refuse('after', `must be the id of an item, not ${preview(after)}`)
    return c.json(listObject(items.slice(from, from + limit), from + limit < items.length))
  }
}

/** A kept turn as a response. */
function viewObject(view: TurnView): object {
  const { session, turn, events, state } = view
  const reply = responseReply(readReply(view.reply).reply, RESPONSE_PREFIX + turn)
  const writer = responseWriter(reply)
  let ended: object | undefined
  writer.write({ type: 'session', session, turn, reply: view.reply })
  for (const event of events) {
    const frames = event.type === 'error' ? writer.failed(failureOf(eventError(event))) : writer.write(event)
    if (event.type === 'finish' || event.type === 'error') ended = endOf(frames)
  }
  if (state === 'cancelled') return writer.response('cancelled')
  return ended ?? writer.response(unfinished(view, reply), { islet: { state } })
}

function responseReply(reply: Reply, id: string): ResponseReply {
  if (reply.kind === 'response') return reply as ResponseReply
  throw noResponse(id)
}

/**
 * Nobody works on a paused turn until it is read, so whoever asks for its end again and again shall not wait
 * for it.
 */
function unfinished(
  { state, events }: TurnView,
  reply: ResponseReply,
): 'queued' | 'in_progress' | 'incomplete' {
  if (state === 'paused' && !reply.background) return 'incomplete'
  return events.length === 0 ? 'queued' : 'in_progress'
}

function flagOf(c: ApiContext, name: string): boolean {
  const text = c.req.query(name) ?? 'false'
  if (text === 'true' || text === 'false') return text === 'true'
  throw refuse(name, `must be true or false, not ${preview(text)}`)
}

function refuse(param: string, says: string): IsletError {
  return new IsletError('invalid_request', `${param} ${says}`, { param })
}
