// The schemas of /tokenize, /detokenize and /apply-template check bodies as llama-server's clients send them.

import * as z from 'zod/mini'
import { chatSchema } from '../dialects/chat/schema.ts'
import { sharedFields } from '../dialects/fields.ts'
import { bodySchema } from '../validate.ts'

/** Without it the one that is served is meant, which is llama-server's way. */
const { model } = sharedFields
const flag = () => z.nullish(z.boolean())

export const tokenizeSchema = bodySchema(() => ({
  model,
  content: z.string(),
  add_special: flag(),
  parse_special: flag(),
  with_pieces: flag(),
}))

/** Ids above 31 bits are in no vocabulary; the lane compares with its own. A list is left at its first bad one. */
const id = () => z.int32({ error: 'must be a token id', abort: true }).check(z.minimum(0, { abort: true }))

export const detokenizeSchema = bodySchema(() => ({ model, tokens: z.array(id()) }))

/** All that a chat has, since its template may read any of it. */
export const applyTemplateSchema = bodySchema(() => ({
  ...chatSchema._zod.def.shape,
  model,
  add_generation_prompt: flag(),
}))
