// A turn host gives a turn its engine: it begins the load, tells its progress, and replaces a failed one.

import type { ModelText } from '../answer/model-text.ts'
import type { PromptLimits } from '../answer/prepare-prompt.ts'
import type { Vault } from '../engine/vault.ts'
import type { GenerationEvent } from '../protocol/generation.ts'
import type { Turn } from '../engine/turn.ts'
import type { TurnRecord } from '../storage/turn-record.ts'
import type { Arrival } from './arrival.ts'
import type { HandOuts } from './hand-outs.ts'
import type { Isolate, Loaded, Loader } from './isolate.ts'
import type { Clock } from '../lib/clock.ts'
import type { WhatRuns } from './what-runs.ts'

/** Progress is told this often at most: it keeps a connection alive, and each event is garbage later. */
export const PROGRESS_MS = 500

/** How often a reader looks while weights stream in. */
const LOADING_MS = 5

/** A prompt that waits for weights, and how many of its positions were there before any was run ahead, if some were. */
export type Waiting = { ahead(): WhatRuns; cached?: number }

/** What a lane with storage keeps of its turns. */
export type TurnLedger = {
  /** The model that answers is there. Throws conflict where it is not the record's. */
  settle(record: TurnRecord, text: ModelText): void
  /** For the pages of stored turns. */
  readonly vault: Vault
  readonly handOuts: HandOuts
}

export type TurnHostParts = {
  isolate: Isolate
  loader: Loader
  limits(text: ModelText): PromptLimits
  /** Without it nothing of a turn is stored. */
  ledger?: TurnLedger
}

export class TurnHost {
  readonly clock: Clock
  readonly vault: Vault | undefined
  /** Of the lane's answers. */
  readonly handOuts: HandOuts | undefined
  readonly #parts: TurnHostParts
  #load: Promise<void> | undefined

  /** `load`: begin to load the weights if they are not there. */
  constructor(parts: TurnHostParts, load = true) {
    this.#parts = parts
    this.clock = parts.loader.clock
    this.vault = parts.ledger?.vault
    this.handOuts = parts.ledger?.handOuts
    if (load) this.rebuild()
  }

  /** Manifest and tokenizer come first, so that a bad request fails before the weights are there. */
  text(): Promise<ModelText> {
    const { isolate, loader } = this.#parts
    return isolate.readText(loader)
  }

  limits(text: ModelText): PromptLimits {
    return this.#parts.limits(text)
  }

  /** Throws conflict where the model in place is not the record's. */
  settle(record: TurnRecord, text: ModelText): void {
    this.#parts.ledger?.settle(record, text)
  }

  /** Sees to it that an engine is there or on its way: at first, and when one failed under a turn. */
  rebuild(): void {
    const { isolate, loader } = this.#parts
    const load = isolate.begin(loader).then(() => {
      if (this.#load === load) this.#load = undefined
    })
    this.#load = load
  }

  /**
   * Progress of the load, then the engine; undefined after an abort. Meanwhile the prompt goes ahead where it can. Throws why
   * the load failed.
   */
  async *untilLoaded(
    signal: AbortSignal,
    waiting?: Waiting,
  ): AsyncGenerator<GenerationEvent, Loaded | undefined> {
    const { isolate } = this.#parts
    let shownAt = -Infinity
    let ahead: { arrival: Arrival; turn: Turn } | undefined
    try {
      while (!signal.aborted) {
        const { loaded, arrival } = isolate
        if (loaded !== undefined) {
          if (waiting !== undefined && ahead !== undefined && ahead.turn.ran > 0)
            waiting.cached = ahead.turn.cachedTokens
          return loaded
        }
        if (waiting !== undefined && arrival !== undefined && ahead?.arrival !== arrival) {
          const turn = arrival.take(waiting.ahead())
          ahead = turn && { arrival, turn }
        }
        if (this.clock.now() - shownAt >= PROGRESS_MS) {
          shownAt = this.clock.now()
          yield { type: 'progress', state: 'loading', done: isolate.done, total: isolate.total }
        }
        // Another lane's load can only be looked at now and then.
        const pause = this.clock.wait(LOADING_MS)
        await (this.#load === undefined ? pause : Promise.race([this.#load, pause]))
      }
    } finally {
      ahead?.arrival.engine.close(ahead.turn)
    }
    return undefined
  }
}
