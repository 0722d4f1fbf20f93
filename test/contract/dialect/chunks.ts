// The adapters of chat and text completions read OpenAI's chunks, which differ in their choices alone.

import type { Usage } from '../../../src/protocol/generation.ts'
import { MODEL } from '../../api/helpers.ts'
import type { Answer, Ask, Call, Dialect, Failure, Identity, TokenEntry } from './dialect.ts'
import type { Frame } from './wire.ts'

type CallDelta = { index: number; id?: string; function: { name?: string; arguments: string } }
type Message = {
  content?: string | null
  reasoning_content?: string
  tool_calls?: CallDelta[]
  function_call?: CallDelta['function']
}
type TextLogprobs = {
  tokens: string[]
  token_logprobs: number[]
  top_logprobs: object[]
  text_offset: number[]
}
type Choice = {
  index: number
  delta?: Message
  message?: Message
  text?: string
  logprobs: { content: TokenEntry[] } | TextLogprobs | null
  finish_reason: string | null
}
type Chunk = Identity & {
  object: string
  choices: Choice[]
  usage?: object | null
  islet?: Record<string, unknown>
  error?: Failure
}

const SHARED_FIELDS = `model stream stream_options max_tokens temperature top_p top_k min_p repetition_penalty presence_penalty
  frequency_penalty seed logit_bias stop ignore_eos truncation n user safety_identifier prompt_cache_key prompt_cache_retention
  prompt_cache_options metadata store service_tier verbosity moderation logprobs`

const OFFERED = ['get_weather', 'now']

const chunkOf = ({ data }: Frame): Chunk | undefined => (data === '[DONE]' ? undefined : (data as Chunk))

const shared = {
  usage: 'asked',
  finish: (reason) => reason,
  counts(usage): Usage {
    const { prompt_tokens, completion_tokens, prompt_tokens_details } = usage as Record<string, number> & {
      prompt_tokens_details: { cached_tokens: number }
    }
    return {
      promptTokens: prompt_tokens,
      completionTokens: completion_tokens,
      cachedTokens: prompt_tokens_details.cached_tokens,
    }
  },
  identity(frame) {
    const chunk = chunkOf(frame)
    return chunk && chunk.error === undefined ? identityOf(chunk) : undefined
  },
  usageIn: (frame) => chunkOf(frame)?.usage,
  ends: (frame) => frame.data === '[DONE]' || chunkOf(frame)?.choices?.[0]?.finish_reason != null,
  isLast: (frame) => frame.data === '[DONE]',
  wholeFailure: (body) => (body as { error: Failure }).error,
  frameFailure: (frame) => chunkOf(frame)?.error,
  assembled(frames) {
    const chunks = frames.flatMap((frame) => chunkOf(frame) ?? [])
    const answer = emptyAnswer(identityOf(chunks[0]))
    for (const chunk of chunks) {
      if (chunk.error !== undefined) throw new Error(chunk.error.message)
      for (const choice of chunk.choices) {
        if (choice.index !== 0) throw new Error(`a choice ${choice.index} of one answer`)
        add(answer, choice)
      }
      if (chunk.usage != null) answer.usage = chunk.usage
      if (chunk.islet !== undefined) answer.islet = chunk.islet
    }
    return answer
  },
  whole(body) {
    const chunk = body as Chunk
    const answer = emptyAnswer(identityOf(chunk))
    if (chunk.choices.length !== 1) throw new Error(`${chunk.choices.length} choices of one answer`)
    add(answer, chunk.choices[0])
    return { ...answer, usage: chunk.usage ?? null, islet: chunk.islet ?? {} }
  },
  readOn: [
    {
      name: 'the stream of its session',
      path: ({ session }, n) => `/v1/sessions/${session}/stream?after=${n}`,
    },
  ],
} satisfies Partial<Dialect>

export const chatCompletions: Dialect = {
  ...shared,
  name: 'chat completions',
  path: '/v1/chat/completions',
  promptField: 'messages',
  says: { reasoning: true, calls: true, logprobs: true },
  finish(reason, { functions = false, named = false } = {}) {
    if (reason !== 'tool_calls') return reason
    return named ? 'stop' : functions ? 'function_call' : reason
  },
  fields: `${SHARED_FIELDS} messages max_completion_tokens top_logprobs tools tool_choice parallel_tool_calls
    chat_template_kwargs functions function_call response_format modalities reasoning_effort audio prediction
    web_search_options`.split(/\s+/),
  body: (ask) => ({
    ...sharedBody(ask),
    messages: [{ role: 'user', content: ask.prompt ?? 'Hi' }],
    ...(ask.logprobs === true && { logprobs: true, top_logprobs: 2 }),
    ...(ask.tools === true && { tools: OFFERED.map(functionOf) }),
    ...(ask.functions === true && { functions: OFFERED.map((name) => ({ name, parameters: {} })) }),
    ...(ask.named === true &&
      (ask.functions === true
        ? { function_call: { name: OFFERED[0] } }
        : { tool_choice: { type: 'function', function: { name: OFFERED[0] } } })),
  }),
}

export const textCompletions: Dialect = {
  ...shared,
  name: 'text completions',
  path: '/v1/completions',
  promptField: 'prompt',
  says: { reasoning: false, calls: false, logprobs: true },
  fields: `${SHARED_FIELDS} prompt echo best_of suffix`.split(/\s+/),
  body: (ask) => ({
    ...sharedBody(ask),
    prompt: ask.prompt ?? 'Once',
    ...(ask.logprobs === true && { logprobs: 2 }),
  }),
}

function sharedBody(ask: Ask): Record<string, unknown> {
  return {
    model: ask.model ?? MODEL,
    ...(ask.stream !== undefined && { stream: ask.stream }),
    ...(ask.usage === true && ask.stream === true && { stream_options: { include_usage: true } }),
    ...(ask.store !== undefined && { store: ask.store }),
    ...(ask.maxTokens !== undefined && { max_tokens: ask.maxTokens }),
    ...(ask.temperature !== undefined && { temperature: ask.temperature }),
    ...(ask.seed !== undefined && { seed: ask.seed }),
  }
}

function functionOf(name: string): object {
  return { type: 'function', function: { name, parameters: {} } }
}

function identityOf({ id, created, model }: Identity): Identity {
  return { id, created, model }
}

function emptyAnswer(identity: Identity): Answer {
  const nothing = { text: '', reasoning: '', calls: [], logprobs: null, finish: '', usage: null, islet: {} }
  return { ...identity, ...nothing }
}

/** Adds what a choice says to what was said before; a whole reply is one choice that says all. */
function add(answer: Answer, choice: Choice): void {
  const said = choice.delta ?? choice.message ?? {}
  answer.text += choice.text ?? said.content ?? ''
  answer.reasoning += said.reasoning_content ?? ''
  for (const [nth, delta] of (said.tool_calls ?? []).entries())
    addCall(answer.calls, delta, choice.delta === undefined ? nth : delta.index)
  const old = said.function_call
  // It has no id, and there is one.
  if (old !== undefined)
    addCall(answer.calls, { index: 0, function: old, ...(old.name !== undefined && { id: 'call_' }) }, 0)
  const entries = entriesOf(choice.logprobs)
  if (entries.length > 0) answer.logprobs = [...(answer.logprobs ?? []), ...entries]
  if (choice.finish_reason === null) return
  if (answer.finish !== '') throw new Error('the answer ends twice')
  answer.finish = choice.finish_reason
}

/** The first delta of a call names it, later ones have its arguments. */
function addCall(calls: Call[], { id, function: said }: CallDelta, index: number): void {
  const call = calls[index]
  if (call === undefined) {
    if (id === undefined || said.name === undefined) throw new Error('a call without a name')
    if (index !== calls.length) throw new Error(`call ${index} comes behind ${calls.length} calls`)
    calls.push({ id, name: said.name, arguments: said.arguments })
  } else {
    if (id !== undefined || said.name !== undefined) throw new Error('a call is named twice')
    call.arguments += said.arguments
  }
}

/** Chat has entries, text has parallel arrays; either is one entry for each token. */
function entriesOf(logprobs: Choice['logprobs']): TokenEntry[] {
  if (logprobs === null) return []
  if ('content' in logprobs) return logprobs.content
  const { tokens, token_logprobs, top_logprobs, text_offset } = logprobs
  return tokens.map((token, i) => ({
    token,
    logprob: token_logprobs[i],
    top: top_logprobs[i],
    offset: text_offset[i],
  }))
}
