// Patience is how many engines a turn may see fail before it is given up.

import { errorCode, IsletError } from '../lib/errors.ts'

/** Where the turn may be what makes them fail. */
const MOST_ENGINES = 2

/** Where another isolate was lost, of which a turn is hardly the cause: each costs the stages that are there nothing but their pages. */
const MOST_LOSSES = 32

export class Patience {
  #engines = 0
  #losses = 0

  /** An engine has failed under the turn: whether that was the last one. */
  isOver(failure: unknown): boolean {
    if (errorCode(failure) === 'lane_lost') return ++this.#losses >= MOST_LOSSES
    return ++this.#engines >= MOST_ENGINES
  }
}

/** What a reader is told of an engine that failed. */
export function engineFailure(cause: unknown): IsletError {
  if (cause instanceof IsletError) return cause
  const facts = { cause: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause) }
  return new IsletError(
    'engine_failure',
    'the engine failed during this request; it is rebuilt for the next',
    { cause, facts },
  )
}
