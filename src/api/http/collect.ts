// The collector gathers the events of an answer that is not streamed.

import {
  joinCalls,
  type CallPiece,
  type FinishEvent,
  type SessionEvent,
  type StartEvent,
  type TextEvent,
  type TokenLogprob,
  type ToolCall,
} from '../../protocol/generation.ts'
import { IsletError } from '../../lib/errors.ts'
import { eventError } from './errors.ts'
import { closeEvents, type EventIterator, type EventResult } from './events.ts'

/** A whole answer. */
export type Collected = {
  session: SessionEvent | undefined
  start: StartEvent
  text: string
  /** What the model thought before, where its answers say so; '' without. */
  reasoning: string
  calls: ToolCall[]
  logprobs: TokenLogprob[] | undefined
  /** The text events as they came, for what depends on how they were cut. */
  texts: readonly TextEvent[]
  finish: FinishEvent
}

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
  const texts: TextEvent[] = []
  const thoughts: string[] = []
  const pieces: CallPiece[] = []
  let logprobs: TokenLogprob[] | undefined
  let session: SessionEvent | undefined
  let start: StartEvent | undefined
  try {
    for (;;) {
      const result: EventResult | undefined = await Promise.race([events.next(), aborted.promise])
      if (result === undefined) return undefined
      if (result.done) throw new IsletError('engine_failure', 'The generation ended without a finish')
      const event = result.value
      if (event.type === 'error') throw eventError(event)
      if (event.type === 'session') session = event
      if (event.type === 'start') start = event
      if (event.type === 'text') {
        if (texts.length % EVENTS_A_TURN === 0) await hostsTurn()
        texts.push(event)
        if (event.reasoning !== undefined) thoughts.push(event.reasoning)
        pieces.push(...(event.calls ?? []))
        if (event.logprobs !== undefined) {
          logprobs ??= []
          for (const logprob of event.logprobs) logprobs.push(logprob)
        }
      }
      if (event.type === 'finish') {
        if (start === undefined)
          throw new IsletError('engine_failure', 'The generation finished before it started')
        const text = texts.map((piece) => piece.text).join('')
        const reasoning = thoughts.join('')
        return { session, start, text, reasoning, calls: joinCalls(pieces), logprobs, texts, finish: event }
      }
    }
  } finally {
    aborted.forget()
    const closing = closeEvents(events)
    // An iterator that is stuck in next() may answer return() late: a client that left must not hold us here.
    if (!signal.aborted) await closing
  }
}

function hostsTurn(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 0))
}

/** Resolves with undefined when the signal aborts; `forget` it afterwards. */
export function whenAborted(signal: AbortSignal): { promise: Promise<undefined>; forget: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const onAbort = (): void => resolve(undefined)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort)
  return { promise, forget: () => signal.removeEventListener('abort', onAbort) }
}
