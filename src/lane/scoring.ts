// Scoring gives a lane's score and embed requests their places among its other requests.

import type { GenerationEvent } from '../protocol/generation.ts'
import type { EmbedRequest, ScoreRequest } from '../protocol/scores.ts'
import { embed } from './embed-run.ts'
import type { Isolate } from './isolate.ts'
import { KeptScores } from './kept-scores.ts'
import type { Clock } from './pacer.ts'
import type { Places } from './places.ts'
import type { ReaderDriver } from './reader-driver.ts'
import { score } from './score-run.ts'
import type { TurnHost } from './turn-host.ts'

export type ScoringParts = {
  isolate: Isolate
  clock: Clock
  places: Places
  /** Where turns run; begins the load. */
  host(): TurnHost
}

export class Scoring {
  readonly #parts: ScoringParts
  readonly #kept = new KeptScores()

  constructor(parts: ScoringParts) {
    this.#parts = parts
  }

  /** Events of a request: an `error` that is movable where its tenant holds as many places as it may. */
  async *events(
    request: ScoreRequest | EmbedRequest,
    driver: ReaderDriver,
  ): AsyncGenerator<GenerationEvent, void> {
    const { isolate, clock, places, host } = this.#parts
    const place = { tenant: request.tenant, driver }
    const { signal } = driver
    if (!(await places.take(place))) {
      yield { ...places.refusal(request.tenant), movable: true }
      return
    }
    isolate.first.begin(signal, request.tenant, clock.now())
    try {
      if ('texts' in request) yield* embed(request, { host: host(), signal })
      else yield* score(request, { host: host(), kept: this.#kept, signal })
    } finally {
      places.leave(place)
      isolate.first.end(signal)
    }
  }
}
