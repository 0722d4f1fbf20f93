// The prompts of a text completion are texts or lists of token ids, one or several.

import * as z from 'zod/mini'
import { IsletError } from '../../../lib/errors.ts'
import type { GenerateRequest } from '../../../protocol/generation.ts'

// `abort`: a list is left at its first bad item.
const words = 'must be a text or an array of token ids, not empty'
const text = () => z.string().check(z.minLength(1, { error: words, abort: true }))
/** Ids above 31 bits are in no vocabulary; the lane compares with its own. */
const id = () => z.int32({ error: 'must be a token id', abort: true }).check(z.minimum(0, { abort: true }))
const ids = () => z.array(id()).check(z.minLength(1, words))

/**
 * Most answers to all prompts of a request: each takes a place of its lane, 64 unless it is set otherwise, and libraries send
 * batches of 20 prompts.
 */
const MOST_ANSWERS = 32

const several = <S extends z.ZodMiniType>(prompt: S) =>
  z.array(prompt).check(
    z.minLength(1, words),
    z.refine((prompts) => prompts.length <= MOST_ANSWERS, {
      error: ({ input }) =>
        `holds ${(input as unknown[]).length} prompts, and a request ${MOST_ANSWERS} at most`,
      params: { code: 'unsupported_value' },
    }),
    z.meta({ maxItems: MOST_ANSWERS }),
  )

/** A string, an array of token ids, or an array of either. */
export const promptSchema = () => z.union([text(), ids(), several(text()), several(ids())], words)

/**
 * The prompts that a checked `prompt` is or holds.
 * @throws IsletError for more than can be answered `each` times.
 */
export function toPrompts(
  value: z.output<ReturnType<typeof promptSchema>>,
  each: number,
): GenerateRequest['prompt'][] {
  const prompts =
    typeof value === 'string' || typeof value[0] === 'number' ? [value] : (value as (string | number[])[])
  if (prompts.length * each > MOST_ANSWERS) {
    const says = `${prompts.length} prompts with "n": ${each} are ${prompts.length * each} answers, and a request has ${MOST_ANSWERS} at most`
    throw new IsletError('unsupported_value', says, { param: 'n' })
  }
  return prompts.map((prompt) =>
    typeof prompt === 'string' ? { kind: 'text', text: prompt } : { kind: 'ids', ids: prompt as number[] },
  )
}
