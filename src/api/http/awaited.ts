// An awaited event is the one of a lane's stream that answers a request whole, such as its scores.

import { IsletError } from '../../lib/errors.ts'
import type { GenerationEvent } from '../../protocol/generation.ts'
import { whenAborted } from './collect.ts'
import { eventError } from './errors.ts'
import { closeEvents, type AnswerEvent, type EventIterator, type EventResult } from './events.ts'

/**
 * Reads events until `take` gives something for one; undefined when `signal` aborts first. `places` says how the body calls
 * what a lane's errors name.
 * @throws IsletError of an `error` event, and `engine_failure` when the events end without it.
 */
export async function awaited<T extends object>(
  events: EventIterator,
  signal: AbortSignal,
  take: (event: AnswerEvent) => T | undefined,
  places: Readonly<Record<string, string>> = {},
): Promise<T | undefined> {
  const aborted = whenAborted(signal)
  try {
    for (;;) {
      const result: EventResult | undefined = await aborted.or(events.next())
      if (result === undefined) return undefined
      if (result.done) throw new IsletError('engine_failure', 'The answer ended before it was whole')
      if (result.value.type === 'error') throw eventError(withPlace(result.value, places))
      const taken = take(result.value)
      if (taken !== undefined) return taken
    }
  } finally {
    aborted.forget()
    const closing = closeEvents(events)
    if (!signal.aborted) await closing
  }
}

function withPlace(
  event: GenerationEvent & { type: 'error' },
  places: Readonly<Record<string, string>>,
): GenerationEvent & { type: 'error' } {
  const { param = '' } = event
  return { ...event, ...(Object.hasOwn(places, param) && { param: places[param] }) }
}
