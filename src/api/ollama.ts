// The read-only handlers of Ollama's API tell of the one model; what would change models is refused in words.

import * as z from 'zod/mini'
import { IsletError } from '../lib/errors.ts'
import type { ModelCard } from '../protocol/lane-reports.ts'
import { limitsOf, type ApiContext, type ApiDeps } from './context.ts'
import { ollamaErrorBody } from './dialects/ollama/errors.ts'
import { readBody } from './http/body.ts'
import { hashText } from './http/hash-text.ts'
import { contextOf, findModel } from './models.ts'
import { bodySchema, validate } from './validate.ts'

type Handler = (c: ApiContext) => Response | Promise<Response>

/** The version of Ollama whose requests are read here: its clients compare it. */
const VERSION = '0.12.0'

const name = () => z.nullish(z.string().check(z.minLength(1)))

/** The body of POST /api/show; `name` is the old word. */
export const showSchema = bodySchema(() => ({ model: name(), name: name(), verbose: z.nullish(z.boolean()) }))

/** Handler of GET /api/tags. */
export function getTags(deps: ApiDeps): Handler {
  return async function tags(c) {
    const cards = await deps.lanes(c).models()
    return c.json({ models: await Promise.all(cards.map(modelObject)) })
  }
}

/** Handler of POST /api/show. */
export function postShow(deps: ApiDeps): Handler {
  return async function show(c) {
    const fields = validate(showSchema, (await readBody(c.req.raw, limitsOf(deps).maxBodyBytes)).fields)
    const named = fields.model ?? fields.name
    if (named === undefined) throw new IsletError('invalid_request', 'model is required', { param: 'model' })
    const { id, ...card } = await findModel(deps.lanes(c), named)
    const { details, modified_at } = await modelObject({ id, ...card })
    return c.json({
      modelfile: `# What is served is packed and cannot be changed here.\nFROM ${id}\n`,
      parameters: '',
      template: '',
      details,
      model_info: {
        'general.basename': id,
        'general.architecture': 'islet',
        ...(card.limits && { 'islet.context_length': contextOf(card.limits) }),
      },
      capabilities: ['completion', 'tools', ...(card.embeds === true ? ['embedding'] : [])],
      modified_at,
    })
  }
}

/** Handler of GET /api/ps: the models that are in memory. Asking begins to load them. */
export function getPs(deps: ApiDeps): Handler {
  return async function ps(c) {
    const lanes = deps.lanes(c)
    const health = await lanes.health()
    const cards = await lanes.models()
    const inPlace = (health.models ?? [health]).filter(({ state }) => state === 'ready')
    const models = inPlace.map(async ({ total, linearMemoryBytes, window, model: id }) => {
      const card = cards.find((one) => one.id === id) ?? cards[0]
      const { modified_at: _, ...model } = await modelObject(card)
      // Nothing is on a graphics card, and nothing says when the platform takes the memory back.
      const size = linearMemoryBytes ?? total
      const more = { size, size_vram: 0, expires_at: new Date(deps.now()).toISOString() }
      return { ...model, ...more, context_length: window.window ?? null }
    })
    return c.json({ models: await Promise.all(models) })
  }
}

/** Handler of GET /api/version. */
export function getVersion(): Handler {
  return (c) => c.json({ version: VERSION })
}

/** Handler of what changes models: 501. */
export function refuseChange(): Handler {
  return (c) => c.json(ollamaErrorBody({ message: `${c.req.path} is not implemented: the model that is served is packed and deployed, and no request changes it` }), 501) // prettier-ignore
}

/** The model as a list shows it; what a packed model does not say is empty. */
async function modelObject({ id, created }: ModelCard) {
  const family = id.split(/[-_.\d]/)[0]
  return {
    name: id,
    model: id,
    modified_at: new Date(1000 * created).toISOString(),
    size: 0,
    digest: await hashText(id),
    details: {
      parent_model: '',
      format: 'islet',
      family,
      families: [family],
      parameter_size: /\d+(\.\d+)?[mb](?![a-z])/i.exec(id)?.[0].toUpperCase() ?? '',
      quantization_level: '',
    },
  }
}
