// The handler of POST /v1/responses joins the conversation so far and the new input in one lane call.
// It answers with a stream, a whole response, or the word that it is being worked on.

import type { ChatMessage, GenerationEvent } from '../../../protocol/generation.ts'
import { IsletError } from '../../../lib/errors.ts'
import { clientLeft, openEvents, sessionHeader, streamed } from '../../http/respond.ts'
import { readBody } from '../../http/body.ts'
import { collect } from '../../http/collect.ts'
import type { Collected } from '../chunks.ts'
import type { ApiContext, ApiDeps } from '../../context.ts'
import { eventError } from '../../http/errors.ts'
import { toRequest } from '../../generate.ts'
import { findModel } from '../../models.ts'
import type { ResponseReply } from '../reply.ts'
import { closeEvents, type EventIterator } from '../../http/sse.ts'
import { parseResponse, type ResponseOrder } from './schema.ts'
import { conversationAfter } from './stored.ts'
import { responseSpeaker } from './stream.ts'
import { RESPONSE_PREFIX, responseWriter } from './writer.ts'

/** Handler of POST /v1/responses. */
export function postResponse(deps: ApiDeps) {
  return async function createResponse(c: ApiContext): Promise<Response> {
    const body = await readBody(c.req.raw, deps.config.maxBodyBytes)
    const parsed = parseResponse(body.fields, deps.newSeed)
    const { order, previous } = parsed
    const lanes = deps.lanes(c)
    const model = await findModel(lanes, order.model)
    const before = previous === undefined ? undefined : await conversationAfter(deps, c, previous)
    const conversation = [...(before?.conversation ?? []), ...parsed.input]
    const reply: ResponseReply = {
      kind: 'response',
      id: RESPONSE_PREFIX + c.var.requestId,
      created: Math.floor(deps.now() / 1000),
      model: model.id,
      background: order.background,
      shown: parsed.shown,
    }
    const whole = {
      ...order,
      model: model.id,
      prompt: promptOf(parsed, conversation),
      ...(order.store && { conversation }),
      ...(before !== undefined && { session: before.session }),
    }
    const request = await toRequest(c, whole, body.hash, reply)
    const events = openEvents(c, lanes.generate(request))
    if (order.stream) return streamed(c, deps, events, responseSpeaker(reply))
    if (order.background) return accepted(c, events, reply)

    const collected = await collect(events, c.req.raw.signal)
    if (collected === undefined) return clientLeft()
    return c.json(wholeResponse(reply, collected), 200, sessionHeader(collected.session))
  }
}

/** Instructions are the request's own: they stand before a conversation and are no part of it. */
function promptOf({ instructions, tools, variables }: ResponseOrder, conversation: ChatMessage[]) {
  const system = instructions === undefined ? [] : [{ role: 'system', content: instructions }]
  return {
    kind: 'chat' as const,
    messages: [...system, ...conversation],
    ...(tools.length > 0 && { tools }),
    ...(variables !== undefined && { variables }),
  }
}

/** The response as soon as it has a name under which it can be read; the lane goes on alone. */
async function accepted(c: ApiContext, events: EventIterator, reply: ResponseReply): Promise<Response> {
  try {
    const result = await events.next()
    if (!result.done && result.value.type === 'error') throw eventError(result.value)
    if (result.done || result.value.type !== 'session')
      throw new IsletError('engine_failure', 'The generation did not begin with its session')
    const writer = responseWriter(reply)
    writer.write(result.value)
    return c.json(writer.response('queued'), 200, sessionHeader(result.value))
  } finally {
    await closeEvents(events)
  }
}

function wholeResponse(reply: ResponseReply, collected: Collected): object {
  const { session, start, text, reasoning, calls, finish } = collected
  const writer = responseWriter(reply)
  const events: Exclude<GenerationEvent, { type: 'error' }>[] = [
    ...(session === undefined ? [] : [session]),
    start,
    { type: 'text', text, reasoning, calls, ids: [] },
    finish,
  ]
  const last = events.flatMap((event) => writer.write(event)).at(-1) as unknown as { response: object }
  return last.response
}
