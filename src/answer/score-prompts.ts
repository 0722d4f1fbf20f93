// This file turns a score request into ids, and checks what it costs in rows of the model.

import { IsletError } from '../lib/errors.ts'
import { Budget, type Sliced } from '../lib/sliced.ts'
import { DEFAULT_SAMPLING } from '../protocol/generation.ts'
import type { ScoredPrompt } from '../protocol/scores.ts'
import type { ModelText } from './model-text.ts'
import { prepareSliced, type PromptLimits } from './prepare-prompt.ts'

/** A prompt and its continuations as ids. */
export type ScoredIds = { prompt: number[]; continuations: number[][]; keep: boolean }

/**
 * Most rows of one request: the ids of each prompt behind what it shares with the one before, and those of all
 * continuations. They are some 30 s of a small model.
 */
export const MAX_SCORE_ROWS = 16_384

/** Where of a score request it was said. */
const SCORED = { param: 'continuations' }

/**
 * Tokenises a request's prompts and continuations, in slices. Throws invalid_request for a continuation without tokens and
 * for more than MAX_SCORE_ROWS, context_length_exceeded for a prompt that is too long with a continuation, and what
 * prepareSliced throws.
 */
export function* scoredIdsSliced(
  prompts: readonly ScoredPrompt[],
  text: ModelText,
  limits: PromptLimits,
  budget = new Budget(),
): Sliced<ScoredIds[]> {
  const { tokenizer } = text
  const scored: ScoredIds[] = []
  const cost = { prompts: 0, continuations: 0 }
  for (const { prompt, continuations: texts, keep = false } of prompts) {
    const asked = { prompt, maxTokens: 1, sampling: DEFAULT_SAMPLING, stop: [] }
    const { ids } = yield* prepareSliced(asked, text, limits, budget)
    cost.prompts += ids.length - alike(scored.at(-1)?.prompt ?? [], ids)
    const continuations: number[][] = []
    for (const continuation of texts) {
      const added = yield* tokenizer.encodeSliced(continuation, budget)
      if (added.length === 0)
        throw new IsletError('invalid_request', 'a text to be scored has no tokens: send some text', SCORED)
      if (ids.length + added.length > limits.maxPositions)
        throw new IsletError(
          'context_length_exceeded',
          `the prompt has ${ids.length} tokens and a text to be scored ${added.length} more; this model takes ${limits.maxPositions} together: shorten them`,
          SCORED,
        )
      cost.continuations += added.length
      checkCost(cost)
      continuations.push(added)
    }
    checkCost(cost)
    scored.push({ prompt: ids, continuations, keep })
  }
  return scored
}

function checkCost({ prompts, continuations }: { prompts: number; continuations: number }): void {
  const rows = prompts + continuations
  if (rows <= MAX_SCORE_ROWS) return
  throw new IsletError(
    'invalid_request',
    `this request asks for at least ${rows} tokens to be scored (${prompts} of prompts, ${continuations} of candidates) and may ask for ${MAX_SCORE_ROWS}: send fewer questions or candidates at once`,
    SCORED,
  )
}

/** Ids that two prompts have in common from the front. */
function alike(one: readonly number[], other: readonly number[]): number {
  const end = one.findIndex((id, at) => id !== other[at])
  return end < 0 ? one.length : end
}
