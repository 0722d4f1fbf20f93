// The endpoint of decisions asks a lane for scores and answers with probabilities; nothing is sampled.

import { limitsOf, type ApiContext, type ApiDeps } from './context.ts'
import { scoredPrompts } from './decisions/prompts.ts'
import { decisionReply } from './decisions/reply.ts'
import { parseDecision } from './decisions/schema.ts'
import { awaited } from './http/awaited.ts'
import { readBody } from './http/body.ts'
import type { AnswerEvent } from './http/events.ts'
import { clientLeft, openEvents } from './http/respond.ts'
import { findModel } from './models.ts'
import { sessionKey } from './session-key.ts'

/** What a lane's errors name, by the body's own fields. */
const PLACES: Readonly<Record<string, string>> = { messages: 'input', continuations: 'questions' }

/** Handler of POST /v1/decisions. */
export function postDecision(deps: ApiDeps) {
  return async function decide(c: ApiContext): Promise<Response> {
    const { fields, changed } = await readBody(c.req.raw, limitsOf(deps).maxBodyBytes)
    const order = parseDecision(fields, changed)
    const lanes = deps.lanes(c)
    const model = await findModel(lanes, order.model)
    const { tenant, requestId } = c.var
    const prompt = { kind: 'chat' as const, messages: order.state }
    const key = await sessionKey(tenant, { ...order, model: model.id, prompt })
    const prompts = scoredPrompts(order)
    const asked = lanes.score({ requestId, tenant, sessionKey: key, model: model.id, prompts })
    const events = openEvents(c, asked)
    if (events === undefined) return clientLeft()
    const isScores = (event: AnswerEvent) => (event.type === 'scores' ? event : undefined)
    const scores = await awaited(events, c.req.raw.signal, isScores, PLACES)
    return scores === undefined ? clientLeft() : c.json(decisionReply(order, model.id, scores))
  }
}
