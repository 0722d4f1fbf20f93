// An isolate holds one engine and its loading, which all lanes in it share.
// They share plain state and never a promise, since a promise of another object's context may never settle.

import { Engine } from '../engine/engine.ts'
import type { Vault } from '../engine/vault.ts'
import type { Model } from '../graph/model.ts'
import type { Seed } from '../graph/prefix-pages.ts'
import type { Clock } from '../lib/clock.ts'
import { IsletError } from '../lib/errors.ts'
import { createScratch, type Scratch } from '../sampling/candidates.ts'
import type { ModelText } from '../answer/model-text.ts'
import type { StageHealth } from '../protocol/lane-reports.ts'
import { Arrival, type Layered } from './arrival.ts'
import { FirstTokens } from './first-tokens.ts'
import { Pacer } from './pacer.ts'

export type LoadedModel = Model & {
  readonly linearMemoryBytes: number
  readonly dotsByPairs?: boolean
  /** Of a chain: its stages in other isolates. */
  readonly stages?: readonly StageHealth[]
  /** Lets the host take the memory back; the model is not used again. */
  release(): void
}

/** How the lane that comes first reads the model. */
export type Loader = {
  clock: Clock
  readText(): Promise<ModelText>
  /** `onArrival` gets a model that runs layers before all are there, and gives who is told how many are. */
  readModel(
    text: ModelText,
    onProgress: (done: number, total: number) => void,
    onArrival: (model: LoadedModel & Layered) => (layers: number) => void,
  ): Promise<LoadedModel>
  /**
   * Pages of the prefix that were packed with the model; undefined where there are none or they cannot be
   * used. Never rejects.
   */
  readPrefix(text: ModelText, model: LoadedModel): Promise<Seed | undefined>
  queueLimit?: number
}

export type Loaded = {
  engine: Engine<Model>
  model: LoadedModel
  pacer: Pacer
  first: FirstTokens
  scratch: Scratch
}

/**
 * A load that has shown no progress for this long belonged to an object that is gone: the next caller starts
 * anew.
 */
const ABANDONED_MS = 15_000

/**
 * Rows of a step in which somebody waits for the token of an answer, by how the host does a four-byte dot: some 35 to 50 ms.
 * Multiples of the four rows for which weights are read once; fewer would make a prompt wait longer.
 */
const ROWS_BESIDE_ANSWERS = { quads: 20, pairs: 16 }

/** How often a lane that waits for another lane's load checks whether that lane lives. */
const WATCH_MS = 100

export class Isolate {
  readonly #abandonedMs: number
  readonly first = new FirstTokens()
  text: ModelText | undefined
  done = 0
  total = 0
  #loaded: Loaded | undefined
  #arrival: Arrival | undefined
  #failure: unknown
  #loading = false
  #ticket = 0
  #beatAt = 0

  /** `abandonedMs`: tests of lost objects, in workerd too, cannot wait for the default. */
  constructor(abandonedMs = ABANDONED_MS) {
    this.#abandonedMs = abandonedMs
  }

  get state(): 'ready' | 'loading' | 'cold' | 'failed' {
    if (this.#loading) return 'loading'
    if (this.#failure !== undefined || this.#loaded?.engine.failure !== undefined) return 'failed'
    return this.#loaded === undefined ? 'cold' : 'ready'
  }

  /** The engine that is in place, sound or not. */
  get inPlace(): Loaded | undefined {
    return this.#loaded
  }

  /** Weights that come, where prompts may go ahead. */
  get arrival(): Arrival | undefined {
    return this.#arrival
  }

  /** The engine in place if it is sound, or that of weights that come. */
  get engine(): Engine<Model> | undefined {
    return this.state === 'ready' ? this.#loaded?.engine : this.#arrival?.engine
  }

  /** What made the last load or the engine fail. */
  get failure(): unknown {
    return this.#failure ?? this.#loaded?.engine.failure
  }

  /** The engine once it is ready; undefined while it loads. Throws why the load failed. */
  get loaded(): Loaded | undefined {
    if (this.#failure !== undefined) throw this.#failure
    return this.#loading ? undefined : this.#loaded
  }

  /** Manifest and tokenizer; two lanes may both read them, which is cheap. */
  async readText(loader: Loader): Promise<ModelText> {
    const text = this.text ?? (await loader.readText())
    this.text ??= text
    return this.text
  }

  /**
   * Sees to it that the engine is there or on its way: loads it when cold, again after a failure, and when
   * the lane that was loading is gone. Resolves when the load ended, well or not; it never rejects, and
   * nobody need wait. While another lane loads it watches from this lane's own context, and takes over should
   * that lane die.
   */
  async begin(loader: Loader): Promise<void> {
    const { clock } = loader
    let watched = false
    while (this.#loading && clock.now() - this.#beatAt < this.#abandonedMs) {
      watched = true
      await clock.wait(WATCH_MS)
    }
    // Whoever waited for another lane's load shares its outcome, also where it failed.
    if (watched && !this.#loading) return
    if (!this.#loading && this.#failure === undefined && this.#loaded?.engine.failure === undefined) {
      if (this.#loaded !== undefined) return
    }
    // A broken engine's memory must be free before the next is made.
    this.drop()
    const ticket = this.#ticket
    this.#loading = true
    const beat = (): void => {
      if (ticket !== this.#ticket) throw new IsletError('model_loading', 'another load took over')
      this.#beatAt = clock.now()
    }
    beat()
    try {
      const text = await this.readText(loader)
      const begun: { arrival?: Arrival; prefix?: Promise<void> } = {}
      const begin = (model: LoadedModel): Arrival => {
        const arrival = new Arrival(this.#engineOf(model, loader), () => clock.now())
        begun.prefix = loader.readPrefix(text, model).then((seed) => arrival.open(seed))
        return (begun.arrival = arrival)
      }
      const progress = (done: number, total: number): void => {
        beat()
        this.done = done
        this.total = total
      }
      const model = await loader.readModel(text, progress, (arriving) => {
        beat()
        const arrival = (this.#arrival = begin(arriving))
        return (layers) => arrival.reach(layers, this.done / this.total, arriving)
      })
      const { engine } = begun.arrival ?? begin(model)
      await begun.prefix
      beat()
      begun.arrival?.land()
      const { first } = this
      const scratch = createScratch(model.spec.vocab)
      this.#loaded = { engine, model, pacer: new Pacer(clock, first), first, scratch }
      this.#arrival = undefined
      this.#loading = false
    } catch (error) {
      if (ticket !== this.#ticket) return
      this.#arrival = undefined
      this.#failure = error
      this.#loading = false
    }
  }

  /**
   * A lane's object is there anew, with that storage. What the one before it was to hear of a chain's other isolates nobody hears, so
   * that its engine is of no use.
   */
  inherit(heir: Vault, isChain = false): void {
    if (isChain) this.drop()
    const { engine } = this.#loaded ?? this.#arrival ?? {}
    engine?.inherit(heir)
  }

  /** Forgets the engine, also one that is loading; its turns, if any, must have ended. */
  drop(): void {
    this.#ticket += 1
    this.#loaded?.model.release()
    this.#loaded = undefined
    this.#arrival = undefined
    this.#failure = undefined
    this.#loading = false
    this.done = 0
  }

  #engineOf(model: LoadedModel, { queueLimit, clock }: Loader): Engine<Model> {
    const { first } = this
    return new Engine<Model>(model, {
      queueLimit,
      now: () => clock.now(),
      isShared: () => first.isShared(clock.now()),
      rowsBesideAnswers: ROWS_BESIDE_ANSWERS[model.dotsByPairs ? 'pairs' : 'quads'],
    })
  }
}
