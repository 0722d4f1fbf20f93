// Timed events note on the last one how long an answer took, as whoever reads it sees the time pass.

import type { EventIterator } from './events.ts'

/** The same events; `now` gives milliseconds. */
export function timed(events: EventIterator, now: () => number): EventIterator {
  const begun = now()
  let started: number | undefined
  let said: number | undefined
  return {
    async next() {
      const result = await events.next()
      if (result.done === true) return result
      const event = result.value
      if (event.type === 'start') started ??= now()
      if (event.type === 'text') said ??= now()
      if (event.type !== 'finish') return result
      const end = now()
      const load = (started ?? end) - begun
      const prompt = (said ?? end) - begun - load
      return { done: false, value: { ...event, times: { all: end - begun, load, prompt } } }
    },
    async return() {
      await events.return?.()
      return { done: true, value: undefined }
    },
  }
}
