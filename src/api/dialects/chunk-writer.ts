// The chunk writer words what chat and text completions have in common: chunks, usage, the end.
// What a choice looks like is the dialect's.

import type { FinishEvent, SessionEvent, StartEvent, TextEvent } from '../../protocol/generation.ts'
import type { Collected, CollectedChoice } from '../http/collect.ts'
import type { Failure } from '../http/errors.ts'
import type { Frame, Writer } from '../http/sse.ts'
import { isletReport } from './islet-report.ts'
import { continued, type Reply } from './reply.ts'

export type ChunkReply<Kind extends string = string> = Reply & {
  kind: Kind
  /** A stream ends with a chunk of usage. */
  includeUsage: boolean
}

/** One answer's choices of chunks, which keep count between events. Each choice is a chunk of its own. */
export type ChunkChoices = {
  /** Before the first token. */
  start(): object[]
  /** `id` is the answer's. */
  text(event: TextEvent, id: string): object[]
  finish(reason: FinishEvent['reason']): object
}

export type ChunkWords = {
  /** What every chunk says it is. */
  object: string
  /** Of the answer with this index. */
  choices(index: number): ChunkChoices
  fail(failure: Failure): Frame[]
}

/** Only what is complete ends with it. */
const DONE: Frame = { data: '[DONE]' }

/** The writer of a stream of chunks. A session that began with an earlier request gives its id and time. */
export function chunkWriter(asked: ChunkReply, { object, choices, fail }: ChunkWords): Writer {
  let reply = asked
  let session: SessionEvent | undefined
  let start: StartEvent | undefined
  const answers: ChunkChoices[] = []
  const answerOf = ({ choice = 0 }: { choice?: number }): ChunkChoices =>
    (answers[choice] ??= choices(choice))

  /** `usage` is null until the last chunk when the client asked for it, absent when it did not. */
  function chunk(choices: object[], finish?: FinishEvent): object {
    const { id, created, model, includeUsage } = reply
    const chunk = { id, object, created, model, choices }
    return includeUsage ? { ...chunk, usage: finish === undefined ? null : usageOf(finish) } : chunk
  }

  const frame = (choice: object): Frame => ({ data: chunk([choice]) })

  return {
    ping: 'comment',
    write(event) {
      switch (event.type) {
        case 'session':
          session = event
          reply = continued(asked, event)
          return []
        case 'start':
          start = added(start, event)
          return answerOf(event).start().map(frame)
        case 'text':
          return answerOf(event).text(event, reply.id).map(frame)
        case 'end':
          return [frame(answerOf(event).finish(event.reason))]
        case 'finish': {
          const last = {
            ...chunk([answerOf(event).finish(event.reason)]),
            islet: isletReport(session, start, event, reply),
          }
          return [{ data: last }, ...(reply.includeUsage ? [{ data: chunk([], event) }] : []), DONE]
        }
        default:
          return []
      }
    },
    fail,
  }
}

/** What several answers say at their starts. */
function added(before: StartEvent | undefined, event: StartEvent): StartEvent {
  const { truncatedTokens = 0 } = before ?? {}
  return { ...event, truncatedTokens: truncatedTokens + event.truncatedTokens }
}

/** An answer that is not streamed; `choiceOf` is given the id. */
export function wholeCompletion(
  asked: ChunkReply,
  object: string,
  { session, choices: answers, finish }: Collected,
  choiceOf: (answer: CollectedChoice, index: number, id: string) => object,
): object {
  const reply = continued(asked, session)
  const { id, created, model } = reply
  const start = answers.map((answer) => answer.start).reduce(added)
  const islet = isletReport(session, start, finish, reply)
  const choices = answers.map((answer, index) => choiceOf(answer, index, id))
  return { id, object, created, model, choices, usage: usageOf(finish), islet }
}

/** The tokens of all answers, in OpenAI's words. */
export function usageOf({ usage }: FinishEvent): object {
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
