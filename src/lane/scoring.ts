// Scoring gives a lane's requests for scores, vectors and tokens their places among its other requests.

import type { GenerationEvent } from '../protocol/generation.ts'
import type { EmbedRequest, ScoreRequest } from '../protocol/scores.ts'
import type { TokenRequest } from '../protocol/tokens.ts'
import { embed } from './embed-run.ts'
import type { Isolate } from './isolate.ts'
import { KeptScores } from './kept-scores.ts'
import type { Clock } from '../lib/clock.ts'
import type { Places } from './places.ts'
import type { ReaderDriver } from './reader-driver.ts'
import { score } from './score-run.ts'
import { tokens } from './token-run.ts'
import type { TurnHost } from './turn-host.ts'

export type ScoringParts = {
  isolate: Isolate
  clock: Clock
  places: Places
  /** Where turns run; begins the load, unless that is false. */
  host(load?: boolean): TurnHost
}

export class Scoring {
  readonly #parts: ScoringParts
  readonly #kept = new KeptScores()

  constructor(parts: ScoringParts) {
    this.#parts = parts
  }

  /** Events of a request: an `error` that is movable where its tenant holds as many places as it may. */
  events(request: ScoreRequest | EmbedRequest, driver: ReaderDriver): AsyncGenerator<GenerationEvent, void> {
    const { host } = this.#parts
    const { signal } = driver
    return this.#placed(request, driver, () =>
      'texts' in request
        ? embed(request, { host: host(), signal })
        : score(request, { host: host(), kept: this.#kept, signal }),
    )
  }

  /** The same of a token request. */
  tokens(request: TokenRequest, driver: ReaderDriver): AsyncGenerator<GenerationEvent, void> {
    return this.#placed(request, driver, () => tokens(request, this.#parts.host(false), driver.signal))
  }

  async *#placed(
    request: ScoreRequest | EmbedRequest | TokenRequest,
    driver: ReaderDriver,
    events: () => AsyncGenerator<GenerationEvent, void>,
  ): AsyncGenerator<GenerationEvent, void> {
    const { isolate, clock, places } = this.#parts
    const place = { tenant: request.tenant, driver }
    const { signal } = driver
    if (!(await places.take(place))) {
      yield { ...places.refusal(request.tenant), movable: true }
      return
    }
    isolate.first.begin(signal, request.tenant, clock.now())
    try {
      yield* events()
    } finally {
      places.leave(place)
      isolate.first.end(signal)
    }
  }
}
