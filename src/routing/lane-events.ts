// LaneEvents reads the events of one lane call, and recovers when the object is overloaded or lost.
// It offers the request to another lane, tries again, or resumes the stored answer.

import type { GenerationEvent } from '../protocol/generation.ts'
import { IsletError } from '../lib/errors.ts'
import { Received } from './received.ts'
import type { LaneStub } from '../protocol/calls.ts'
import { decodeEvents } from '../protocol/wire.ts'

/** A call whose answer is a stream of events. */
export type Call = {
  tenant: string
  /** For the log. */
  requestId?: string
  /** Lanes that may serve it, the best first. */
  lanes: readonly string[]
  /** Whether the lane keeps what it does, so that an object that was lost goes on with it. */
  stored: boolean
  /** `retry`: this was begun before, by an object that was lost. */
  open(stub: LaneStub, lane: string, retry: boolean): Promise<ReadableStream<Uint8Array>>
  /** The same answer from its beginning, after some of it was handed on. */
  resume(stub: LaneStub, session: string): Promise<ReadableStream<Uint8Array>>
}

export type LaneAccess = {
  /** A fresh stub: one that threw once throws for ever. */
  stubOf(lane: string): LaneStub
  log(entry: Record<string, unknown>): void
}

const MEMORY_RESET = /exceeded its memory limit/i

/** Written by hand because return() must act while a next() is waiting, which a generator's would not. */
export class LaneEvents implements AsyncIterator<GenerationEvent> {
  readonly #call: Call
  readonly #access: LaneAccess
  readonly #abort = new AbortController()
  readonly #received = new Received()
  #events: AsyncGenerator<GenerationEvent> | undefined
  /** Place in the call's lanes. */
  #at = 0
  #retried = false
  #resumed = false

  constructor(call: Call, access: LaneAccess) {
    this.#call = call
    this.#access = access
  }

  async next(): Promise<IteratorResult<GenerationEvent>> {
    while (!this.#over) {
      try {
        const result = await this.#take()
        if (result !== undefined) return result
      } catch (error) {
        if (this.#over) break
        await this.#recover(error)
      }
    }
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<GenerationEvent>> {
    this.#abort.abort()
    return { done: true, value: undefined }
  }

  /** An object that is lost behind its last event took nothing with it. */
  get #over(): boolean {
    return this.#abort.signal.aborted || (this.#received.ended && this.#events === undefined)
  }

  get #lane(): string {
    return this.#call.lanes[this.#at]
  }

  /** The next event off the wire; undefined when it is nothing for the reader. */
  async #take(): Promise<IteratorResult<GenerationEvent> | undefined> {
    this.#events ??= decodeEvents(await this.#open(), this.#abort.signal)
    const result = await this.#events.next()
    if (result.done === true) {
      if (!this.#abort.signal.aborted) this.#received.assertCaughtUp()
      return result
    }
    if (isMovable(result.value) && this.#move()) return undefined
    const value = this.#received.fresh(result.value)
    return value && { done: false, value }
  }

  #open(): Promise<ReadableStream<Uint8Array>> {
    const stub = this.#access.stubOf(this.#lane)
    const { session } = this.#received
    if (this.#resumed && session !== undefined) return this.#call.resume(stub, session)
    return this.#call.open(stub, this.#lane, this.#retried)
  }

  /** To the next lane, if nothing was handed on and there is one. */
  #move(): boolean {
    if (this.#received.anything || this.#at + 1 >= this.#call.lanes.length) return false
    this.#drop()
    this.#at++
    return true
  }

  #drop(): void {
    void this.#events?.return(undefined).catch(() => undefined)
    this.#events = undefined
  }

  /** Makes the next take a new try, or throws what the reader is told. */
  async #recover(error: unknown): Promise<void> {
    const { log, stubOf } = this.#access
    const message = error instanceof Error ? error.message : String(error)
    log({ requestId: this.#call.requestId, lane: `lane-${this.#lane}`, code: 'lane_lost', message })
    this.#drop()
    if (this.#received.ended) return
    const outOfMemory = MEMORY_RESET.test(message)
    if (outOfMemory) await stubOf(this.#lane).memoryReset()
    if (isOverload(error)) {
      if (this.#move()) return
    } else if (this.#retryOrResume()) return
    throw lost(error, outOfMemory, this.#received.session)
  }

  /**
   * Once before there is text and once behind it: nothing was sent yet, or the lane kept it, so the client
   * does not notice.
   */
  #retryOrResume(): boolean {
    const { anything, text, session } = this.#received
    if (anything && !this.#call.stored) return false
    if (text ? this.#resumed || session === undefined : this.#retried) return false
    if (text) this.#resumed = true
    else this.#retried = true
    this.#received.replay()
    return true
  }
}

/** Marked by the platform: the object has too many requests, and another would make it worse. */
export function isOverload(error: unknown): boolean {
  return (error as { overloaded?: unknown } | null)?.overloaded === true
}

function isMovable(event: GenerationEvent): boolean {
  return event.type === 'error' && event.code === 'overloaded' && event.movable === true
}

function lost(cause: unknown, outOfMemory: boolean, session: string | undefined): IsletError {
  const what = session === undefined ? 'send it again' : `it can be read on at its session, ${session}`
  if (isOverload(cause)) {
    const when = session === undefined ? 'try again later' : `later ${what}`
    return new IsletError('overloaded', `this lane takes no more requests now: ${when}`, { cause })
  }
  if (outOfMemory) {
    const next = session === undefined ? '' : `; ${what}`
    return new IsletError(
      'out_of_memory',
      `the lane ran out of memory; it starts again with half the window${next}`,
      { cause },
    )
  }
  return new IsletError('lane_lost', `the lane that served this request was lost: ${what}`, { cause })
}
