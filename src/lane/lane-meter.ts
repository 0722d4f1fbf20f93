// The lane meter counts the generations of a lane, and reports them with what its engine and storage hold.

import type { LaneMetrics } from '../protocol/lane-reports.ts'
import { count, noGenerations, type Tally } from '../protocol/tally.ts'
import type { Isolate } from './isolate.ts'
import type { Sessions } from './sessions.ts'

export class LaneMeter {
  readonly #isolate: Pick<Isolate, 'inPlace'>
  readonly #sessions: Pick<Sessions, 'pages' | 'use'>
  readonly #counts = noGenerations()

  constructor(isolate: Pick<Isolate, 'inPlace'>, sessions: Pick<Sessions, 'pages' | 'use'>) {
    this.#isolate = isolate
    this.#sessions = sessions
  }

  /** A reading of a generation has ended. */
  add(tally: Tally): void {
    count(this.#counts, tally)
  }

  /** What the lane has done; unlike health it begins no load. */
  metrics(): LaneMetrics {
    const { pages, use } = this.#sessions
    const loaded = this.#isolate.inPlace
    const idle = { running: 0, waiting: 0 }
    if (loaded === undefined) return { ...this.#counts, ...idle, storage: use }
    const { pagesFree, pageCount } = loaded.engine.load
    const engine = { pagesFree, pageCount, linearMemoryBytes: loaded.model.linearMemoryBytes }
    return { ...this.#counts, ...loaded.engine.loadOf(pages), engine, storage: use }
  }
}
