// The schemas of /v1/conversations check items as those of a response's input, and metadata as a response's.

import * as z from 'zod/mini'
import { sharedFields } from '../dialects/fields.ts'
import { itemsSchema } from '../dialects/responses/input.ts'
import { metadata } from '../dialects/responses/schema.ts'
import { bodySchema } from '../validate.ts'

/** `model` is ours: a conversation stays with the model that it is begun with. */
export const createSchema = bodySchema(() => ({
  model: sharedFields.model,
  items: z.nullish(itemsSchema()),
  metadata: metadata(),
}))
export const updateSchema = bodySchema(() => ({ metadata: metadata() }))
export const addSchema = bodySchema(() => ({ items: itemsSchema().check(z.minLength(1)) }))
