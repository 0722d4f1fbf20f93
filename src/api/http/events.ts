// The events of one answer come from a lane through an iterator, which is waited for and closed here.

import type { GenerationEvent, SessionEvent } from '../../protocol/generation.ts'

/** All that an answer is made of; an error ends it in other words. */
export type AnswerEvent = Exclude<GenerationEvent, { type: 'error' }>

export type EventIterator = AsyncIterator<GenerationEvent>
export type EventResult = IteratorResult<GenerationEvent, unknown>

/** Stands for an event that did not come in time. */
export const LATE = Symbol('late')

/** Ends a generation, finished or not. What an abandoned one throws on the way out concerns nobody. */
export async function closeEvents(events: EventIterator): Promise<void> {
  try {
    await events.return?.()
  } catch {
    // The reader has gone, or already has its answer.
  }
}

/** The promise's value, or LATE after `ms` milliseconds; the promise goes on and may be asked again. */
export function settledWithin<T>(promise: Promise<T>, ms: number): Promise<T | typeof LATE> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(LATE), ms)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** The session that a result of the iterator names, if it does. */
export function sessionIn(result: EventResult | typeof LATE): SessionEvent | undefined {
  return result !== LATE && !result.done && result.value.type === 'session' ? result.value : undefined
}
