// A pacer says when a turn that computes hands the thread back to the host.
// A macrotask costs about 1 ms while a response streams, as much as a fifth of a token.

import type { Vault } from '../engine/vault.ts'
import type { Clock } from '../lib/clock.ts'
import type { FirstTokens } from './first-tokens.ts'

const COMPUTE_MS = 50

/**
 * While several tenants are there: a request has to come some way, a turn of the host each, before any lane
 * knows of it.
 */
const SHARED_COMPUTE_MS = 8

/**
 * Deployed clocks stand still between I/O: where no time seems to pass, steps are counted instead, and four
 * rows of a step as one more. Some 40 ms of decoding, or two chunks of a prompt.
 */
const STEPS_WITHOUT_CLOCK = 10
const ROWS_A_STEP = 4

/** Turns of the host that an answer's reader gets behind a step, to take its token and to ask for the next. */
const READER_TURNS = 3

/** A step that was run, by the storage of the lane that called it. */
type PacedStep = { vault: Vault | undefined }

export class Pacer {
  readonly #clock: Clock
  readonly #first: FirstTokens
  #since: number
  #steps = 0
  #last: PacedStep | undefined
  /** Rests of a lane that have begun, by their milliseconds. */
  readonly #rests = new WeakMap<Vault, Map<number, Promise<void>>>()

  /** `first` knows who is there. */
  constructor(clock: Clock, first: FirstTokens) {
    this.#clock = clock
    this.#first = first
    this.#since = clock.now()
  }

  /** To be called after each step, with the rows that it ran and the storage of the lane that called it. */
  stepped(rows: number, vault: Vault | undefined): void {
    this.#steps += 1 + rows / ROWS_A_STEP
    this.#last = { vault }
    this.#first.stepped()
  }

  /** The last step. */
  get last(): PacedStep | undefined {
    return this.#last
  }

  /**
   * Whether somebody of the lane ran a step after `last`, so that whoever waits need not. To be asked where the step would be run: of
   * many who waited together each would find that nobody has, if all asked before the first of them runs one.
   */
  hasStepped(last: PacedStep | undefined, vault: Vault | undefined): boolean {
    return this.#last !== last && this.#last?.vault === vault
  }

  /** True once the thread has been kept for long enough. */
  get isDue(): boolean {
    const elapsed = this.#clock.now() - this.#since
    const most = this.#first.isShared(this.#clock.now()) ? SHARED_COMPUTE_MS : COMPUTE_MS
    return elapsed >= most || (elapsed === 0 && this.#steps >= STEPS_WITHOUT_CLOCK)
  }

  /** Gives the host its turn, or `ms` of idling. */
  async rest(ms = 0): Promise<void> {
    await this.#clock.wait(ms)
    this.begin()
  }

  /**
   * Behind a step of a prompt, while others wait for tokens: gives their readers turns of the host. True once one of them has run
   * the next step, which has rows of the prompt too: what it made is on its way at once then.
   */
  async letRead(): Promise<boolean> {
    const { last } = this
    for (let turns = 0; turns < READER_TURNS; turns++) {
      await this.rest()
      if (this.#last !== last) return true
    }
    return false
  }

  /** The host has just had its turn. */
  begin(): void {
    this.#since = this.#clock.now()
    this.#steps = 0
  }

  /**
   * Idles for `ms`, or for what is left of a rest of `ms` that one of the lane has begun: with a timer for
   * each of 64 turns that wait the host would have no turn for anybody else.
   */
  restTogether(ms: number, vault: Vault | undefined): Promise<void> {
    if (ms === 0 || vault === undefined) return this.rest(ms)
    const rests = this.#rests.get(vault) ?? new Map<number, Promise<void>>()
    this.#rests.set(vault, rests)
    const begun = rests.get(ms) ?? this.rest(ms).finally(() => rests.delete(ms))
    rests.set(ms, begun)
    return begun
  }
}
