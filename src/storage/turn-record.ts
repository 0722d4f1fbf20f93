// A turn record holds one turn: who asked for what, what has been answered, and where it stands.
// It suffices to go on after everything else is gone: tokens that are missing are computed again, bit for
// bit.

import type { ChatMessage, GenerateRequest, GenerationEvent, TokenLogprob } from '../protocol/generation.ts'
import type { Written } from '../protocol/written.ts'
import type { TurnState } from '../protocol/lane-reports.ts'
import type { Prompt } from '../answer/prepare-prompt.ts'

/** A request without what its prompt was made of. */
export type KeptRequest = Omit<GenerateRequest, 'prompt' | 'morePrompts' | 'conversation'>

/** A prompt, and its text where it is repeated in front of the answer. */
export type Prompted = { prompt: Prompt; echo: string | undefined }

/** The first prompt of a request, and those behind it. */
export type Prompts = Prompted & { more?: Prompted[] }

/** One answer: all of a turn, or one of several. */
export type Choice = Prompted & {
  /** `sess_LANE_RANDOM`; '' for a turn that is not stored. */
  session: string
  /** With the seed of this answer. */
  request: KeptRequest
  cachedTokens: number | undefined
  generated: number[]
  logprobs: TokenLogprob[]
  /** An id was passed over so that an answer under a grammar ends in time. */
  closedEarly?: true
  /** Mirostat's state behind so many ids, in bits: it follows from logits, which are not kept. */
  mu?: { ids: number; bits: number }
  /** How it ended: `finish`, with the usage of this answer, or `error`, which ends the whole turn. */
  end: (GenerationEvent & { type: 'finish' | 'error' }) | undefined
}

/** Its own answer is the first, from which its session goes on. */
export type TurnRecord = Choice &
  Prompts & {
    /** `LANE_RANDOM_RANDOM`; '' for a turn that is not stored. */
    turn: string
    state: TurnState
    /** Milliseconds since 1970. */
    createdAt: number
    usedAt: number
    expiresAt: number
    /** Of the model: a turn is never continued by another. */
    model: string
    /** The messages of a kept turn, for the turn that continues it. */
    conversation: Written<ChatMessage>[] | undefined
    /** The answers behind the first, in the order of their indices. */
    others?: Choice[]
  }

export function newRecord(
  { prompt: asked, morePrompts: _, conversation, ...request }: GenerateRequest,
  prompt: Prompt,
  details: Pick<TurnRecord, 'session' | 'turn' | 'createdAt' | 'expiresAt' | 'model' | 'echo' | 'more'>,
): TurnRecord {
  const record: TurnRecord = {
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
  return { ...record, ...othersOf(record) }
}

/** A record of a turn that is not stored: it lives as long as its request. */
export function unstored(
  request: GenerateRequest,
  prompt: Prompt,
  echo: string | undefined,
  more?: Prompted[],
): TurnRecord {
  const nowhere = { session: '', turn: '', createdAt: 0, expiresAt: 0, model: '' }
  return newRecord(request, prompt, { ...nowhere, echo, ...(more && { more }) })
}

export function isStored(choice: Pick<Choice, 'session'>): boolean {
  return choice.session !== ''
}

/**
 * The seed of a prompt's answer: the one that was asked for, and 2,654,435,769 more for each answer before it, modulo 2^32. Seeds
 * that people count up give different answers so.
 */
export function choiceSeed(seed: number, answer: number): number {
  return (seed + Math.imul(answer, 0x9e3779b9)) >>> 0
}

/** The answers behind the first, where there are several; `kept` is what was stored of each. */
export function othersOf(
  { session, request, prompt, echo, more = [] }: TurnRecord,
  kept: readonly Partial<Choice>[] = [],
): Pick<TurnRecord, 'others'> {
  const each = request.choices ?? 1
  const { sampling } = request
  const others = [{ prompt, echo }, ...more].flatMap((prompted) =>
    Array.from({ length: each }, (_, answer) => ({
      ...prompted,
      session,
      request: { ...request, sampling: { ...sampling, seed: choiceSeed(sampling.seed, answer) } },
      cachedTokens: undefined,
      generated: [],
      logprobs: [],
      end: undefined,
    })),
  )
  return others.length === 1 ? {} : { others: others.slice(1).map((other, i) => ({ ...other, ...kept[i] })) }
}

/** All answers of a turn, in the order of their indices. */
export function choicesOf(record: TurnRecord): readonly Choice[] {
  return record.others === undefined ? [record] : [record, ...record.others]
}

/** Whether nothing of a turn is to be computed any more. */
export function isOver(record: TurnRecord): boolean {
  return record.end?.type === 'error' || choicesOf(record).every(({ end }) => end !== undefined)
}

/** Ids of all answers. */
export function generatedTokens(record: TurnRecord): number {
  return choicesOf(record).reduce((sum, { generated }) => sum + generated.length, 0)
}

/** The turn with nothing answered, to be computed once more; the record stays as it is. */
export function unanswered(record: TurnRecord): TurnRecord {
  const anew = <C extends Choice>(choice: C): C => ({ ...choice, generated: [], end: undefined })
  return { ...anew(record), ...(record.others && { others: record.others.map(anew) }) }
}

/**
 * Log probabilities are not stored, since they can be larger than a row: to have them again the turn is
 * computed from its first row. Those of a prompt are not kept in memory either.
 */
export function lacksLogprobs(record: TurnRecord): boolean {
  return choicesOf(record).some(lacksOwnLogprobs)
}

/** The same of one answer. */
export function lacksOwnLogprobs({ request, generated, logprobs }: Choice): boolean {
  if (request.scorePrompt === true) return true
  return request.topLogprobs !== undefined && generated.length > 0 && logprobs.length === 0
}

/** Whether Mirostat cannot go on behind what is generated. */
export function lacksMu({ request, generated, mu }: Choice): boolean {
  return request.sampling.mirostat !== undefined && generated.length > 0 && mu?.ids !== generated.length
}

/** Whether a turn has ended, but is computed again to be read: by a copy, beside whoever drives it. */
export function isToldByCopy(record: TurnRecord): boolean {
  return isOver(record) && lacksLogprobs(record)
}

/** Whether anything of it has to be computed, now or again. */
export function needsEngine(record: TurnRecord): boolean {
  return !isOver(record) || lacksLogprobs(record)
}

/** Ids of prompt and answer. */
export function idsOf({ prompt, generated }: TurnRecord): number[] {
  return [...prompt.ids, ...generated]
}
