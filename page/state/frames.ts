// Frames are the chunks of a streamed answer, of a chat or a completion; their shape is not trusted.

import { type Token } from './focus.ts'

export type Frame = {
  /** Whether `after=N` counts it. */
  counts: boolean
  /** [DONE]. */
  isLast: boolean
  /** The platform's limit ended the stream with this frame and those behind it: they are no part of the answer. */
  isCut: boolean
  text: string
  thoughts: string
  tokens: Token[]
  finish?: string
  model?: string
  truncated?: number
  usage?: { prompt: number; completion: number; reused: number }
  error?: { code: string; message: string }
}

type Fields = Record<string, unknown>

/** What a frame of the stream says. Data that is no JSON object says nothing, and counts. */
export function frameOf(data: string): Frame {
  const frame: Frame = {
    counts: true,
    isLast: data === '[DONE]',
    isCut: false,
    text: '',
    thoughts: '',
    tokens: [],
  }
  if (frame.isLast) return frame
  const said = parsed(data)
  if (said['error'] !== undefined) {
    const { code, message } = fields(said['error'])
    return { ...frame, counts: false, error: { code: text(code), message: text(message) } }
  }
  const choice = fields(list(said['choices'])[0])
  const delta = fields(choice['delta'])
  frame.text = text(delta['content'] ?? choice['text'])
  frame.thoughts = text(delta['reasoning_content'])
  frame.tokens = tokensOf(fields(choice['logprobs']))
  if (typeof choice['finish_reason'] === 'string') frame.finish = choice['finish_reason']
  if (typeof said['model'] === 'string') frame.model = said['model']
  const islet = fields(said['islet'])
  frame.isCut = islet['stopped'] === 'cpu_limit'
  if (number(islet['truncated_tokens']) > 0) frame.truncated = number(islet['truncated_tokens'])
  if (said['usage'] !== undefined && said['usage'] !== null) {
    const usage = fields(said['usage'])
    frame.usage = {
      prompt: number(usage['prompt_tokens']),
      completion: number(usage['completion_tokens']),
      reused: number(fields(usage['prompt_tokens_details'])['cached_tokens']),
    }
  }
  return frame
}

/** Tokens with their alternatives, as chat has them (`content`) or as text completions do (lists side by side). */
function tokensOf(logprobs: Fields): Token[] {
  if (Array.isArray(logprobs['content']))
    return logprobs['content'].map((value) => {
      const token = fields(value)
      return { ...scored(token), top: list(token['top_logprobs']).map((each) => scored(fields(each))) }
    })
  const [scores, tops] = [list(logprobs['token_logprobs']), list(logprobs['top_logprobs'])]
  return list(logprobs['tokens']).map((token, at) => ({
    text: text(token),
    logprob: number(scores[at]),
    top: Object.entries(fields(tops[at])).map(([text, logprob]) => ({ text, logprob: number(logprob) })),
  }))
}

function scored(token: Fields): { text: string; logprob: number } {
  return { text: text(token['token']), logprob: number(token['logprob']) }
}

/** The report of a session's memory that a comment of the stream brings, if it does. */
export function memoryIn(comment: string): Fields | undefined {
  const found = /^\s*islet\.memory (.*)/s.exec(comment)
  return found ? parsed(found[1]) : undefined
}

function parsed(data: string): Fields {
  try {
    return fields(JSON.parse(data))
  } catch {
    return {}
  }
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0
}
