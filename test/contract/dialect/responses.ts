// The adapter of responses reads typed events: what deltas add up to must be what the last event says.

import { MODEL } from '../../api/helpers.ts'
import type { Answer, Dialect, Failure, Identity } from './dialect.ts'
import type { Frame } from './wire.ts'

type Part = { type: string; text: string; logprobs?: object[] }
type Item = {
  id: string
  type: 'message' | 'reasoning' | 'function_call'
  status: string
  content?: Part[]
  call_id?: string
  name?: string
  arguments?: string
}
type ResponseObject = {
  id: string
  created_at: number
  model: string
  status: string
  error: { code: string; message: string } | null
  incomplete_details: { reason: string } | null
  output: Item[]
  usage: object | null
  islet: Record<string, unknown>
}
type TypedEvent = {
  type: string
  sequence_number: number
  response?: ResponseObject
  item?: Item
  item_id?: string
  output_index?: number
  delta?: string
  logprobs?: object[]
  part?: Part
  text?: string
  arguments?: string
  code?: string
  message?: string
  param?: string | null
}

const ENDINGS = ['response.completed', 'response.incomplete']

const eventOf = ({ data }: Frame): TypedEvent => data as TypedEvent

export const responses: Dialect = {
  name: 'responses',
  path: '/v1/responses',
  promptField: 'input',
  says: { reasoning: true, calls: true, logprobs: false },
  usage: 'always',
  fields:
    `model stream stream_options temperature top_p top_k min_p repetition_penalty presence_penalty frequency_penalty seed
    logit_bias stop ignore_eos truncation user safety_identifier prompt_cache_key prompt_cache_retention prompt_cache_options
    metadata store service_tier moderation input instructions max_output_tokens previous_response_id background tools
    tool_choice parallel_tool_calls chat_template_kwargs text reasoning include top_logprobs context_management max_tool_calls
    conversation prompt image access_programs`.split(/\s+/),
  body: (ask) => ({
    model: ask.model ?? MODEL,
    input: ask.prompt ?? 'Hi',
    ...(ask.stream !== undefined && { stream: ask.stream }),
    ...(ask.store !== undefined && { store: ask.store }),
    ...(ask.maxTokens !== undefined && { max_output_tokens: ask.maxTokens }),
    ...(ask.temperature !== undefined && { temperature: ask.temperature }),
    ...(ask.seed !== undefined && { seed: ask.seed }),
    ...((ask.tools === true || ask.functions === true) && {
      tools: ['get_weather', 'now'].map((name) => ({ type: 'function', name, parameters: {} })),
    }),
    ...(ask.named === true && { tool_choice: { type: 'function', name: 'get_weather' } }),
  }),
  finish: (reason) => (reason === 'length' ? 'incomplete: max_output_tokens' : 'completed'),
  counts(usage) {
    const { input_tokens, output_tokens, input_tokens_details } = usage as Record<string, number> & {
      input_tokens_details: { cached_tokens: number }
    }
    return {
      promptTokens: input_tokens,
      completionTokens: output_tokens,
      cachedTokens: input_tokens_details.cached_tokens,
    }
  },
  whole: (body) => answerOf(body as ResponseObject),
  assembled(frames) {
    const output: Item[] = []
    for (const [index, frame] of frames.entries()) {
      const event = eventOf(frame)
      if (frame.event !== event.type) throw new Error(`${event.type} is named ${frame.event ?? 'nothing'}`)
      if (event.sequence_number !== index)
        throw new Error(`event ${index} has the number ${event.sequence_number}`)
      addEvent(output, event)
    }
    const { response } = eventOf(frames[frames.length - 1])
    if (response === undefined) throw new Error('the stream does not end with a response')
    if (JSON.stringify(output) !== JSON.stringify(response.output))
      throw new Error('deltas add up to something else than the response')
    return answerOf(response)
  },
  identity(frame) {
    const { response } = eventOf(frame)
    return response === undefined ? undefined : identityOf(response)
  },
  usageIn: (frame) => eventOf(frame).response?.usage,
  ends: (frame) => ENDINGS.includes(eventOf(frame).type),
  isLast: (frame) => ENDINGS.includes(eventOf(frame).type),
  wholeFailure: (body) => (body as { error: Failure }).error,
  frameFailure(frame) {
    const { type, code = '', message = '', param, response } = eventOf(frame)
    if (type === 'error') return { code, message, param }
    if (type !== 'response.failed') return undefined
    if (response?.status !== 'failed') throw new Error('response.failed without the status')
    const [, ours = '', says = ''] = /^(\w+): (.*)$/s.exec(response.error?.message ?? '') ?? []
    return { code: ours, message: says }
  },
  readOn: [
    {
      name: 'the response itself',
      path: ({ id }, n) => `/v1/responses/${id}?stream=true${n === 0 ? '' : `&starting_after=${n - 1}`}`,
    },
    {
      name: 'the stream of its session',
      path: ({ session }, n) => `/v1/sessions/${session}/stream?after=${n}`,
    },
  ],
  stored: (id) => `/v1/responses/${id}`,
}

function identityOf({ id, created_at: created, model }: ResponseObject): Identity {
  return { id, created, model }
}

function answerOf(response: ResponseObject): Answer {
  const { status, incomplete_details: cut, output, usage, islet } = response
  const textOf = (type: Item['type']): string =>
    output
      .filter((item) => item.type === type)
      .flatMap((item) => item.content ?? [])
      .map(({ text }) => text)
      .join('')
  const calls = output.filter(({ type }) => type === 'function_call')
  return {
    ...identityOf(response),
    text: textOf('message'),
    reasoning: textOf('reasoning'),
    calls: calls.map((item) => ({
      id: item.call_id ?? '',
      name: item.name ?? '',
      arguments: item.arguments ?? '',
    })),
    logprobs: null,
    finish: cut === null ? status : `${status}: ${cut.reason}`,
    usage,
    islet: { ...islet, items: output.map(({ id, type, status: state }) => ({ id, type, status: state })) },
  }
}

/** Makes true what an event says of the items so far, and throws where it says something else than those before. */
function addEvent(output: Item[], event: TypedEvent): void {
  const item = event.output_index === undefined ? undefined : output[event.output_index]
  const last = item?.content?.at(-1)
  const same = (said: unknown, known: unknown): void => {
    if (JSON.stringify(said) !== JSON.stringify(known))
      throw new Error(`${event.type} contradicts its deltas`)
  }
  if (event.item_id !== undefined) same(event.item_id, item?.id)
  switch (event.type) {
    case 'response.output_item.added':
      if (event.output_index !== output.length || event.item === undefined)
        throw new Error('an item out of order')
      output.push(structuredClone(event.item))
      return
    case 'response.content_part.added':
      item?.content?.push(structuredClone(event.part) as Part)
      return
    case 'response.output_text.delta':
    case 'response.reasoning_text.delta':
      if (last === undefined) return
      last.text += event.delta ?? ''
      last.logprobs?.push(...(event.logprobs ?? []))
      return
    case 'response.output_text.done':
    case 'response.reasoning_text.done':
      same(event.logprobs ?? [], last?.logprobs ?? [])
      return same(event.text, last?.text)
    case 'response.content_part.done':
      return same(event.part, last)
    case 'response.function_call_arguments.delta':
      if (item !== undefined) item.arguments = (item.arguments ?? '') + (event.delta ?? '')
      return
    case 'response.function_call_arguments.done':
      return same(event.arguments, item?.arguments)
    case 'response.output_item.done':
      if (item !== undefined && event.item !== undefined) {
        same({ ...event.item, status: item.status }, item)
        item.status = event.item.status
      }
      return
    default:
      return
  }
}
