// A dialect's adapter tells in which words one API says what all of them say.
// The laws beside it ask adapters alone: the contract of a fourth dialect is one adapter, and its line in dialects.ts.

import type { FinishReason, Usage } from '../../../src/protocol/generation.ts'
import type { Frame } from './wire.ts'

/** What a test wants asked, in nobody's words. */
export type Ask = {
  model?: string
  prompt?: string
  stream?: boolean
  /** Usage is wanted in a stream, where a dialect says it on demand. */
  usage?: boolean
  logprobs?: boolean
  /** Two functions are offered. */
  tools?: boolean
  /** They are offered in the old spelling, where a dialect has one. */
  functions?: boolean
  /** The first of them must be called. */
  named?: boolean
  store?: boolean
  maxTokens?: number
  temperature?: number
  seed?: number
}

/** What all objects of one reply share. */
export type Identity = { id: string; created: number; model: string }

export type Call = { id: string; name: string; arguments: string }

/** One token as the dialect words it. */
export type TokenEntry = { token: string; logprob: number } & Record<string, unknown>

/** All that a client learns of an answer, whole or put together from a stream. */
export type Answer = Identity & {
  text: string
  reasoning: string
  calls: Call[]
  /** null where none were asked for or the dialect has none. */
  logprobs: TokenEntry[] | null
  finish: string
  /** In the dialect's words; null where it was not said. */
  usage: object | null
  /** Our extension. */
  islet: Record<string, unknown>
}

export type Failure = { code: string; message: string; param?: string | null }

/** One way to read a stored answer again without its first frames. */
export type ReadOn = {
  name: string
  path: (told: { id: string; session: string }, frames: number) => string
}

export type Dialect = {
  name: string
  /** Where bodies are posted. */
  path: string
  body: (ask: Ask) => Record<string, unknown>
  /** The field that holds the prompt. */
  promptField: string
  /** Every field that a body may have. */
  fields: readonly string[]
  /** What it has words for; the rest of an answer is left out, whole and streamed. */
  says: { reasoning: boolean; calls: boolean; logprobs: boolean }
  /** Whether a stream says usage always, or where the client asked. */
  usage: 'always' | 'asked'
  /** The sign of life, where it is no comment. */
  ping?: string
  /** How it words calls, where it is not as OpenAI does. */
  calls?: { id: RegExp; arguments: (text: string) => string }
  finish: (reason: FinishReason, ask?: Ask) => string
  /** How much was used, by the usage of an answer. */
  counts: (usage: object) => Usage
  whole: (body: unknown) => Answer
  /** Throws where frames contradict each other. */
  assembled: (frames: readonly Frame[]) => Answer
  /** What the frame says of the reply's identity: undefined for frames that say nothing. */
  identity: (frame: Frame) => Identity | undefined
  /** undefined: the frame has no usage; null: a place for it. */
  usageIn: (frame: Frame) => object | null | undefined
  /** Whether the frame says that the answer is whole. */
  ends: (frame: Frame) => boolean
  /** Whether nothing may follow the frame. */
  isLast: (frame: Frame) => boolean
  /** The failure that a body with an error status tells. */
  wholeFailure: (body: unknown) => Failure
  /** The failure that a frame tells. */
  frameFailure: (frame: Frame) => Failure | undefined
  readOn: readonly ReadOn[]
  /** Where a stored answer is read whole, in a dialect that has such a place. */
  stored?: (id: string) => string
}
