// The model handlers answer /v1/models and check that a request names a model that is served here.

import { IsletError } from '../lib/errors.ts'
import type { Lanes } from '../protocol/lanes.ts'
import { isSessionId, modelTagOf } from '../protocol/ids.ts'
import type { ModelCard, ModelLimits } from '../protocol/lane-reports.ts'
import type { ApiContext, ApiDeps } from './context.ts'
import { listObject } from './http/query.ts'
import { preview } from './validate.ts'

/** The model whose session it is; the first one for an id that names none, and for none. */
export function modelOfSession(cards: readonly ModelCard[], session = ''): ModelCard {
  const named = isSessionId(session) ? modelTagOf(session) : undefined
  return cards.find(({ tag }) => tag === named) ?? cards[0]
}

/**
 * The served model of that id or alias, compared without case; of none, the one that has the session.
 * @throws IsletError `model_not_found` with `param: "model"`, naming those there are.
 */
export async function findModel(
  lanes: Pick<Lanes, 'models'>,
  id: string | undefined,
  session?: string,
): Promise<ModelCard> {
  const cards = await lanes.models()
  if (id === undefined) return modelOfSession(cards, session)
  const isMeant = (name: string): boolean => name.toLowerCase() === id.toLowerCase()
  const found =
    cards.find((card) => isMeant(card.id)) ?? cards.find(({ aliases }) => aliases?.some(isMeant) === true)
  if (found !== undefined) return found
  const served = cards.map((card) => card.id).join(', ')
  throw new IsletError(
    'model_not_found',
    `The model ${preview(id)} is not served here; there is: ${served}. For a client that cannot ask for another name, list the name in the variable MODEL_ALIASES`,
    { param: 'model' },
  )
}

/** Handler of GET /v1/models. */
export function listModels(deps: ApiDeps) {
  return async function models(c: ApiContext): Promise<Response> {
    const cards = await deps.lanes(c).models()
    return c.json(listObject(cards.map(modelObject), false))
  }
}

/** Handler of GET /v1/models/:id; slashes in the id may be escaped or not. */
export function getModel(deps: ApiDeps) {
  return async function model(c: ApiContext): Promise<Response> {
    return c.json(modelObject(await findModel(deps.lanes(c), c.req.param('id') ?? '')))
  }
}

/** A model in the words of OpenAI and of Anthropic, whose clients read the one or the other. */
function modelObject({ id, created, ownedBy, sampling, limits }: ModelCard): { id: string } {
  const openAi = { id, object: 'model', created, owned_by: ownedBy }
  const at = new Date(1000 * created).toISOString().replace('.000', '')
  const anthropic = { type: 'model', name: id, display_name: id, created_at: at }
  return Object.assign(openAi, anthropic, limits && limitFields(limits), sampling && { islet: { sampling } })
}

/** Each under the names that clients look for: Groq's, vLLM's, Anthropic's and llama-server's. */
function limitFields({ trained, prompt, answer }: ModelLimits): object {
  const all = contextOf({ prompt, answer })
  return {
    context_window: all,
    max_model_len: all,
    max_input_tokens: prompt,
    max_tokens: answer ?? null,
    meta: { n_ctx_train: trained },
  }
}

/** Positions of prompt and answer together; of the prompt alone, where an answer may be as long as one likes. */
export function contextOf({ prompt, answer }: Pick<ModelLimits, 'prompt' | 'answer'>): number {
  return answer === undefined ? prompt : prompt + 1
}
