// The report `islet` is our extension of OpenAI's objects: the session, what the window hid, what was reused.

import type { FinishEvent, SessionEvent, StartEvent } from '../../protocol/generation.ts'
import type { Reply } from './reply.ts'

/**
 * Where this can be read again, what the window hid, what was cut or reused, what of the request was `ignored` or
 * of its schema, and what was taken of the model's recommended sampling. A window of null is full attention.
 */
export function isletReport(
  session: SessionEvent | undefined,
  start: StartEvent | undefined,
  { usage, window, logitsHash, stopped, closedEarly, ignored: alsoIgnored = [] }: FinishEvent,
  { ignored = [], sampling }: Pick<Reply, 'ignored' | 'sampling'>,
): object {
  const inVain = [...ignored, ...alsoIgnored]
  return {
    ...(session !== undefined && { session: session.session }),
    window: window.window ?? null,
    sinks: window.sinks,
    out_of_sight: window.outOfSight,
    truncated_tokens: start?.truncatedTokens ?? 0,
    cached_tokens: usage.cachedTokens,
    ...(stopped !== undefined && { stopped }),
    ...(closedEarly === true && { closed_early: true }),
    ...(inVain.length > 0 && { ignored: inVain }),
    ...(sampling !== undefined && { sampling }),
    ...(logitsHash !== undefined && { logits_sha256: logitsHash }),
  }
}
