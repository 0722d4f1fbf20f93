// The handler of completions reads the body, checks model and session key, and calls one lane.
// Then it streams, or answers whole.

import type { GenerateRequest, Json } from '../protocol/generation.ts'
import { clientLeft, openEvents, sessionHeader, streamed } from './http/respond.ts'
import { readBody } from './http/body.ts'
import { collect } from './http/collect.ts'
import type { ApiContext, ApiDeps } from './context.ts'
import { findModel } from './models.ts'
import type { AnyReply, Reply } from './dialects/reply.ts'
import type { Order } from './dialects/schema.ts'
import { sessionKey } from './session-key.ts'
import { DIALECTS, speakerOf } from './speakers.ts'

const ID_PREFIX: Record<Reply['kind'], string> = { chat: 'chatcmpl-', text: 'cmpl-' }

type ParseBody = (body: Record<string, unknown>, newSeed: () => number) => Order

/** Handler of one endpoint: `parse` reads its body, `kind` says how its answer is worded. */
export function postGenerate(deps: ApiDeps, parse: ParseBody, kind: Reply['kind']) {
  return async function generate(c: ApiContext): Promise<Response> {
    const body = await readBody(c.req.raw, deps.config.maxBodyBytes)
    const order = parse(body.fields, deps.newSeed)
    const lanes = deps.lanes(c)
    const model = await findModel(lanes, order.model)
    const reply: Reply = {
      kind,
      id: ID_PREFIX[kind] + c.var.requestId,
      created: Math.floor(deps.now() / 1000),
      model: model.id,
      includeUsage: order.includeUsage,
    }
    const request = await toRequest(c, { ...order, model: model.id }, body.hash, reply)
    const events = openEvents(c, lanes.generate(request))
    if (order.stream) return streamed(c, deps, events, speakerOf(reply))

    const collected = await collect(events, c.req.raw.signal)
    if (collected === undefined) return clientLeft()
    return c.json(DIALECTS[kind].whole(reply, collected), 200, sessionHeader(collected.session))
  }
}

/** What a lane is asked: the order, who asks, and how its answer will be worded. */
export async function toRequest(
  c: ApiContext,
  order: Order,
  bodyHash: string,
  reply: AnyReply,
): Promise<GenerateRequest> {
  const tenant = c.var.tenant
  const { stream: _, includeUsage: _usage, cacheKey: _key, endUser: _user, ...asked } = order
  return {
    ...asked,
    requestId: c.var.requestId,
    tenant,
    sessionKey: await sessionKey(tenant, order),
    hashLogits: c.req.header('x-islet-hash-logits') === '1',
    bodyHash,
    // What OpenAI's clients count up each time they send a request again.
    retry: Number(c.req.header('x-stainless-retry-count')) >= 1,
    reply: reply satisfies Json,
  }
}
