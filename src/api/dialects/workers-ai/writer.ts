// The writer of run words a whole reply by Workers AI's fields and OpenAI's, and a stream by one of the two.

import type { SessionEvent, StartEvent, TextEvent, ToolCall } from '../../../protocol/generation.ts'
import { gatherer, type Collected } from '../../http/collect.ts'
import type { Frame, Writer } from '../../http/sse.ts'
import { chatWriter, wholeChat, type ChatReply } from '../chat/writer.ts'
import { usageOf } from '../chunk-writer.ts'
import { isletReport } from '../islet-report.ts'
import type { Reply } from '../reply.ts'
import { callDeltas, callObject } from '../tools.ts'
import { runFailure } from './errors.ts'

/** How a stream is worded: Workers AI's own chunks, OpenAI's, or the whole reply as its only frame. */
export const FORMS = ['native', 'openai', 'whole'] as const

export type RunReply = Reply & {
  kind: 'workers-ai'
  form: (typeof FORMS)[number]
  /** `response` is what the JSON of the answer says, as Workers AI's JSON mode has it. */
  json?: true
  /** The request named the function that is called. */
  named?: true
}

const DONE: Frame = { data: '[DONE]' }

/** A reply that is not streamed. */
export function wholeRun(reply: RunReply, collected: Collected): object {
  const { text, calls } = collected
  const whole = wholeChat(chatReply(reply), collected) as { id: string }
  return {
    response: reply.json === true ? (parsed(text) ?? text) : text,
    ...(calls.length > 0 && { tool_calls: calls.map((call, index) => bothForms(whole.id, index, call)) }),
    ...whole,
  }
}

/** A call in the form that Workers AI's older models have, and in that of the newer ones. */
function bothForms(id: string, index: number, call: ToolCall): object {
  const given = parsed(call.arguments) ?? call.arguments
  return { ...callObject(id, index, call), name: call.name, arguments: given }
}

/** What JSON says; undefined where it is none. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** The writer of a streamed reply. */
export function runWriter(reply: RunReply): Writer {
  if (reply.form === 'openai') return { ...chatWriter(chatReply(reply)), fail: runFailure }
  return reply.form === 'whole' ? wholeWriter(reply) : nativeWriter(reply)
}

function wholeWriter(reply: RunReply): Writer {
  const gather = gatherer()
  return {
    ping: 'comment',
    lively: true,
    write(event) {
      const collected = gather(event)
      return collected === undefined ? [] : [{ data: wholeRun(reply, collected) }]
    },
    fail: runFailure,
  }
}

function nativeWriter(reply: RunReply): Writer {
  let session: SessionEvent | undefined
  let start: StartEvent | undefined
  let calls = 0
  const pieces = ({ calls: told = [] }: TextEvent): object[] =>
    told.flatMap((piece) => {
      if (piece.name !== undefined) calls++
      return callDeltas(reply.id, calls - 1, piece)
    })
  return {
    ping: 'comment',
    write(event) {
      switch (event.type) {
        case 'session':
          session = event
          return []
        case 'start':
          start = event
          return []
        case 'text': {
          const { text, reasoning } = event
          const chunks = [
            ...(reasoning === undefined ? [] : [{ response: '', reasoning_content: reasoning }]),
            ...(text === '' ? [] : [{ response: text }]),
            ...pieces(event).map((delta) => ({ response: '', ...delta })),
          ]
          return chunks.map((data) => ({ data }))
        }
        case 'finish': {
          const islet = isletReport(session, start, event, reply)
          const usage = usageOf(event)
          return [{ data: { response: '', finish_reason: event.reason, usage, islet } }, DONE]
        }
        default:
          return []
      }
    },
    fail: runFailure,
  }
}

/** The same reply as chat completions word it. */
function chatReply({ named, ...reply }: RunReply): ChatReply {
  return { ...reply, kind: 'chat', includeUsage: true, ...(named && { named }) }
}
