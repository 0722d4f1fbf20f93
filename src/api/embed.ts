// The endpoints of embeddings and rerank ask a lane for the vectors of texts.

import type { ScoresEvent } from '../protocol/generation.ts'
import { limitsOf, type ApiContext, type ApiDeps } from './context.ts'
import { embeddingReply, embedReply, numbersOf, rerankReply, type Took } from './embeddings/reply.ts'
import { parseEmbed, parseEmbedding, parseOldEmbed, parseRerank } from './embeddings/schema.ts'
import { awaited } from './http/awaited.ts'
import { readBody } from './http/body.ts'
import type { AnswerEvent } from './http/events.ts'
import { clientLeft, openEvents } from './http/respond.ts'
import { findModel } from './models.ts'
import { sessionKey } from './session-key.ts'

/** What an endpoint makes of its body: the texts, where a lane's errors find them, and its reply to their vectors. */
type Asked = {
  model: string | undefined
  texts: string[]
  param: string
  reply(model: string, vectors: readonly string[], scores: ScoresEvent, took: Took): object
}

/** Handler of POST /v1/embeddings. */
export function postEmbedding(deps: ApiDeps) {
  return postTexts(deps, (body) => {
    const order = parseEmbedding(body)
    return {
      ...order,
      param: 'input',
      reply: (model, vectors, scores) => embeddingReply(order, model, vectors, scores),
    }
  })
}

/** Handler of POST /api/embed. */
export function postEmbed(deps: ApiDeps) {
  return postTexts(deps, (body) => {
    const order = parseEmbed(body)
    return { ...order, param: 'input', reply: (...made) => embedReply(order, ...made) }
  })
}

/** Handler of POST /api/embeddings. */
export function postOldEmbed(deps: ApiDeps) {
  return postTexts(deps, (body) => ({
    ...parseOldEmbed(body),
    param: 'prompt',
    reply: (_, [vector]) => ({ embedding: numbersOf(vector) }),
  }))
}

/** Handler of POST /v1/rerank. */
export function postRerank(deps: ApiDeps) {
  return postTexts(deps, (body, id) => {
    const order = parseRerank(body)
    return {
      model: order.model,
      texts: [order.query, ...order.documents],
      param: 'documents',
      reply: (model, vectors, scores) => rerankReply(order, { id, model }, vectors, scores),
    }
  })
}

function postTexts(deps: ApiDeps, parse: (body: Record<string, unknown>, id: string) => Asked) {
  return async function embed(c: ApiContext): Promise<Response> {
    const begun = deps.now()
    let load = 0
    const { fields } = await readBody(c.req.raw, limitsOf(deps).maxBodyBytes)
    const { tenant, requestId } = c.var
    const { texts, param, reply, ...asked } = parse(fields, `rerank-${requestId}`)
    const lanes = deps.lanes(c)
    const model = await findModel(lanes, asked.model)
    const prompt = { kind: 'text' as const, text: texts[0] }
    const key = await sessionKey(tenant, { model: model.id, prompt, cacheKey: undefined, endUser: undefined })
    const request = { requestId, tenant, sessionKey: key, model: model.id, texts }
    const events = openEvents(c, lanes.score(request))
    if (events === undefined) return clientLeft()
    const vectors: string[] = []
    const take = (event: AnswerEvent): ScoresEvent | undefined => {
      if (event.type === 'embedding') vectors[event.index] = event.vector
      if (event.type === 'progress' && event.state === 'loading') load = deps.now() - begun
      return event.type === 'scores' ? event : undefined
    }
    const scores = await awaited(events, c.req.raw.signal, take, { prompt: param })
    if (scores === undefined) return clientLeft()
    return c.json(reply(model.id, vectors, scores, { all: deps.now() - begun, load }))
  }
}
