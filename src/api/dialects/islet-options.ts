// The `islet` field of a body asks for what OpenAI's API has no words for.

import * as z from 'zod/mini'
import { IsletError } from '../../lib/errors.ts'
import type { GenerateRequest } from '../../protocol/generation.ts'

/** `islet`. */
export const isletOptions = () =>
  z.nullish(
    z.strictObject({
      close: z.nullish(z.boolean()),
      logprobs: z.nullish(z.enum(['raw', 'restricted', 'forced'])),
      memory: z.nullish(z.boolean()),
    }),
  )

type Options = {
  close?: boolean | null
  logprobs?: 'raw' | 'restricted' | 'forced' | null
  memory?: boolean | null
}

/**
 * What of it a lane must know. `hasLogprobs`: the body asks for log probabilities.
 * @throws IsletError where it wants more beside them and asks for none.
 */
export function isletOrder(
  options: Options | null | undefined,
  hasLogprobs: boolean,
): Pick<GenerateRequest, 'close' | 'restrictedLogprobs' | 'forcedTokens' | 'memory'> {
  const beside = options?.logprobs ?? 'raw'
  if (beside !== 'raw' && !hasLogprobs)
    throw new IsletError('invalid_request', 'islet.logprobs needs log probabilities: ask for logprobs', {
      param: 'islet.logprobs',
    })
  return {
    ...(options?.close === false && { close: false }),
    ...(beside === 'restricted' && { restrictedLogprobs: true }),
    ...(beside === 'forced' && { forcedTokens: true }),
    ...(options?.memory === true && { memory: true }),
  }
}
