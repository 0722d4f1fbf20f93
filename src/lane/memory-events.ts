// Memory events tell how a session's pages move while an answer grows, for a reader that asked for them.

import type { Turn } from '../engine/turn.ts'
import { viewsOf } from '../graph/views.ts'
import type { GenerationEvent } from '../protocol/generation.ts'
import type { Loaded } from './isolate.ts'
import { memoryReport } from './session-memory.ts'

/**
 * The events; one of text or progress carries a report where pages came, went or were stored since the last one: in an answer
 * one each 16 tokens, and one for what a write brings to storage. An event of its own would cost as much as a token's way.
 */
export async function* withMemory<R>(
  events: AsyncGenerator<GenerationEvent, R>,
  turn: Turn,
  { engine, model }: Loaded,
): AsyncGenerator<GenerationEvent, R> {
  const views = viewsOf(model.spec, model.window)
  const { session, tenant, ids } = turn
  let told = ''
  try {
    for (;;) {
      const result = await events.next()
      if (result.done === true) return result.value
      const event = result.value
      const { sequence, cachedTokens: reused = 0 } = turn
      const now = `${sequence?.pages.length} ${sequence?.saved}`
      if (sequence !== undefined && now !== told && (event.type === 'text' || event.type === 'progress')) {
        told = now
        const { length, saved: stored } = sequence
        const paged = { session, tokens: ids.length, reused, stored, sequence, length }
        yield { ...event, memory: memoryReport(paged, tenant, views, engine) }
      } else yield event
    }
  } finally {
    await events.return(undefined as R)
  }
}
