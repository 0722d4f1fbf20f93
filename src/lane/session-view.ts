// A session view shows a session's owner how long it is, what is in sight, and where its pages lie.

import { outOfSight, type WindowOptions } from '../cache/window.ts'
import type { SessionView } from '../protocol/lane-reports.ts'
import type { TurnRecord } from '../storage/turn-record.ts'

/** Pages of a session, of `pageBytes` each; 0 bytes while no model is there. */
export type Held = { pageBytes: number; memory: number; storage: number }

/**
 * `options` is the window in force; it counts for a turn that has not ended, since one that has ended tells
 * its own.
 */
export function sessionView(record: TurnRecord, options: WindowOptions, held: Held): SessionView {
  const { session, state, createdAt, usedAt, expiresAt, prompt, generated, request, end } = record
  const tokens = prompt.kind === 'none' ? 0 : prompt.ids.length + generated.length
  const { window, sinks } = options
  const pagesOf = (pages: number): { pages: number; bytes: number } => ({
    pages,
    bytes: pages * held.pageBytes,
  })
  return {
    id: session,
    model: request.model,
    state,
    createdAt,
    usedAt,
    expiresAt,
    tokens,
    completionTokens: generated.length,
    window:
      end?.type === 'finish'
        ? end.window
        : { window, sinks, outOfSight: outOfSight(Math.max(0, tokens - 2), options) },
    memory: pagesOf(held.memory),
    storage: pagesOf(held.storage),
  }
}
