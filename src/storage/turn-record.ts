// A turn record holds one turn: who asked for what, what has been answered, and where it stands.
// It suffices to go on after everything else is gone: tokens that are missing are computed again, bit for
// bit.

import type { GenerateRequest, GenerationEvent, TokenLogprob } from '../protocol/generation.ts'
import type { Written } from '../protocol/written.ts'
import type { TurnState } from '../protocol/lane-reports.ts'
import { IsletError } from '../lib/errors.ts'
import type { Prompt } from '../answer/prepare-prompt.ts'

/** A request without what its prompt was made of. */
export type KeptRequest = Omit<GenerateRequest, 'prompt' | 'conversation'>

export type TurnRecord = {
  /** `sess_LANE_RANDOM` and `LANE_RANDOM_RANDOM`; '' for a turn that is not stored. */
  session: string
  turn: string
  state: TurnState
  /** Milliseconds since 1970. */
  createdAt: number
  usedAt: number
  expiresAt: number
  request: KeptRequest
  /** Of the model: a turn is never continued by another. */
  model: string
  prompt: Prompt
  /** Repeated in front of the answer. */
  echo: string | undefined
  /** The messages of a kept turn, for the turn that continues it. */
  conversation: Written<object>[] | undefined
  cachedTokens: number | undefined
  generated: number[]
  logprobs: TokenLogprob[]
  /** An id was passed over so that an answer under a grammar ends in time. */
  closedEarly?: true
  /** How it ended: `finish` or `error`. */
  end: (GenerationEvent & { type: 'finish' | 'error' }) | undefined
}

export function newRecord(
  { prompt: asked, conversation, ...request }: GenerateRequest,
  prompt: Prompt,
  details: Pick<TurnRecord, 'session' | 'turn' | 'createdAt' | 'expiresAt' | 'model' | 'echo'>,
): TurnRecord {
  return {
    ...details,
    state: 'running',
    usedAt: details.createdAt,
    request,
    prompt,
    conversation: asked.kind === 'chat' ? conversation : undefined,
    cachedTokens: undefined,
    generated: [],
    logprobs: [],
    end: undefined,
  }
}

/** A record of a turn that is not stored: it lives as long as its request. */
export function unstored(request: GenerateRequest, prompt: Prompt, echo: string | undefined): TurnRecord {
  return newRecord(request, prompt, { session: '', turn: '', createdAt: 0, expiresAt: 0, model: '', echo })
}

export function isStored(record: TurnRecord): boolean {
  return record.session !== ''
}

/**
 * Log probabilities are not stored, since they can be larger than a row: to have them again the turn is
 * computed from its first row. Those of a prompt are not kept in memory either.
 */
export function lacksLogprobs({ request, generated, logprobs }: TurnRecord): boolean {
  if (request.scorePrompt === true) return true
  return request.topLogprobs !== undefined && generated.length > 0 && logprobs.length === 0
}

/** Whether a turn has ended, but is computed again to be read: by a copy, beside whoever drives it. */
export function isToldByCopy(record: TurnRecord): boolean {
  return record.end !== undefined && lacksLogprobs(record)
}

/** The record, if anything was asked in it. Throws not_found for what a conversation holds without an answer. */
export function answered(record: TurnRecord): TurnRecord {
  if (record.prompt.kind !== 'none') return record
  throw new IsletError('not_found', 'there is no answer in this conversation yet')
}

/** Ids of prompt and answer. */
export function idsOf({ prompt, generated }: TurnRecord): number[] {
  return [...prompt.ids, ...generated]
}
