// The writer of Ollama's dialect words an answer as lines of JSON, the last of which has `done` and counts.

import type {
  CallPiece,
  FinishEvent,
  SessionEvent,
  StartEvent,
  TokenLogprob,
  ToolCall,
} from '../../../protocol/generation.ts'
import { readJson } from '../../../lib/json-value.ts'
import type { Collected } from '../../http/collect.ts'
import type { Writer } from '../../http/sse.ts'
import { isletReport } from '../islet-report.ts'
import { continued, type Reply } from '../reply.ts'
import { callId } from '../tools.ts'
import { ollamaErrorBody } from './errors.ts'

export type OllamaReply = Reply & { kind: 'ollama-chat' | 'ollama-generate' }

type Said = { text: string; thinking?: string; calls?: object[]; logprobs?: readonly TokenLogprob[] }

/** The writer of a streamed answer. A call comes whole, as clients of this dialect expect it. */
export function ollamaWriter(asked: OllamaReply): Writer {
  let reply = asked
  let session: SessionEvent | undefined
  let start: StartEvent | undefined
  let open: ToolCall | undefined
  let count = 0

  /** The calls that are whole with these pieces. */
  function whole(pieces: readonly CallPiece[]): object[] {
    const calls: object[] = []
    for (const { name, arguments: text } of pieces) {
      if (name === undefined) {
        if (open !== undefined) open.arguments += text
        continue
      }
      calls.push(...rest())
      open = { name, arguments: text }
    }
    return calls
  }

  function rest(): object[] {
    const call = open
    open = undefined
    return call === undefined ? [] : [callObject(reply.id, count++, call)]
  }

  const line = (said: Said) => ({ data: { ...head(reply), ...words(reply, said), done: false } })

  return {
    framing: 'lines',
    ping: line({ text: '' }),
    write(event) {
      switch (event.type) {
        case 'session':
          session = event
          reply = continued(asked, event)
          return []
        case 'start':
          start = event
          return []
        case 'text': {
          const { text, reasoning: thinking, logprobs } = event
          const calls = whole(event.calls ?? [])
          if (text === '' && thinking === undefined && calls.length === 0 && logprobs === undefined) return []
          return [line({ text, thinking, calls, logprobs })]
        }
        case 'finish': {
          const calls = rest()
          const last = { ...head(reply), ...words(reply, { text: '' }), ...ending(event) }
          const islet = isletReport(session, start, event, reply)
          return [...(calls.length > 0 ? [line({ text: '', calls })] : []), { data: { ...last, islet } }]
        }
        default:
          return []
      }
    },
    fail: (failure) => [{ data: ollamaErrorBody(failure) }],
  }
}

/** An answer that is not streamed. */
export function wholeOllama(asked: OllamaReply, collected: Collected): object {
  const { session, start, text, reasoning, logprobs, finish } = collected
  const reply = continued(asked, session)
  const calls = collected.calls.map((call, index) => callObject(reply.id, index, call))
  const thinking = reasoning === '' ? undefined : reasoning
  return {
    ...head(reply),
    ...words(reply, { text, thinking, calls, logprobs }),
    ...ending(finish),
    islet: isletReport(session, start, finish, reply),
  }
}

function head({ model, created }: OllamaReply): object {
  return { model, created_at: new Date(1000 * created).toISOString() }
}

/** A chat says a message, the other one a response. */
function words({ kind }: OllamaReply, { text, thinking, calls = [], logprobs }: Said): object {
  const more = {
    ...(thinking !== undefined && { thinking }),
    ...(calls.length > 0 && { tool_calls: calls }),
  }
  return {
    ...(kind === 'ollama-chat'
      ? { message: { role: 'assistant', content: text, ...more } }
      : { response: text, ...more }),
    ...(logprobs !== undefined && {
      logprobs: logprobs.map(({ token, logprob, bytes, top }) => ({
        token,
        logprob,
        bytes,
        top_logprobs: top,
      })),
    }),
  }
}

/** Durations are nanoseconds; an answer that is read again has none. */
function ending({ reason, usage, times = { all: 0, load: 0, prompt: 0 } }: FinishEvent): object {
  const { all, load, prompt } = times
  const nanoseconds = (ms: number): number => Math.round(1e6 * ms)
  return {
    done: true,
    done_reason: reason === 'length' ? 'length' : 'stop',
    total_duration: nanoseconds(all),
    load_duration: nanoseconds(load),
    prompt_eval_count: usage.promptTokens,
    prompt_eval_duration: nanoseconds(prompt),
    eval_count: usage.completionTokens,
    eval_duration: nanoseconds(all - load - prompt),
  }
}

/** Arguments are an object here; what a model wrote otherwise stays a text. */
function callObject(answerId: string, index: number, { name, arguments: text }: ToolCall): object {
  return { id: callId(answerId, index), function: { index, name, arguments: argumentsOf(text) } }
}

function argumentsOf(text: string): unknown {
  try {
    return readJson(text)
  } catch {
    return text
  }
}
