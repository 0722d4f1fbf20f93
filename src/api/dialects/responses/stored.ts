// The handlers of kept responses find, show, read again, cancel and delete them by their id.

import { errorCode, IsletError } from '../../../lib/errors.ts'
import type { ChatMessage, GenerationEvent } from '../../../protocol/generation.ts'
import type { TurnView } from '../../../protocol/lanes.ts'
import { resumed } from '../../http/respond.ts'
import type { ApiContext, ApiDeps } from '../../context.ts'
import { eventError, renderError } from '../../http/errors.ts'
import { countOf, limitOf, listObject } from '../../http/query.ts'
import { readReply, type ResponseReply } from '../reply.ts'
import { callObject } from '../tools.ts'
import { preview } from '../../validate.ts'
import { conversationItems } from './input.ts'
import { responseSpeaker } from './stream.ts'
import { RESPONSE_PREFIX, responseWriter } from './writer.ts'

const PAGE = { usual: 20, most: 100 }

/** Handler of GET /v1/responses/:id, with `stream=true` as a stream from its event `starting_after` on. */
export function getResponse(deps: ApiDeps) {
  return async function response(c: ApiContext): Promise<Response> {
    const id = c.req.param('id') ?? ''
    const after = countOf(c, 'starting_after')
    const stream = flagOf(c, 'stream')
    if (after !== undefined && !stream) throw refuse('starting_after', 'needs stream=true')
    const turn = turnOf(id)
    if (!stream) return c.json(viewObject(await deps.lanes(c).turn(c.var.tenant, turn)))
    return resumed(c, deps, turn, (reply) => {
      if (reply.kind !== 'response') throw notFound(id)
      return responseSpeaker(reply, after)
    })
  }
}

/** Handler of DELETE /v1/responses/:id. */
export function deleteResponse(deps: ApiDeps) {
  return async function responseDeleted(c: ApiContext): Promise<Response> {
    const id = c.req.param('id') ?? ''
    await deps.lanes(c).removeTurn(c.var.tenant, turnOf(id))
    return c.json({ id, object: 'response', deleted: true })
  }
}

/** Handler of POST /v1/responses/:id/cancel; a body is not read. */
export function cancelResponse(deps: ApiDeps) {
  return async function responseCancelled(c: ApiContext): Promise<Response> {
    const turn = turnOf(c.req.param('id') ?? '')
    return c.json(viewObject(await deps.lanes(c).cancelTurn(c.var.tenant, turn)))
  }
}

/** Handler of GET /v1/responses/:id/input_items: the whole conversation up to the answer, newest first unless `order=asc`. */
export function listInputItems(deps: ApiDeps) {
  return async function inputItems(c: ApiContext): Promise<Response> {
    const order = c.req.query('order') ?? 'desc'
    if (order !== 'asc' && order !== 'desc')
      throw refuse('order', `must be "asc" or "desc", not ${preview(order)}`)
    const limit = limitOf(c, PAGE)
    const view = await deps.lanes(c).turn(c.var.tenant, turnOf(c.req.param('id') ?? ''))
    const items = conversationItems(view.conversation, view.turn)
    if (order === 'desc') items.reverse()
    const after = c.req.query('after')
    const from = after === undefined ? 0 : items.findIndex((item) => item.id === after) + 1
    if (after !== undefined && from === 0)
      throw refuse('after', `must be the id of an item, not ${preview(after)}`)
    return c.json(listObject(items.slice(from, from + limit), from + limit < items.length))
  }
}

/** What a response goes on from: the conversation with its answer, and the session to go on in. */
export type Before = { conversation: ChatMessage[]; session: string | undefined }

/**
 * The conversation at the end of a kept response, the model's answer with its calls included.
 * @throws IsletError with `param: "previous_response_id"`: `not_found`, and `invalid_request` while it is unfinished.
 */
export async function conversationAfter(deps: ApiDeps, c: ApiContext, id: string): Promise<Before> {
  const param = 'previous_response_id'
  const view = await deps
    .lanes(c)
    .turn(c.var.tenant, turnOf(id, param))
    .catch((thrown: unknown) => {
      throw errorCode(thrown) === 'not_found' ? notFound(id, param) : thrown
    })
  if (view.state !== 'done')
    throw refuse(param, `names a response that has no whole answer to go on from: it is ${view.state}`)
  return { conversation: [...view.conversation, answerOf(view)], session: view.session }
}

function answerOf({ turn, events }: TurnView): ChatMessage {
  const texts = events.filter((event) => event.type === 'text')
  const calls = texts.flatMap((event) => event.calls ?? [])
  return {
    role: 'assistant',
    content: texts.map((event) => event.text).join(''),
    ...(calls.length > 0 && {
      tool_calls: calls.map((call, index) => callObject(RESPONSE_PREFIX + turn, index, call)),
    }),
  }
}

/** A kept turn as a response. */
function viewObject(view: TurnView): object {
  const reply = readReply(view.reply)
  if (reply.kind !== 'response') throw notFound(RESPONSE_PREFIX + view.turn)
  const writer = responseWriter(reply)
  const { session, turn, events, state } = view
  let ended: object | undefined
  const all: GenerationEvent[] = [{ type: 'session', session, turn, reply: view.reply }, ...events]
  for (const event of all) {
    const written =
      event.type === 'error' ? writer.fail(renderError(eventError(event)).body.error) : writer.write(event)
    if (event.type === 'finish' || event.type === 'error')
      ended = (written.at(-1) as { response?: object } | undefined)?.response
  }
  if (state === 'cancelled') return writer.response('cancelled')
  return ended ?? writer.response(unfinished(view, reply), { islet: { state } })
}

/** Nobody works on a paused turn until it is read, so whoever asks for its end again and again shall not wait for it. */
function unfinished(
  { state, events }: TurnView,
  reply: ResponseReply,
): 'queued' | 'in_progress' | 'incomplete' {
  if (state === 'paused' && !reply.background) return 'incomplete'
  return events.length === 0 ? 'queued' : 'in_progress'
}

function turnOf(id: string, param?: string): string {
  if (id.startsWith(RESPONSE_PREFIX)) return id.slice(RESPONSE_PREFIX.length)
  throw notFound(id, param)
}

function flagOf(c: ApiContext, name: string): boolean {
  const text = c.req.query(name) ?? 'false'
  if (text === 'true' || text === 'false') return text === 'true'
  throw refuse(name, `must be true or false, not ${preview(text)}`)
}

function notFound(id: string, param?: string): IsletError {
  return new IsletError('not_found', `There is no response ${preview(id)}`, { param })
}

function refuse(param: string, says: string): IsletError {
  return new IsletError('invalid_request', `${param} ${says}`, { param })
}
