// The writer of Messages words an answer as content blocks, whole or as named events.
// Blocks follow the answer: one stops where the next one starts.

import { isJsonObject, readJson } from '../../../lib/json-value.ts'
import type {
  CallPiece,
  FinishEvent,
  SessionEvent,
  StartEvent,
  TextEvent,
} from '../../../protocol/generation.ts'
import { callPieces, joinTexts } from '../../../protocol/text-order.ts'
import type { Collected } from '../../http/collect.ts'
import type { AnswerEvent } from '../../http/events.ts'
import type { Frame, Writer } from '../../http/sse.ts'
import { isletReport } from '../islet-report.ts'
import { continued, type Reply } from '../reply.ts'
import { messageFailure } from './errors.ts'

export type MessageReply = Reply & {
  kind: 'message'
  /** `max_tokens`: an answer of fewer that was cut was cut by something else. */
  maxTokens: number
}

export const MESSAGE_PREFIX = 'msg_'

/** The id of the request that a reply is of. */
function bareId({ id }: MessageReply): string {
  return id.slice(MESSAGE_PREFIX.length)
}

type Words = { type: 'text' | 'thinking'; text: string }
/** `text` is what the model wrote as the call's input. */
type ToolUse = { type: 'tool_use'; id: string; name: string; text: string }
type Block = Words | ToolUse

type MessageWriter = Writer & {
  /** The message as it stands. */
  message(): object
}

/** The writer of a streamed answer. */
export function messageWriter(asked: MessageReply): MessageWriter {
  let reply = asked
  let session: SessionEvent | undefined
  let start: StartEvent | undefined
  let finish: FinishEvent | undefined
  const blocks: Block[] = []
  /** The last block, while it grows. */
  let open: Block | undefined
  let calls = 0

  const frame = (type: string, fields: object = {}): Frame => ({ event: type, data: { type, ...fields } })
  const indexed = (type: string, fields: object = {}): Frame =>
    frame(type, { index: blocks.length - 1, ...fields })
  const delta = (type: string, fields: object): Frame =>
    indexed('content_block_delta', { delta: { type, ...fields } })

  function message(): object {
    const { id, model } = reply
    const content = blocks.map(contentBlock)
    const head = { id, type: 'message', role: 'assistant', model, content }
    return { ...head, ...ending(reply, finish), usage: usageOf(start, finish), ...report() }
  }

  function report(): object {
    return finish === undefined ? {} : { islet: isletReport(session, start, finish, reply) }
  }

  function begin(block: Block): Frame[] {
    const stopped = close()
    blocks.push(block)
    open = block
    return [...stopped, indexed('content_block_start', { content_block: contentBlock(block) })]
  }

  function grow(type: Words['type'], text: string): Frame[] {
    const begun = open?.type === type ? [] : begin({ type, text: '' })
    blocks[blocks.length - 1].text += text
    const grown =
      type === 'text' ? delta('text_delta', { text }) : delta('thinking_delta', { thinking: text })
    return text === '' ? begun : [...begun, grown]
  }

  /** Who is called opens a block; the pieces behind go on with its input. */
  function growCall({ name, arguments: text }: CallPiece): Frame[] {
    const id = `toolu_${bareId(reply)}_${calls}`
    const begun = name === undefined ? [] : begin({ type: 'tool_use', id, name, text: '' })
    if (name !== undefined) calls++
    // A piece of no open call belongs to nothing that could be shown.
    if (open?.type !== 'tool_use' || text === '') return begun
    open.text += text
    return mayBeObject(open.text) ? [...begun, delta('input_json_delta', { partial_json: text })] : begun
  }

  function close(): Frame[] {
    if (open === undefined) return []
    const last: Frame[] = []
    // No thought here is signed; clients send back only what has a signature.
    if (open.type === 'thinking') last.push(delta('signature_delta', { signature: '' }))
    if (open.type === 'tool_use' && !mayBeObject(open.text))
      last.push(delta('input_json_delta', { partial_json: JSON.stringify(wrapped(open.text)) }))
    open = undefined
    return [...last, indexed('content_block_stop')]
  }

  function textFrames(event: TextEvent): Frame[] {
    const { continuing, opened } = callPieces(event)
    return [
      ...continuing.flatMap(growCall),
      ...(event.reasoning ? grow('thinking', event.reasoning) : []),
      ...(event.text === '' ? [] : grow('text', event.text)),
      ...opened.flatMap(growCall),
    ]
  }

  function end(event: FinishEvent): Frame[] {
    // An answer of nothing at all is still a text.
    const empty = blocks.length === 0 ? grow('text', '') : []
    const closed = close()
    finish = event
    const last = { delta: ending(reply, event), usage: usageOf(start, event), ...report() }
    return [...empty, ...closed, frame('message_delta', last), frame('message_stop')]
  }

  function write(event: AnswerEvent): Frame[] {
    switch (event.type) {
      case 'session':
        session = event
        reply = continued(asked, event)
        return []
      case 'start':
        start = event
        return [frame('message_start', { message: message() })]
      case 'text':
        return textFrames(event)
      case 'finish':
        return end(event)
      default:
        return []
    }
  }

  return { ping: frame('ping'), write, fail: (failure) => messageFailure(failure, bareId(asked)), message }
}

/** An answer that is not streamed. */
export function wholeMessage(reply: MessageReply, { session, start, texts, finish }: Collected): object {
  const writer = messageWriter(reply)
  const events = [...(session === undefined ? [] : [session]), start, ...joinTexts(texts), finish]
  for (const event of events) writer.write(event)
  return writer.message()
}

function contentBlock(block: Block): object {
  if (block.type === 'text') return { type: 'text', text: block.text, citations: null }
  if (block.type === 'thinking') return { type: 'thinking', thinking: block.text, signature: '' }
  const { type, id, name, text } = block as ToolUse
  return { type, id, name, input: inputOf(text), caller: { type: 'direct' } }
}

/** Whether a text, or what it is the beginning of, can be a JSON object. */
function mayBeObject(text: string): boolean {
  return /^\s*(\{|$)/.test(text)
}

/** What a call's arguments are as an input, which is always an object; of JSON digits and order are kept. */
function inputOf(text: string): object {
  if (text.trim() === '') return {}
  try {
    const input = readJson(text)
    if (isJsonObject(input)) return input
  } catch {
    // Cut short, or of a format whose calls are no JSON.
  }
  return wrapped(text)
}

function wrapped(text: string): object {
  return { input: text }
}

function ending(reply: MessageReply, finish: FinishEvent | undefined): object {
  const reason = finish === undefined ? null : stopReason(reply, finish)
  return { stop_reason: reason, stop_sequence: reason === 'stop_sequence' ? finish?.stopString : null }
}

function stopReason(
  { maxTokens }: MessageReply,
  { reason, usage, stopped, stopString }: FinishEvent,
): string {
  if (reason === 'tool_calls') return 'tool_use'
  if (reason === 'stop') return stopString === undefined ? 'end_turn' : 'stop_sequence'
  const hasRoom = usage.completionTokens < maxTokens && stopped === undefined
  return hasRoom ? 'model_context_window_exceeded' : 'max_tokens'
}

/** `input_tokens` are those that were computed: what was reused is counted beside them. */
function usageOf(start: StartEvent | undefined, finish: FinishEvent | undefined): object {
  const { promptTokens = 0, cachedTokens = 0 } = finish?.usage ?? start ?? {}
  return {
    input_tokens: promptTokens - cachedTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedTokens,
    output_tokens: finish?.usage.completionTokens ?? 0,
  }
}
