// The endpoint of generations runs any dialect: body to order, one lane call, answer as a stream or whole.

import type { GenerateRequest, Json, SessionEvent } from '../protocol/generation.ts'
import { IsletError } from '../lib/errors.ts'
import { limitsOf, type ApiContext, type ApiDeps } from './context.ts'
import type { Dialect } from './dialects/dialect.ts'
import type { Reply } from './dialects/reply.ts'
import type { Order } from './dialects/order.ts'
import { withRecommended } from './dialects/recommended.ts'
import { readBody } from './http/body.ts'
import { eventError } from './http/errors.ts'
import { closeEvents, sessionIn, type EventIterator } from './http/events.ts'
import { clientLeft, openEvents, sentJson, sessionHeader, streamed } from './http/respond.ts'
import { timed } from './http/timed.ts'
import { whole } from './http/whole.ts'
import { findModel, modelOfSession } from './models.ts'
import { sessionKey } from './session-key.ts'

/** Handler of an endpoint that answers in `dialect`. */
export function postGenerate(deps: ApiDeps, dialect: Dialect) {
  return async function generate(c: ApiContext): Promise<Response> {
    const lanes = deps.lanes(c)
    // The first request of an isolate reads a manifest for them, while its body comes and is checked.
    const cards = lanes.models()
    cards.catch(() => undefined)
    const body = await readBody(c.req.raw, limitsOf(deps).maxBodyBytes)
    const asked = dialect.parse(body.fields, deps.newSeed, body.changed)
    const named = await findModel({ models: () => cards }, asked.order.model)
    const { reply: also, ...prompt } = await asked.prompt((id) => lanes.turn(c.var.tenant, id))
    const owner = modelOfSession(await cards, prompt.session ?? asked.order.cacheKey)
    const model = asked.order.model === undefined ? owner : named
    // What another model answered is read as text, and goes on in a session of this one; a conversation has one model.
    if (owner.tag !== model.tag && prompt.follows === undefined) delete prompt.session
    const recommended = model.sampling && withRecommended(asked.order, model.sampling)
    const order: Order = {
      ...asked.order,
      model: model.id,
      ...prompt,
      ...(recommended && { sampling: recommended.sampling }),
    }
    const reply: Reply = {
      kind: dialect.kind,
      id: dialect.idPrefix + c.var.requestId,
      created: Math.floor(deps.now() / 1000),
      model: model.id,
      ...asked.reply,
      ...(recommended && { sampling: recommended.used }),
      ...also,
    }
    const request = await toRequest(c, order, body.hash, reply)
    const opened = openEvents(c, lanes.generate(request))
    if (opened === undefined) return clientLeft()
    const events = dialect.timed === true ? timed(opened, deps.now) : opened
    if (order.stream) return streamed(c, deps, events, dialect.writer(reply))
    if (order.background && dialect.queued !== undefined) {
      const session = await firstSession(events)
      return sentJson(c, dialect.queued(reply, session), sessionHeader(session))
    }
    return whole(c, deps, events, {
      whole: (collected) => dialect.whole(reply, collected),
      errorBody: (failure) => dialect.errorBody(failure, c.var.requestId),
    })
  }
}

/** What a lane is asked: the order, who asks, and the reply that its turn keeps. */
async function toRequest(
  c: ApiContext,
  order: Order,
  bodyHash: string,
  reply: Reply,
): Promise<GenerateRequest> {
  const tenant = c.var.tenant
  const { stream: _, includeUsage: _usage, cacheKey: _key, endUser: _user, said: _said, ...asked } = order
  return {
    ...asked,
    requestId: c.var.requestId,
    tenant,
    sessionKey: await sessionKey(tenant, order),
    hashLogits: c.req.header('x-islet-hash-logits') === '1',
    bodyHash,
    // What OpenAI's clients count up each time they send a request again.
    retry: Number(c.req.header('x-stainless-retry-count')) >= 1,
    ...(!order.stream && !order.background && { unseen: true as const }),
    reply: reply satisfies Json,
  }
}

/** The session under which an answer that nobody waits for can be read; the lane goes on alone. */
async function firstSession(events: EventIterator): Promise<SessionEvent> {
  try {
    const result = await events.next()
    if (!result.done && result.value.type === 'error') throw eventError(result.value)
    const session = sessionIn(result)
    if (session !== undefined) return session
    throw new IsletError('engine_failure', 'The generation did not begin with its session')
  } finally {
    await closeEvents(events)
  }
}
