// This file reads what a lane answers to a score or embed request, up to its last event.

import { IsletError } from '../lib/errors.ts'
import type { GenerationEvent, ScoresEvent } from '../protocol/generation.ts'
import { whenAborted } from './http/collect.ts'
import { eventError } from './http/errors.ts'
import { closeEvents, type EventIterator, type EventResult } from './http/events.ts'

/**
 * Reads events up to `scores`; undefined when `signal` aborts first. `places`: what a lane's errors name, by the body's own
 * fields; `hear` is given every other event.
 * @throws IsletError of an `error` event, and `engine_failure` when the events end without scores.
 */
export async function lastScores(
  events: EventIterator,
  signal: AbortSignal,
  places: Readonly<Record<string, string>>,
  hear: (event: GenerationEvent) => void = () => undefined,
): Promise<ScoresEvent | undefined> {
  const aborted = whenAborted(signal)
  try {
    for (;;) {
      const result: EventResult | undefined = await Promise.race([events.next(), aborted.promise])
      if (result === undefined) return undefined
      if (result.done) throw new IsletError('engine_failure', 'The scoring ended without scores')
      const event = result.value
      if (event.type === 'error') {
        const { param = '' } = event
        throw eventError({ ...event, ...(Object.hasOwn(places, param) && { param: places[param] }) })
      }
      if (event.type === 'scores') return event
      hear(event)
    }
  } finally {
    aborted.forget()
    const closing = closeEvents(events)
    if (!signal.aborted) await closing
  }
}
