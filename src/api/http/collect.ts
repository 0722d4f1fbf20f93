// The collector gathers the events of an answer that is not streamed.

import {
  joinCalls,
  type CallPiece,
  type EndEvent,
  type FinishEvent,
  type FinishReason,
  type SessionEvent,
  type StartEvent,
  type TextEvent,
  type TokenLogprob,
  type ToolCall,
} from '../../protocol/generation.ts'
import { IsletError } from '../../lib/errors.ts'
import { eventError } from './errors.ts'
import { closeEvents, type AnswerEvent, type EventIterator, type EventResult } from './events.ts'

/** One answer of a request. */
export type CollectedChoice = {
  start: StartEvent
  text: string
  /** What the model thought before, where its answers say so; '' without. */
  reasoning: string
  calls: ToolCall[]
  logprobs: TokenLogprob[] | undefined
  /** The text events as they came, for what depends on how they were cut. */
  texts: readonly TextEvent[]
  reason: FinishReason
}

/** All that was answered; what stands beside `choices` is the first of them. */
export type Collected = CollectedChoice & {
  session: SessionEvent | undefined
  choices: readonly CollectedChoice[]
  finish: FinishEvent
}

/** An answer as its events come. */
type Gathered = { start?: StartEvent; texts: TextEvent[]; reason?: FinishReason }

/**
 * Where the lane is in this process, reading alone never lets the host do anything else: timers, other
 * requests.
 */
const EVENTS_A_TURN = 8

/**
 * Reads events up to `finish`; undefined when `signal` aborts first.
 * @throws IsletError of an `error` event, and `engine_failure` when the events end without a finish.
 */
export async function collect(events: EventIterator, signal: AbortSignal): Promise<Collected | undefined> {
  const aborted = whenAborted(signal)
  const gather = gatherer()
  let texts = 0
  try {
    for (;;) {
      const result: EventResult | undefined = await aborted.or(events.next())
      if (result === undefined) return undefined
      if (result.done) throw new IsletError('engine_failure', 'The generation ended without a finish')
      const event = result.value
      if (event.type === 'error') throw eventError(event)
      if (event.type === 'text' && texts++ % EVENTS_A_TURN === 0) await hostsTurn()
      const collected = gather(event)
      if (collected !== undefined) return collected
    }
  } finally {
    aborted.forget()
    const closing = closeEvents(events)
    // An iterator that is stuck in next() may answer return() late: a client that left must not hold us here.
    if (!signal.aborted) await closing
  }
}

/** Takes events one after the other, and gives all that was answered with the last. */
export function gatherer(): (event: AnswerEvent) => Collected | undefined {
  const answers: Gathered[] = []
  let session: SessionEvent | undefined
  return (event) => {
    if (event.type === 'session') session = event
    if (!isOfAnswer(event)) return undefined
    const answer = (answers[event.choice ?? 0] ??= { texts: [] })
    if (event.type === 'start') answer.start = event
    else if (event.type === 'text') answer.texts.push(event)
    else answer.reason = event.reason
    if (event.type !== 'finish') return undefined
    const choices = answers.map(collected)
    return { ...choices[0], session, choices, finish: event }
  }
}

function isOfAnswer(event: AnswerEvent): event is StartEvent | TextEvent | EndEvent | FinishEvent {
  return ['start', 'text', 'end', 'finish'].includes(event.type)
}

function collected({ start, texts, reason }: Gathered): CollectedChoice {
  if (start === undefined || reason === undefined)
    throw new IsletError('engine_failure', 'The generation finished before it started')
  const pieces: CallPiece[] = []
  let logprobs: TokenLogprob[] | undefined
  for (const event of texts) {
    pieces.push(...(event.calls ?? []))
    if (event.logprobs === undefined) continue
    logprobs ??= []
    for (const logprob of event.logprobs) logprobs.push(logprob)
  }
  const text = texts.map((piece) => piece.text).join('')
  const reasoning = texts.map((piece) => piece.reasoning ?? '').join('')
  return { start, text, reasoning, calls: joinCalls(pieces), logprobs, texts, reason }
}

function hostsTurn(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 0))
}

/**
 * `or` waits for a promise, one at a time, or gives undefined when the signal aborts; `forget` it afterwards. A race
 * with one promise for all would keep everything that was ever waited for.
 */
export function whenAborted(signal: AbortSignal): {
  or<T>(promise: Promise<T>): Promise<T | undefined>
  forget(): void
} {
  let give = (): void => undefined
  const onAbort = (): void => give()
  signal.addEventListener('abort', onAbort)
  return {
    or: (promise) =>
      new Promise((resolve, reject) => {
        give = () => resolve(undefined)
        promise.then(resolve, reject)
        if (signal.aborted) give()
      }),
    forget: () => signal.removeEventListener('abort', onAbort),
  }
}
