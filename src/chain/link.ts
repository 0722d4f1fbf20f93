// A link is the lane's end of one stage: it opens sessions, keeps calls in order, and tells what a hop takes.

import { discard } from '../lib/byte-reader.ts'
import type { Clock } from '../lib/clock.ts'
import { IsletError, type ErrorCode } from '../lib/errors.ts'
import type { StageShare } from '../weights/manifest.ts'
import type { StageDoor, StageMethods, StageReport, StageSession } from './calls.ts'
import type { Failure, PageOp, PlainRows, StageCall, StageReply, StageSetup } from './messages.ts'

export type LinkParts = { name: string; share: StageShare; door: StageDoor; clock: Clock }

/** A stage that does not answer for so long is gone: well within the engine's patience (ABANDONED_MS of engine/step.ts). */
const SILENT_MS = 15_000

/** How often a load is asked how far it is, and a call that waits is looked after. */
const PROGRESS_MS = 100
const WATCH_MS = 1000

/** A session without calls for so long is ended: while it is open the platform bills both objects for being there. */
const IDLE_MS = 2000

/** How long a stage is kept busy to find out whose thread it has, and how often at most. */
const SPIN_MS = 24
const SPINS = 3

/** Milliseconds on the way, there and back: without the stage's own computing where its clock tells. */
export type Hops = { calls: number; lastMs: number; slowestMs: number }

/** What came of opening a session: to dispose of it ends that. */
type Opened = { session: StageSession; end(): void }

type Waiting = { since: number; reject(error: unknown): void }

export class Link {
  readonly name: string
  readonly share: StageShare
  readonly hops: Hops = { calls: 0, lastMs: 0, slowestMs: 0 }
  /** Of the stage, once it is open. */
  linearMemoryBytes = 0
  readonly #door: StageDoor
  readonly #clock: Clock
  #setup: StageSetup | undefined
  #epoch: string | undefined
  #session: Promise<Opened> | undefined
  #ops: PageOp[] = []
  readonly #waiting = new Set<Waiting>()
  #usedAt = 0
  #isWatched = false
  #isClosed = false

  constructor({ name, share, door, clock }: LinkParts) {
    this.name = name
    this.share = share
    this.#door = door
    this.#clock = clock
  }

  /** Loads the stage, if it must. Throws what made that fail, or `lane_lost` for a stage that is not to be reached. */
  async open(setup: StageSetup, onProgress: (done: number, total: number) => void): Promise<void> {
    this.#setup = setup
    const opening = this.#open()
    // Also where this throws the session must be ended, by `close`: a stub that is let go of without is the host's to find.
    this.#session = opening
    let isOver = false
    const over = opening.finally(() => (isOver = true)).catch(() => undefined)
    const stage = this.#door.connect()
    let seen = { done: -1, at: this.#clock.now() }
    for (;;) {
      await Promise.race([over, this.#clock.wait(PROGRESS_MS)])
      if (isOver) break
      const { done, total } = await this.#reportOf(stage)
      if (done !== seen.done) seen = { done, at: this.#clock.now() }
      else if (this.#clock.now() - seen.at > SILENT_MS) throw this.#lost('its load makes no progress')
      onProgress(done, total)
    }
    await opening
    const { total, linearMemoryBytes } = await this.#reportOf(stage)
    this.linearMemoryBytes = linearMemoryBytes
    this.#usedAt = this.#clock.now()
    void this.#watch()
    onProgress(total, total)
  }

  /** What happens to pages, before the next call that is made. */
  enqueue(op: PageOp): void {
    this.#ops.push(op)
  }

  /** `idle`: nobody has asked it for a while. */
  get state(): 'loading' | 'open' | 'idle' | 'lost' {
    if (this.#isClosed) return 'lost'
    if (this.#epoch === undefined) return 'loading'
    return this.#session === undefined ? 'idle' : 'open'
  }

  get hasOps(): boolean {
    return this.#ops.length > 0
  }

  /** Tells the stage what happened to pages. */
  flush(): Promise<StageReply> {
    return this.#call({ do: 'pages', ops: this.#takeOps() })
  }

  /** The stream that the stage makes of these rows'; theirs is gone then. */
  async run(rows: PlainRows, stream: Float32Array): Promise<Float32Array> {
    const reply = await this.#call({ do: 'run', ops: this.#takeOps(), rows, stream })
    discard(stream.buffer)
    return streamOf(reply)
  }

  /** Rows of the table. */
  async embed(ids: Int32Array): Promise<Float32Array> {
    return streamOf(await this.#call({ do: 'embed', ids }))
  }

  conclude(yields: Uint8Array, stream: Float32Array): Promise<StageReply> {
    return this.#call({ do: 'conclude', yields, stream })
  }

  /** Ends the session; calls that wait fail. */
  close(): void {
    this.#isClosed = true
    this.#end()
    for (const { reject } of this.#waiting) reject(this.#lost('the chain was closed'))
  }

  /**
   * Whether the stage computes while this isolate does too: with one thread for both the host gives no turn here while the stage
   * is busy.
   */
  async isBeside(): Promise<boolean> {
    for (let tries = 0; tries < SPINS; tries++) {
      let [isOver, last, longest] = [false, this.#clock.now(), 0]
      const spun = this.#call({ do: 'spin', ms: SPIN_MS }).finally(() => (isOver = true))
      spun.catch(() => undefined)
      while (!isOver) {
        await this.#clock.wait(1)
        const now = this.#clock.now()
        longest = Math.max(longest, now - last)
        last = now
      }
      await spun
      // Whatever else the machine does may take a turn away, but hardly each time.
      if (longest < SPIN_MS / 2) return true
    }
    return false
  }

  #takeOps(): PageOp[] {
    const ops = this.#ops
    if (ops.length > 0) this.#ops = []
    return ops
  }

  async #call(call: StageCall): Promise<StageReply> {
    if (this.#isClosed) throw this.#lost('the chain was closed')
    this.#session ??= this.#open()
    this.#usedAt = this.#clock.now()
    const session = this.#session
    let sentAt = 0
    const reply = await this.#within(
      session.then((open) => {
        sentAt = this.#clock.now()
        return open.session.call(call)
      }),
    ).catch((error: unknown) => {
      throw error instanceof IsletError ? error : this.#lost(String(error))
    })
    const now = this.#clock.now()
    const hop = Math.max(0, now - sentAt - reply.ms)
    this.hops.calls += 1
    this.hops.lastMs = hop
    this.hops.slowestMs = Math.max(this.hops.slowestMs, hop)
    this.#usedAt = now
    if (reply.error !== undefined) throw this.#failed(reply.error)
    if (reply.missing !== undefined) throw new MissingRuns(reply.missing)
    return reply
  }

  async #reportOf(stage: StageMethods): Promise<StageReport> {
    return this.#within(stage.report()).catch((error: unknown) => {
      throw this.#lost(String(error))
    })
  }

  /** A new stub each time: one that was used when its object died fails for ever. */
  async #open(): Promise<Opened> {
    const opened = await this.#door
      .connect()
      .open(this.#setup!)
      .catch((error: unknown) => {
        throw this.#lost(String(error))
      })
    if ('error' in opened) throw this.#failed(opened.error)
    const { epoch, session } = opened
    const end = (): void => opened[Symbol.dispose]?.()
    this.#epoch ??= epoch
    if (session !== undefined && epoch === this.#epoch) return { session, end }
    end()
    throw this.#lost(session === undefined ? 'it gave no session' : 'it has begun anew, without its pages')
  }

  /** Ends sessions that nobody uses, and calls that nobody answers. */
  async #watch(): Promise<void> {
    if (this.#isWatched) return
    this.#isWatched = true
    while (!this.#isClosed && (this.#waiting.size > 0 || this.#session !== undefined)) {
      await this.#clock.wait(WATCH_MS)
      const now = this.#clock.now()
      for (const { since, reject } of this.#waiting)
        if (now - since > SILENT_MS) reject(this.#lost(`it has not answered for ${SILENT_MS / 1000} s`))
      if (this.#waiting.size === 0 && now - this.#usedAt > IDLE_MS && !this.hasOps) this.#end()
    }
    this.#isWatched = false
  }

  #end(): void {
    void this.#session?.then(({ end }) => end()).catch(() => undefined)
    this.#session = undefined
  }

  /** The answer, unless it does not come. */
  #within<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting = { since: this.#clock.now(), reject }
      this.#waiting.add(waiting)
      void this.#watch()
      const over = (): void => void this.#waiting.delete(waiting)
      answer.then(resolve, reject)
      answer.then(over, over)
    })
  }

  #lost(why: string): IsletError {
    return new IsletError('lane_lost', `${this.name} is lost: ${why}`)
  }

  #failed({ code, message }: Failure): IsletError {
    return new IsletError(code as ErrorCode, `${this.name}: ${message}`)
  }
}

/** Runs of pages that a stage was to restore and does not have, by their ids. */
export class MissingRuns extends IsletError {
  readonly runs: readonly number[]

  constructor(runs: readonly number[]) {
    super('lane_lost', `a stage of the chain has no longer its part of ${runs.length} stored runs of pages`)
    this.runs = runs
  }
}

function streamOf({ stream }: StageReply): Float32Array {
  if (stream === undefined) throw new IsletError('engine_failure', 'a stage answered without a stream')
  return stream
}
