// The model handlers answer /v1/models and check that a request names a model that is served here.

import { IsletError } from '../lib/errors.ts'
import type { Lanes } from '../protocol/lanes.ts'
import type { ModelCard } from '../protocol/lane-reports.ts'
import type { ApiContext, ApiDeps } from './context.ts'
import { preview } from './validate.ts'

/**
 * The served model of that id, compared without case.
 * @throws IsletError `model_not_found` with `param: "model"`, naming those there are.
 */
export async function findModel(lanes: Lanes, id: string): Promise<ModelCard> {
  const cards = await lanes.models()
  const found = cards.find((card) => card.id.toLowerCase() === id.toLowerCase())
  if (found !== undefined) return found
  const served = cards.map((card) => card.id).join(', ')
  throw new IsletError(
    'model_not_found',
    `The model ${preview(id)} is not served here; there is: ${served}`,
    {
      param: 'model',
    },
  )
}

/** Handler of GET /v1/models. */
export function listModels(deps: ApiDeps) {
  return async function models(c: ApiContext): Promise<Response> {
    const cards = await deps.lanes(c).models()
    return c.json({ object: 'list', data: cards.map(modelObject) })
  }
}

/** Handler of GET /v1/models/:id; slashes in the id may be escaped or not. */
export function getModel(deps: ApiDeps) {
  return async function model(c: ApiContext): Promise<Response> {
    return c.json(modelObject(await findModel(deps.lanes(c), c.req.param('id') ?? '')))
  }
}

function modelObject({ id, created, ownedBy, sampling }: ModelCard): object {
  return { id, object: 'model', created, owned_by: ownedBy, ...(sampling && { islet: { sampling } }) }
}
