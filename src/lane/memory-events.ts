// Memory events tell how a session's pages move while an answer grows, for a reader that asked for them.

import type { Turn } from '../engine/turn.ts'
import { viewsOf } from '../graph/views.ts'
import type { GenerationEvent } from '../protocol/generation.ts'
import type { Loaded } from './isolate.ts'
import { memoryReport } from './session-memory.ts'

/**
 * The events, and behind each where pages came, went or were stored since the last one a report: in an answer one each
 * 16 tokens, and one for what a write brings to storage.
 */
export async function* withMemory<R>(
  events: AsyncGenerator<GenerationEvent, R>,
  turn: Turn,
  { engine, model }: Loaded,
): AsyncGenerator<GenerationEvent, R> {
  const views = viewsOf(model.spec, model.window)
  let pages = -1
  let saved = -1
  try {
    for (;;) {
      const { sequence } = turn
      if (sequence !== undefined && (sequence.pages.length !== pages || sequence.saved !== saved)) {
        ;({ length: pages } = sequence.pages)
        ;({ saved } = sequence)
        const paged = {
          isOwn: (other: typeof sequence) =>
            other === sequence || (turn.session !== undefined && other.session === turn.session),
          tokens: turn.ids.length,
          reused: turn.cachedTokens ?? 0,
          stored: saved,
          sequence,
          length: sequence.length,
        }
        yield { type: 'memory', report: memoryReport(paged, turn.tenant, views, engine) }
      }
      const result = await events.next()
      if (result.done === true) return result.value
      yield result.value
    }
  } finally {
    await events.return(undefined as R)
  }
}
