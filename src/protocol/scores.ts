// Score and embed requests ask a lane for log probabilities and for vectors; nothing is sampled.

import type { GenerateRequest } from './generation.ts'

export type ScoredPrompt = {
  prompt: GenerateRequest['prompt']
  /** Texts, each of which could come next; none is empty. */
  continuations: string[]
  /** The lane may keep these scores in memory and give them again: other requests of the tenant ask the same. */
  keep?: boolean
}

/** Answered by one `scores` event (generation.ts), or an `error`, with `progress` before it. */
export type ScoreRequest = Unkept & { prompts: ScoredPrompt[] }

/**
 * Texts, none empty, each of which shall become a vector. Answered by an `embedding` event for each, then a `scores` event
 * without any; an embedding that comes twice is the same.
 */
export type EmbedRequest = Unkept & { texts: string[] }

type Unkept = Pick<GenerateRequest, 'requestId' | 'tenant' | 'sessionKey' | 'model' | 'session'>

/** The sum of a continuation's log probabilities, nats, in the order of its tokens. */
export function totalLogprob(logprobs: readonly number[]): number {
  return logprobs.reduce((sum, logprob) => sum + logprob, 0)
}
