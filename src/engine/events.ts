// Plain data between the rooms: what the API asks of a lane and what a lane answers. Survives JSON.

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
}

export type ChatMessage = {
  role: string
  content: string
  name?: string
  /** What ChatGLM3 writes behind the role: the name of a tool. */
  metadata?: string
  tool_calls?: unknown[]
  tool_call_id?: string
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
        messages: ChatMessage[]
        tools?: unknown[]
        /** Further variables of the chat template, such as `enable_thinking`. */
        variables?: Record<string, unknown>
      }
    /** `after`: the text behind a gap that the model shall fill. */
    | { kind: 'text'; text: string; after?: string }
    | { kind: 'ids'; ids: number[] }
  maxTokens: number | undefined // undefined: until the model ends or its limit
  stop: string[]
  ignoreEos: boolean
  sampling: SamplingOptions
  /** 0 = none; otherwise that many alternatives with each token's log probability. undefined = no logprobs. */
  topLogprobs: number | undefined
  truncation: 'auto' | 'disabled'
  /** Repeat the prompt in front of the completion (completions endpoint). */
  echo: boolean
  /** Ask for the running SHA-256 of the logits rows (debug header). */
  hashLogits: boolean
}

export type TokenLogprob = {
  token: string
  logprob: number
  bytes: number[]
  top: { token: string; logprob: number; bytes: number[] }[]
}

export type Usage = {
  promptTokens: number
  cachedTokens: number
  completionTokens: number
}

/** What the window hid, at the last position: always reported. */
export type WindowReport = { window: number | undefined; sinks: number; outOfSight: number }

/** A call that the model wrote, whole; `arguments` is its text, JSON in all formats but ReAct, where it is what stands there. */
export type ToolCall = { name: string; arguments: string }

/** `tool_calls`: the model ended its answer, and there were calls in it. */
export type FinishReason = 'stop' | 'length' | 'tool_calls'

export type GenerationEvent =
  | { type: 'start'; promptTokens: number; cachedTokens: number; truncatedTokens: number }
  | { type: 'progress'; state: 'queued' | 'loading' | 'prefill'; done: number; total: number }
  | {
      type: 'text'
      /** Content; of these tokens some may be thoughts or calls instead. */
      text: string
      reasoning?: string
      calls?: ToolCall[]
      ids: number[]
      logprobs?: TokenLogprob[]
    }
  | { type: 'finish'; reason: FinishReason; usage: Usage; window: WindowReport; logitsHash?: string }
  | { type: 'error'; code: string; message: string; param?: string }
