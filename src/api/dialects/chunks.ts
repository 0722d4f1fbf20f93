// The chunk writers turn events into OpenAI's objects: chunks and whole replies, for chat and for text.

import type { GenerationEvent, TokenLogprob, ToolCall } from '../../protocol/generation.ts'
import { chatLogprobs, textLogprobs } from './logprobs.ts'
import { continued, type Reply } from './reply.ts'
import { callDeltas, callObject } from './tools.ts'

export type SessionEvent = Extract<GenerationEvent, { type: 'session' }>
export type StartEvent = Extract<GenerationEvent, { type: 'start' }>
export type FinishEvent = Extract<GenerationEvent, { type: 'finish' }>

/** A whole generation. */
export type Collected = {
  session: SessionEvent | undefined
  start: StartEvent
  text: string
  /** What the model thought before, where its answers say so; '' without. */
  reasoning: string
  calls: ToolCall[]
  logprobs: TokenLogprob[] | undefined
  finish: FinishEvent
}

/** One endpoint's manner of speaking. */
export type Dialect = {
  /** Makes the function that turns each event into the chunks it stands for, often none; it keeps count between events. */
  chunker(reply: Reply): (event: GenerationEvent) => object[]
  whole(reply: Reply, collected: Collected): object
}

export const chatDialect: Dialect = {
  chunker(reply) {
    const { frame, shared, session, begin } = framer(reply, 'chat.completion.chunk')
    const choice = (delta: object, logprobs: object | null, finish_reason: string | null) => [
      { index: 0, delta, logprobs, finish_reason },
    ]
    let start: StartEvent | undefined
    let calls = 0
    return function chatChunks(event) {
      switch (event.type) {
        case 'session':
          begin(event)
          return []
        case 'start':
          start = event
          // The role comes alone and before prefill: readers need it first, proxies need a first byte.
          return [frame(choice({ role: 'assistant', content: '' }, null, null))]
        case 'text': {
          const deltas: object[] = []
          if (event.reasoning !== undefined) deltas.push({ reasoning_content: event.reasoning })
          if (event.text !== '') deltas.push({ content: event.text })
          for (const call of event.calls ?? []) deltas.push(...callDeltas(shared().id, calls++, call))
          if (deltas.length === 0 && event.logprobs !== undefined) deltas.push({ content: '' })
          return deltas.map((delta, index) =>
            frame(choice(delta, index === 0 ? chatLogprobs(event.logprobs) : null, null)),
          )
        }
        case 'finish': {
          const last = {
            ...frame(choice({}, null, event.reason)),
            islet: isletReport(session(), start, event),
          }
          return shared().includeUsage ? [last, frame([], event)] : [last]
        }
        default:
          return []
      }
    }
  },
  whole(asked, { session, start, text, reasoning, calls, logprobs, finish }) {
    const reply = continued(asked, session)
    const message = {
      role: 'assistant',
      content: text === '' && calls.length > 0 ? null : text,
      ...(reasoning !== '' && { reasoning_content: reasoning }),
      ...(calls.length > 0 && {
        tool_calls: calls.map((call, index) => callObject(reply.id, index, call)),
      }),
      refusal: null,
    }
    const choices = [{ index: 0, message, logprobs: chatLogprobs(logprobs), finish_reason: finish.reason }]
    return wholeReply(reply, 'chat.completion', choices, session, start, finish)
  },
}

export const textDialect: Dialect = {
  chunker(reply) {
    const { frame, shared, session, begin } = framer(reply, 'text_completion')
    const choice = (text: string, logprobs: object | null, finish_reason: string | null) => [
      { index: 0, text, logprobs, finish_reason },
    ]
    let start: StartEvent | undefined
    let offset = 0
    return function textChunks(event) {
      switch (event.type) {
        case 'session':
          begin(event)
          return []
        case 'start':
          start = event
          return []
        case 'text': {
          if (event.text === '' && event.logprobs === undefined) return []
          const chunk = frame(choice(event.text, textLogprobs(event.logprobs, offset), null))
          offset += event.text.length
          return [chunk]
        }
        case 'finish': {
          const last = {
            ...frame(choice('', null, event.reason)),
            islet: isletReport(session(), start, event),
          }
          return shared().includeUsage ? [last, frame([], event)] : [last]
        }
        default:
          return []
      }
    }
  },
  whole(asked, { session, start, text, logprobs, finish }) {
    const reply = continued(asked, session)
    const choices = [{ index: 0, text, logprobs: textLogprobs(logprobs, 0), finish_reason: finish.reason }]
    return wholeReply(reply, 'text_completion', choices, session, start, finish)
  },
}

/**
 * Chunks of one reply, and what they share: a session that began with an earlier request gives it. `usage` is null
 * until the last chunk when the client asked for it, absent when it did not.
 */
function framer(asked: Reply, object: string) {
  let reply = asked
  let session: SessionEvent | undefined
  return {
    frame(choices: object[], finish?: FinishEvent): object {
      const { id, created, model, includeUsage } = reply
      const chunk = { id, object, created, model, choices }
      return includeUsage ? { ...chunk, usage: finish === undefined ? null : usageOf(finish) } : chunk
    },
    begin(event: SessionEvent): void {
      session = event
      reply = continued(asked, event)
    },
    shared: () => reply,
    session: () => session,
  }
}

function wholeReply(
  reply: Reply,
  object: string,
  choices: object[],
  session: SessionEvent | undefined,
  start: StartEvent,
  finish: FinishEvent,
): object {
  const { id, created, model } = reply
  const islet = isletReport(session, start, finish)
  return { id, object, created, model, choices, usage: usageOf(finish), islet }
}

function usageOf({ usage }: FinishEvent): object {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

/** Our extension: where this can be read again, what the window hid and what was cut or reused. A window of null is full attention. */
export function isletReport(
  session: SessionEvent | undefined,
  start: StartEvent | undefined,
  { usage, window, logitsHash, stopped }: FinishEvent,
): object {
  return {
    ...(session !== undefined && { session: session.session }),
    window: window.window ?? null,
    sinks: window.sinks,
    out_of_sight: window.outOfSight,
    truncated_tokens: start?.truncatedTokens ?? 0,
    cached_tokens: usage.cachedTokens,
    ...(stopped !== undefined && { stopped }),
    ...(logitsHash !== undefined && { logits_sha256: logitsHash }),
  }
}
