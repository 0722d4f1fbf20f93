// Plain data between the rooms: what the API asks of a lane and what a lane answers. Survives JSON.

import { fieldOf, isJsonObject, type JsonObject } from '../lib/json-value.ts'
import type { Watched } from './memory.ts'
import type { Written } from './written.ts'

export type SamplingOptions = {
  temperature: number // 0 = greedy
  topK: number // 0 = off
  topP: number // 1 = off
  minP: number // 0 = off
  repetitionPenalty: number // 1 = off
  presencePenalty: number
  frequencyPenalty: number
  seed: number // unsigned 32 bits
  logitBias: [id: number, bias: number][]
} & SamplingRules

/** Rules that are off where they are absent, as they are in rows of older code. docs/sampling.md defines each. */
export type SamplingRules = {
  /** So many of the last ids are what the penalties look at; 0 = none. Absent: all. */
  repeatLastN?: number
  /** `lastN`: so many of the last ids are looked at; absent: all. `breakers`: texts that end a repetition. */
  dry?: { multiplier: number; base: number; allowedLength: number; lastN?: number; breakers: string[] }
  /** Scores this many standard deviations below the best, and lower ones, go. */
  topNSigma?: number
  /** The temperature moves by up to `range` both ways, with the entropy. */
  dynatemp?: { range: number; exponent: number }
  typicalP?: number
  xtc?: { probability: number; threshold: number }
  /** Mirostat 2: `tau` bits of surprise are aimed at, at the rate `eta`. */
  mirostat?: { tau: number; eta: number }
}

/** What holds where a request says nothing, and seed 0. */
export const DEFAULT_SAMPLING: Readonly<SamplingOptions> = {
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 0,
  logitBias: [],
}

/** A message as its client sent it, further fields too: templates may read them. */
export type ChatMessage = {
  role: string
  content?: string | null | readonly ContentPart[]
  tool_calls?: readonly unknown[]
  tool_call_id?: string
  readonly [field: string]: unknown
}

export type ContentPart = { type: string; text?: string; refusal?: string }

/** A content as one text: parts joined by line breaks as llama-server and vLLM join them, '' for none. */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  const textOf = (part: JsonObject) => fieldOf(part, 'text') ?? fieldOf(part, 'refusal') ?? ''
  return content.map((part: unknown) => (isJsonObject(part) ? textOf(part) : part)).join('\n')
}

/**
 * What the text of an answer must be: JSON by a schema (as it was sent), any JSON object, what a pattern matches as a whole,
 * one of some texts, or a grammar in llama.cpp's notation.
 */
export type GrammarSpec =
  | { kind: 'json_schema'; schema: string }
  | { kind: 'json_object' }
  | { kind: 'regex'; pattern: string }
  | { kind: 'choice'; choices: string[] }
  | { kind: 'ebnf'; text: string }

/** What an answer may call of the functions that its prompt offers. */
export type CallRule = {
  /** It must be calls and nothing else, and at least one. False: text, calls, or both, as the model likes. */
  required: boolean
  /** Only these functions; absent: all that are offered. */
  names?: string[]
  /** At most one call. */
  single: boolean
}

/** Where in its body a client said what, as errors and `ignored` name it; absent: in the words of chat completions. */
export type Places = {
  prompt?: 'input'
  maxTokens?: 'max_completion_tokens' | 'max_output_tokens'
  /** The list of functions that have no wrapper `function` there. */
  functions?: 'tools' | 'functions'
  /** The schema of a function there. */
  parameters?: 'input_schema'
}

export type GenerateRequest = {
  requestId: string
  tenant: string
  /** Routes to a lane; never an identity. */
  sessionKey: string
  model: string
  prompt:
    | {
        kind: 'chat'
        messages: Written<ChatMessage>[]
        tools?: Written<object>[]
        /** Further variables of the chat template, such as `enable_thinking`. */
        variables?: Written<Record<string, unknown>>
      }
    /** `after`: the text behind a gap that the model shall fill. */
    | { kind: 'text'; text: string; after?: string }
    | { kind: 'ids'; ids: number[] }
  /** The prompts behind the first, of a text completion that has several. */
  morePrompts?: GenerateRequest['prompt'][]
  /** Answers to each prompt, 1 where it is absent: see `choiceSeed` for what tells them apart. */
  choices?: number
  /** undefined: until the model ends or its limit. 0: an echo alone. */
  maxTokens: number | undefined
  stop: string[]
  ignoreEos: boolean
  sampling: SamplingOptions
  /** 0 = none; otherwise that many alternatives with each token's log probability. undefined = no logprobs. */
  topLogprobs: number | undefined
  truncation: 'auto' | 'disabled'
  /** Repeat the prompt in front of the completion (completions endpoint). */
  echo: boolean
  /** The echo brings the log probabilities of the prompt's tokens, as `topLogprobs` says. Needs both. */
  scorePrompt?: true
  /** Ask for the running SHA-256 of the logits rows (debug header). */
  hashLogits: boolean
  /** False: nothing of this request is written to storage, and it cannot be read on. */
  store: boolean
  /** SHA-256 in hex of the request's body. */
  bodyHash: string
  /**
   * The client sent this before and received nothing: what is there under the same tenant and body is
   * continued.
   */
  retry: boolean
  /**
   * Its client sees nothing of the answer before it is whole: where it leaves, the same request sent again may be given
   * what was left.
   */
  unseen?: true
  /** Goes on when nobody reads. Needs `store`. */
  background: boolean
  /**
   * How the API words its reply: plain JSON that is kept with the turn and given back when it is read again.
   * Nobody else looks into it.
   */
  reply: Json
  /** The answer's text is held to it, and closed before the limit of tokens; then `stop` must be empty. */
  grammar?: GrammarSpec
  /** Where the client said it: errors of the grammar name it. */
  grammarParam?: string
  places?: Places
  /** Under a grammar: the limit of tokens may cut the answer, which is not led to its end in time. */
  close?: false
  /** Log probabilities come within what the grammar lets in, too; or say whether it left another token at all (Matcher.isForced). */
  restrictedLogprobs?: true
  forcedTokens?: true
  /** Its reader is told how the session's pages move. */
  memory?: true
  /** Of a chat that offers functions: absent, any of them, as often as the model likes. */
  callRule?: CallRule
  /** A session to go on in; its id says which lane serves the request. */
  session?: string
  /** The session's last whole turn as its client knows it: `conflict` where it is another, or while one answers. */
  follows?: string
  /**
   * A turn that is kept by its own id: what went before it, without instructions, for the turn that goes on from it. In words
   * of the API, which alone looks into it. Needs `store`.
   */
  conversation?: Written<object>[]
}

/** How many answers a request asks for, to all its prompts. */
export function answersTo({ choices = 1, morePrompts = [] }: GenerateRequest): number {
  return choices * (1 + morePrompts.length)
}

/** What JSON can say. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

export type TokenLogprob = {
  token: string
  logprob: number
  bytes: number[]
  /** No logits are about this token of an echo: `logprob` says nothing, and there are no alternatives. */
  unscored?: true
  /** Where they were asked for: within what the grammar lets in, null for what does not fit; whether it left no choice. */
  restricted?: number
  forced?: boolean
  top: { token: string; logprob: number; bytes: number[]; restricted?: number | null }[]
}

export type Usage = {
  promptTokens: number
  cachedTokens: number
  completionTokens: number
}

/** What the window hid, at the last position: always reported. */
export type WindowReport = { window: number | undefined; sinks: number; outOfSight: number }

/**
 * A call that the model wrote, whole; `arguments` is its text, JSON in all formats but ReAct, where it is
 * what stands there.
 */
export type ToolCall = { name: string; arguments: string }

/** A piece of a call: that with a name opens one, those behind it go on with its arguments. */
export type CallPiece = { name?: string; arguments: string }

/** Joins pieces, in order, to the calls that they are pieces of. */
export function joinCalls(pieces: Iterable<CallPiece>): ToolCall[] {
  const calls: ToolCall[] = []
  for (const { name, arguments: text } of pieces) {
    if (name !== undefined) calls.push({ name, arguments: text })
    else if (calls.length > 0) calls[calls.length - 1].arguments += text
  }
  return calls
}

/** `tool_calls`: the model ended its answer, and there were calls in it. */
export type FinishReason = 'stop' | 'length' | 'tool_calls'

export type GenerationEvent =
  /**
   * Comes first, and only of a request with `store`: the ids under which this can be read again, and the
   * `reply` of the request that began it. `turn` is the id of a turn that has a `conversation`, else that of
   * the session's last one.
   */
  | { type: 'session'; session: string; turn: string; reply: Json }
  /**
   * `choice`, here and below: the index of one of several answers, all of one prompt before those of the next; absent
   * for the first. Events of several come in turns, the first of each, then the second of each, as they do in every
   * reading. A start counts what was cached or cut of its prompt, unless one before it did.
   */
  | { type: 'start'; choice?: number; promptTokens: number; cachedTokens: number; truncatedTokens: number }
  | ({ type: 'progress'; state: 'queued' | 'loading' | 'prefill'; done: number; total: number } & Watched)
  | {
      type: 'text'
      choice?: number
      /**
       * Its place among the texts of its answer, an echoed prompt's first: the cursor of whoever reads. Each
       * reading of a turn has the same texts at the same places, since they follow from the ids. Absent where
       * one event holds all of an answer.
       */
      at?: number
      /** Content; of these tokens some may be thoughts or calls instead. */
      text: string
      reasoning?: string
      calls?: CallPiece[]
      ids: number[]
      logprobs?: TokenLogprob[]
      memory?: Watched['memory']
    }
  /** An answer ends, and others go on. */
  | { type: 'end'; choice?: number; reason: FinishReason }
  /** The last answer ends, of several or of one, and all is told; `usage` is that of all. */
  | {
      type: 'finish'
      choice?: number
      reason: FinishReason
      usage: Usage
      window: WindowReport
      logitsHash?: string
      /**
       * The answer was stopped short by the platform's limit on CPU time; with `store` it can be read on.
       * `reason` is `length`.
       */
      stopped?: 'cpu_limit'
      /** The stop string of the request that ended the answer. */
      stopString?: string
      /** The limit of tokens had a part in how an answer under a grammar ended: it was led to its end in time. */
      closedEarly?: true
      /** Milliseconds as the router saw them pass, which alone says them: all, until the prompt began, and until the first text. */
      times?: { all: number; load: number; prompt: number }
      /** What was accepted without effect, each by its place: annotations of a schema, parameters that this model lacks. */
      ignored?: string[]
    }
  /**
   * All that a score request is told: of each prompt, of each continuation, the log probability of each token, nats, from the
   * raw logits. `promptTokens` are those of all prompts, `cachedTokens` those of them that were not computed for it.
   */
  | {
      type: 'scores'
      logprobs: number[][][]
      promptTokens: number
      cachedTokens: number
      window: WindowReport
    }
  /** The vector of the text at `index` of an embed request, of length 1: (hidden) f32, little-endian, in base64. */
  | { type: 'embedding'; index: number; vector: string }
  /**
   * A piece of what a token request is told, in order, which `last` says is the end: ids and what each prints (bytes where that
   * is no whole character), a text, or a number of ids.
   */
  | {
      type: 'tokens'
      ids?: number[]
      pieces?: (string | number[])[]
      text?: string
      count?: number
      last?: true
    }
  /** `movable`: overloaded, and this lane holds nothing of the session: another lane would do as well. */
  | { type: 'error'; code: string; message: string; param?: string; movable?: boolean }

export type SessionEvent = Extract<GenerationEvent, { type: 'session' }>
export type StartEvent = Extract<GenerationEvent, { type: 'start' }>
export type TextEvent = Extract<GenerationEvent, { type: 'text' }>
export type EndEvent = Extract<GenerationEvent, { type: 'end' }>
export type FinishEvent = Extract<GenerationEvent, { type: 'finish' }>
export type ScoresEvent = Extract<GenerationEvent, { type: 'scores' }>
export type TokensEvent = Extract<GenerationEvent, { type: 'tokens' }>
