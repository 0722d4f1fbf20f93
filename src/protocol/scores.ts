// A score request asks a lane how likely continuations of prompts are; nothing is sampled, nothing is stored.

import type { GenerateRequest } from './generation.ts'

export type ScoredPrompt = {
  prompt: GenerateRequest['prompt']
  /** Texts, each of which could come next; none is empty. */
  continuations: string[]
  /** The lane may keep these scores in memory and give them again: other requests of the tenant ask the same. */
  keep?: boolean
}

/** Answered by one `scores` event (generation.ts), or an `error`, with `progress` before it. */
export type ScoreRequest = Pick<
  GenerateRequest,
  'requestId' | 'tenant' | 'sessionKey' | 'model' | 'session'
> & {
  prompts: ScoredPrompt[]
}

/** The sum of a continuation's log probabilities, nats, in the order of its tokens. */
export function totalLogprob(logprobs: readonly number[]): number {
  return logprobs.reduce((sum, logprob) => sum + logprob, 0)
}
