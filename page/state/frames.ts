// Frames are the chunks of a streamed answer, of a chat or a completion.

import { type Token } from './focus.ts'

type Scored = { token?: string; logprob?: number; top_logprobs?: Scored[]; islet_forced?: boolean } | null

/** As the API sends it; its text alone is checked, for it is shown. */
type Chunk = {
  error?: { code: string; message: string }
  model?: string
  usage?: {
    prompt_tokens: number
    completion_tokens: number
    prompt_tokens_details?: { cached_tokens?: number }
  } | null
  islet?: {
    stopped?: string
    truncated_tokens?: number
    session?: string
    closed_early?: boolean
    ignored?: string[]
  }
  choices?: {
    delta?: { content?: unknown; reasoning_content?: unknown }
    text?: unknown
    finish_reason?: string | null
    logprobs?: Logprobs | null
  }[]
}

type Logprobs = {
  content?: Scored[]
  tokens?: string[]
  token_logprobs?: number[]
  top_logprobs?: Record<string, number>[]
}

export type Frame = Pick<Chunk, 'error' | 'model' | 'usage' | 'islet'> & {
  /** [DONE]. */
  isLast: boolean
  /** The platform's limit ended the stream with this frame and those behind it: they are no part of the answer. */
  isCut: boolean
  text: string
  thoughts: string
  tokens: Token[]
  /** How many of them a schema wrote. */
  forced: number
  finish: string | null | undefined
  truncated: number | undefined
}

/** What a frame of the stream says. Data that is no JSON object says nothing. */
export function frameOf(data: string): Frame {
  const { error, model, usage, islet, choices } = parsed<Chunk>(data)
  const { delta, text, finish_reason, logprobs } = choices?.[0] ?? {}
  return {
    error,
    model,
    usage,
    islet,
    isLast: data === '[DONE]',
    isCut: islet?.stopped === 'cpu_limit',
    text: textOf(delta?.content ?? text),
    thoughts: textOf(delta?.reasoning_content),
    tokens: tokensOf(logprobs ?? {}),
    forced: logprobs?.content?.filter((token) => token?.islet_forced).length ?? 0,
    finish: finish_reason,
    truncated: islet?.truncated_tokens,
  }
}

/** Tokens with their alternatives, as chat has them (`content`) or as text completions do (lists side by side). */
function tokensOf({ content, tokens = [], token_logprobs, top_logprobs }: Logprobs): Token[] {
  if (content)
    return content.map((token) => ({ ...scored(token), top: (token?.top_logprobs ?? []).map(scored) }))
  return tokens.map((text, at) => ({
    text,
    logprob: token_logprobs?.[at] ?? 0,
    top: Object.entries(top_logprobs?.[at] ?? {}).map(([text, logprob]) => ({ text, logprob })),
  }))
}

function scored(token: Scored): { text: string; logprob: number } {
  return { text: token?.token ?? '', logprob: token?.logprob ?? 0 }
}

/** An object's JSON; what is none is an empty one. */
export function parsed<T extends object>(json: string): T {
  try {
    return (JSON.parse(json) ?? {}) as T
  } catch {
    return {} as T
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
