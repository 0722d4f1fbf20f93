// A guard turns a thrown error into the stream's last event, and logs it where the fault is ours.

import type { GenerationEvent } from '../protocol/generation.ts'
import { isUserCode } from '../lib/errors.ts'
import { errorEvent } from '../protocol/wire.ts'

/**
 * Events of `events`; what it throws becomes the last event, and a failure of ours a line in the log, too.
 * Never throws.
 */
export async function* guarded(
  events: AsyncGenerator<GenerationEvent>,
  requestId: string,
  log: (entry: Record<string, unknown>) => void,
): AsyncGenerator<GenerationEvent, void> {
  try {
    yield* events
  } catch (error) {
    const event = errorEvent(error)
    if (!isUserCode(event.code)) {
      const { message, stack, facts } = (error ?? {}) as Record<string, unknown>
      log({ requestId, code: event.code, message: message ?? String(error), facts, stack })
    }
    yield event
  }
}
