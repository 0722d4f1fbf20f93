// The walk of a generation: body, model, session key, one call of a lane, then a stream or a whole reply.

import type { GenerateRequest } from '../engine/events.ts'
import { readJsonObject } from './body.ts'
import type { Dialect, Reply } from './chunks.ts'
import { collect } from './collect.ts'
import type { ApiContext, ApiDeps } from './context.ts'
import { eventError } from './errors.ts'
import { reportFailure } from './log.ts'
import { findModel } from './models.ts'
import type { Order } from './schema.ts'
import { sessionKey } from './session-key.ts'
import { closeEvents, LATE, settledWithin, SSE_HEADERS, sseBody, type EventIterator } from './sse.ts'

const MAX_BODY_BYTES = 8_000_000
const PING_MS = 10_000
/** nginx's "client closed request": nobody reads it, logs may. */
const CLIENT_LEFT = 499

type ParseBody = (body: Record<string, unknown>, newSeed: () => number) => Order

/** Handler of one endpoint: `parse` reads its body, `dialect` words its answer. */
export function postGenerate(deps: ApiDeps, parse: ParseBody, dialect: Dialect) {
  return async function generate(c: ApiContext): Promise<Response> {
    const body = await readJsonObject(c.req.raw, deps.config.maxBodyBytes ?? MAX_BODY_BYTES)
    const order = parse(body, deps.newSeed)
    const lanes = deps.lanes(c)
    const model = await findModel(lanes, order.model)
    const request = await toRequest(c, { ...order, model: model.id })
    const reply: Reply = {
      id: dialect.idPrefix + request.requestId,
      created: Math.floor(deps.now() / 1000),
      model: model.id,
      includeUsage: order.includeUsage,
    }
    const events = lanes.generate(request)[Symbol.asyncIterator]()
    cancelOnLeave(c, events)
    if (order.stream) return streamed(c, deps, events, dialect.chunker(reply))

    const collected = await collect(events, c.req.raw.signal)
    if (collected === undefined) return new Response(null, { status: CLIENT_LEFT })
    return c.json(dialect.whole(reply, collected))
  }
}

/**
 * Status before bytes: an error that comes first has its own status. Once anything else came, or nothing for
 * `pingMs`, the 200 is given and errors become frames.
 */
async function streamed(
  c: ApiContext,
  deps: ApiDeps,
  events: EventIterator,
  toChunks: ReturnType<Dialect['chunker']>,
): Promise<Response> {
  const pingMs = deps.config.pingMs ?? PING_MS
  const first = events.next()
  const result = await settledWithin(first, pingMs)
  if (result !== LATE && !result.done && result.value.type === 'error') {
    await closeEvents(events)
    throw eventError(result.value)
  }
  const onError = (thrown: unknown): void => reportFailure(deps, c, thrown)
  return c.body(sseBody({ events, first, toChunks, pingMs, onError }), 200, SSE_HEADERS)
}

/** A Worker drops what runs for a client that left, its `finally` too, unless something waits for it: so wait. */
function cancelOnLeave(c: ApiContext, events: EventIterator): void {
  c.req.raw.signal.addEventListener('abort', () => {
    const closing = closeEvents(events)
    try {
      c.executionCtx.waitUntil(closing)
    } catch {
      // Outside Workers there is no such context, and nothing is dropped.
    }
  })
}

async function toRequest(c: ApiContext, order: Order): Promise<GenerateRequest> {
  const tenant = c.var.tenant
  const { prompt, model, maxTokens, stop, ignoreEos, sampling, topLogprobs, truncation, echo } = order
  return {
    requestId: c.var.requestId,
    tenant,
    sessionKey: await sessionKey(tenant, order),
    model,
    prompt,
    maxTokens,
    stop,
    ignoreEos,
    sampling,
    topLogprobs,
    truncation,
    echo,
    hashLogits: c.req.header('x-islet-hash-logits') === '1',
    store: false,
    bodyHash: '',
    retry: false,
    background: false,
    reply: null,
  }
}
