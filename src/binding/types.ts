// The types of the binding say what its methods take and give: plain data, since it crosses RPC.

/** What JSON says; the types of RPC follow no deeper one to its end. */
export type Value = object | string | number | boolean | null

/** `props` of the service binding, which whoever deploys the calling Worker writes. */
export type Props = {
  /** Whose sessions these are; the hash of a key makes them those of that key. */
  tenant?: string
  /** How `run` words a stream: Workers AI's own chunks, or OpenAI's. */
  stream?: 'native' | 'openai'
}

export type Message = {
  role: string
  content?: string | null
  name?: string
  tool_call_id?: string
  tool_calls?: ToolCall[]
}

type FunctionCall = { name: string; arguments: string }
export type ToolCall = { id: string; type: string; function: FunctionCall }

/** Inputs of text generation as Workers AI has them, and whatever else chat completions take. */
export type RunInputs = { [name: string]: unknown }

/** Options of a run. Whatever is no option of Workers AI is an input. */
export type RunOptions = {
  returnRawResponse?: boolean
  /** `x-session-affinity` is the key of the session. */
  extraHeaders?: object
  [name: string]: unknown
}

/** The body of POST /v1/chat/completions (docs/dialects/chat.md). */
export type ChatRequest = { messages: Message[]; [field: string]: unknown }

type Usage = {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  prompt_tokens_details: { cached_tokens: number }
}

export type ChatCompletion = {
  id: string
  object: 'chat.completion'
  created: number
  model: string
  choices: {
    index: number
    message: {
      role: 'assistant'
      content: string | null
      reasoning_content?: string
      tool_calls?: ToolCall[]
    }
    finish_reason: string
  }[]
  usage: Usage
  islet: { session?: string; window: number | null; out_of_sight: number }
}

/** A reply of `run` that is not streamed: Workers AI's fields, and those of chat completions. */
export type RunOutput = Omit<ChatCompletion, 'choices'> & {
  /** With a JSON `response_format` what the JSON says. */
  response: Value
  tool_calls?: (ToolCall & { name: string; arguments: Value })[]
  choices: ChatCompletion['choices']
}

/** A question of a prompt or of messages, whose answer is JSON under `schema`. */
export type ExtractRequest = {
  /** JSON Schema. */
  schema: object
  prompt?: string
  messages?: Message[]
  [field: string]: unknown
}

/** The body of POST /v1/decisions (docs/decisions.md). */
export type DecisionRequest = {
  input: string | object[]
  questions: ({ type: 'predicate' | 'choice' | 'score' } & { [field: string]: unknown })[]
  [field: string]: unknown
}

type Answer = { name: string | null } & (
  | { type: 'predicate'; probability: number }
  | {
      type: 'choice'
      choice: string | boolean
      confidence: number
      probabilities: { value: string | boolean; probability: number }[]
    }
  | {
      type: 'score'
      score: number
      confidence: number
      probabilities: { label: string; value: number; probability: number }[]
    }
)

export type Decision = { object: 'decision'; model: string; answers: Answer[] }

/** As GET /v1/sessions/:id has it; times are seconds since 1970. */
export type Session = {
  id: string
  object: 'session'
  model: string
  state: 'running' | 'paused' | 'done' | 'failed' | 'cancelled'
  created_at: number
  used_at: number
  expires_at: number
  tokens: number
  completion_tokens: number
  window: number | null
  out_of_sight: number
}

export type SessionList = { object: 'list'; data: Session[]; last_id: string | null; has_more: boolean }

/** A model that is served, as `models()` of Workers AI lists it. */
export type ListedModel = {
  id: string
  source: number
  name: string
  description: string
  task: { id: string; name: string; description: string }
  tags: string[]
  properties: { property_id: string; value: string }[]
}
