// The adapter of Anthropic's Messages reads content blocks, whole and as named events.

import { MODEL } from '../../api/helpers.ts'
import type { Answer, Dialect, Failure, Identity } from './dialect.ts'
import type { Frame } from './wire.ts'

type Block = {
  type: 'text' | 'thinking' | 'tool_use'
  text?: string
  thinking?: string
  id?: string
  name?: string
  input?: object
}
type Message = {
  id: string
  model: string
  content: Block[]
  stop_reason: string | null
  usage: object
  islet: Record<string, unknown>
}
type NamedEvent = {
  type: string
  index?: number
  message?: Message
  content_block?: Block
  delta?: { type?: string; text?: string; thinking?: string; partial_json?: string; stop_reason?: string }
  usage?: object
  islet?: Record<string, unknown>
  error?: { message: string; details: { error_code: string; param?: string } }
}

const eventOf = ({ data }: Frame): NamedEvent => data as NamedEvent

export const messages: Dialect = {
  name: 'messages',
  path: '/v1/messages',
  promptField: 'messages',
  says: { reasoning: true, calls: true, logprobs: false },
  usage: 'always',
  ping: 'event: ping\ndata: {"type":"ping"}\n\n',
  fields:
    `model stream temperature top_p top_k min_p repetition_penalty presence_penalty frequency_penalty seed logit_bias ignore_eos
    truncation prompt_cache_key metadata store service_tier islet messages system max_tokens stop_sequences tools tool_choice
    chat_template_kwargs output_config thinking cache_control speed container context_management diagnostics fallbacks
    inference_geo mcp_servers user_profile_id`.split(/\s+/),
  body: (ask) => ({
    model: ask.model ?? MODEL,
    messages: [{ role: 'user', content: ask.prompt ?? 'Hi' }],
    // As many as the scripts' answers have: one that is cut was cut by it.
    max_tokens: ask.maxTokens ?? 3,
    ...(ask.stream !== undefined && { stream: ask.stream }),
    ...(ask.store !== undefined && { store: ask.store }),
    ...(ask.temperature !== undefined && { temperature: ask.temperature }),
    ...(ask.seed !== undefined && { seed: ask.seed }),
    ...((ask.tools === true || ask.functions === true) && {
      tools: ['get_weather', 'now'].map((name) => ({ name, input_schema: {} })),
    }),
    ...(ask.named === true && { tool_choice: { type: 'tool', name: 'get_weather' } }),
  }),
  calls: { id: /^toolu_/, arguments: (text) => (text === '' ? '{}' : text) },
  finish: (reason) => ({ stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' })[reason],
  counts(usage) {
    const { input_tokens: computed, output_tokens, cache_read_input_tokens: cached } = usage as Record<string, number> // prettier-ignore
    return { promptTokens: computed + cached, completionTokens: output_tokens, cachedTokens: cached }
  },
  whole: (body) => answerOf(body as Message),
  assembled(frames) {
    let message: Message | undefined
    let open: number | undefined
    const json: string[] = []
    for (const frame of frames) {
      const { type, index, content_block: block, delta, ...more } = eventOf(frame)
      if (frame.event !== type) throw new Error(`${type} is named ${frame.event ?? 'nothing'}`)
      if ((type === 'message_start') !== (message === undefined)) throw new Error(`${type} out of order`)
      message ??= structuredClone(more.message) as Message
      if (block !== undefined) {
        if (open !== undefined || index !== message.content.length) throw new Error('a block out of order')
        open = index
        message.content.push(structuredClone(block))
        json.push('')
      } else if (index !== undefined && index !== open) throw new Error('a delta of no open block')
      if (type === 'content_block_delta') grow(message.content[open ?? -1], delta, (text) => (json[open ?? -1] += text)) // prettier-ignore
      if (type === 'content_block_stop') open = undefined
      if (type === 'message_delta') {
        if (open !== undefined) throw new Error('a block that never stops')
        const { usage = {}, islet = {} } = more
        Object.assign(message, delta, { usage, islet })
      }
    }
    if (message === undefined) throw new Error('there is no message')
    const content = message.content.map((block, at) =>
      block.type === 'tool_use' ? { ...block, input: inputOf(json[at]) } : block,
    )
    return answerOf({ ...message, content })
  },
  identity(frame) {
    const { message } = eventOf(frame)
    return message && identityOf(message)
  },
  // How much a message began with is no answer's usage.
  usageIn: (frame) => eventOf(frame).usage,
  ends: (frame) => ['message_delta', 'message_stop'].includes(eventOf(frame).type),
  isLast: (frame) => eventOf(frame).type === 'message_stop',
  // Where sessions are read no dialect is known before the first event.
  wholeFailure: (body) => failureOf(body as NamedEvent) ?? (body as { error: Failure }).error,
  frameFailure: (frame) => failureOf(eventOf(frame)),
  readOn: [
    {
      name: 'the stream of its session',
      path: ({ session }, n) => `/v1/sessions/${session}/stream?after=${n}`,
    },
  ],
}

function grow(block: Block, delta: NamedEvent['delta'] = {}, write: (json: string) => void): void {
  if (delta.type === 'text_delta') block.text = (block.text ?? '') + (delta.text ?? '')
  if (delta.type === 'thinking_delta') block.thinking = (block.thinking ?? '') + (delta.thinking ?? '')
  if (delta.type === 'input_json_delta') write(delta.partial_json ?? '')
}

/** What a client makes of the pieces: of what was cut, what it can. */
function inputOf(json: string): object {
  try {
    return JSON.parse(json === '' ? '{}' : json) as object
  } catch {
    return { input: json }
  }
}

/** This API tells no time: the number of the request, which is in the id, stands for it. */
function identityOf({ id, model }: Message): Identity {
  return { id, created: Number(/\d*$/.exec(id)?.[0]), model }
}

function answerOf(message: Message): Answer {
  const { content, stop_reason: finish, usage, islet } = message
  const calls = content.filter(({ type }) => type === 'tool_use')
  return {
    ...identityOf(message),
    text: content.map(({ text = '' }) => text).join(''),
    reasoning: content.map(({ thinking = '' }) => thinking).join(''),
    calls: calls.map(({ id = '', name = '', input = {} }) => ({ id, name, arguments: writtenIn(input) })),
    logprobs: null,
    finish: finish ?? '',
    usage,
    islet: { ...islet, order: content.map(({ type }) => type) },
  }
}

/** The text of a call's input; what is no JSON is wrapped. */
function writtenIn(input: object): string {
  return 'input' in input && typeof input.input === 'string' ? input.input : JSON.stringify(input)
}

function failureOf({ type, error }: NamedEvent): Failure | undefined {
  if (type !== 'error' || error === undefined) return undefined
  const { error_code: code, param = null } = error.details
  return { code, message: error.message, param }
}
