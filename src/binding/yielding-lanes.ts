// Yielding lanes let the host do something else now and then while a caller in the same process reads them.

import type { GenerationEvent } from '../protocol/generation.ts'
import type { Lanes } from '../protocol/lanes.ts'

/** Reading alone never does: without it no timer of the caller goes off before the end of an answer, nor its abort. */
const EVENTS_A_TURN = 64

/** The same lanes. */
export function yieldingLanes(lanes: Lanes): Lanes {
  return {
    ...lanes,
    generate: (request) => ({
      [Symbol.asyncIterator]: () => yieldingEvents(lanes.generate(request)[Symbol.asyncIterator]()),
    }),
  }
}

/** By hand, since `return` must act while a `next` is waiting. */
function yieldingEvents(events: AsyncIterator<GenerationEvent>): AsyncIterator<GenerationEvent> {
  let count = 0
  return {
    async next() {
      if (++count % EVENTS_A_TURN === 0) await new Promise<void>((resolve) => void setTimeout(resolve, 0))
      return events.next()
    },
    async return() {
      return (await events.return?.()) ?? { done: true, value: undefined }
    },
  }
}
