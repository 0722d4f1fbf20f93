// The prompt of a text completion is one text, or one list of token ids.

import * as z from 'zod/mini'
import type { GenerateRequest } from '../../../protocol/generation.ts'

// `abort`: a list is left at its first bad item.
const words = 'must be a text or an array of token ids, not empty'
const text = z.string().check(z.minLength(1, { error: words, abort: true }))
/** Ids above 31 bits are in no vocabulary; the lane compares with its own. */
const id = z.int32({ error: 'must be a token id', abort: true }).check(z.minimum(0, { abort: true }))
const ids = z.array(id).check(z.minLength(1, words))

/** An array that holds one prompt: OpenAI's may hold several. */
const alone = <S extends z.ZodMiniType>(prompt: S) =>
  z.array(prompt).check(
    z.minLength(1, words),
    z.refine((prompts) => prompts.length <= 1, {
      error: ({ input }) => `holds ${(input as unknown[]).length} prompts; send one in each request`,
      params: { code: 'unsupported_value' },
    }),
    z.meta({ maxItems: 1 }),
  )

/** A string, an array of token ids, or an array that holds one of either. */
export const promptSchema = z.union([text, ids, alone(text), alone(ids)], words)

/** The prompt that a checked `prompt` is or holds. */
export function toPrompt(value: z.output<typeof promptSchema>): GenerateRequest['prompt'] {
  const prompt = typeof value !== 'string' && typeof value[0] !== 'number' ? value[0] : value
  return typeof prompt === 'string'
    ? { kind: 'text', text: prompt }
    : { kind: 'ids', ids: prompt as number[] }
}
