// The router's side of the lanes: which object a session goes to, its events, and what to do when an object is lost.

import type { GenerateRequest, GenerationEvent } from '../engine/events.ts'
import { IsletError } from '../lib/errors.ts'
import { sha256 } from '../lib/sha256.ts'
import type { LaneHealth, Lanes, SessionView, TurnView } from './lane-client.ts'
import { rendezvous } from './rendezvous.ts'
import { decodeEvents } from './wire.ts'

/** What a call of an object gives: errors as values, since those that RPC throws lose their code. */
export type Outcome<T> = { value: T } | { error: GenerationEvent & { type: 'error' } }

/** The methods of LaneBase, as a stub has them. `lane` is what ids carry of the object's name. */
export type LaneStub = {
  generate(request: GenerateRequest, lane: string): Promise<ReadableStream<Uint8Array>>
  resume(tenant: string, id: string): Promise<ReadableStream<Uint8Array>>
  sessions(tenant: string): Promise<SessionView[]>
  session(tenant: string, id: string): Promise<Outcome<SessionView>>
  fork(tenant: string, id: string): Promise<Outcome<SessionView>>
  remove(tenant: string, id: string): Promise<Outcome<null>>
  removeAll(tenant: string): Promise<number>
  turn(tenant: string, id: string): Promise<Outcome<TurnView>>
  removeTurn(tenant: string, id: string): Promise<Outcome<null>>
  cancelTurn(tenant: string, id: string): Promise<Outcome<TurnView>>
  health(): Promise<LaneHealth>
  memoryReset(): Promise<void>
}

export type LaneOptions = {
  /** How many lanes; 'session' = an object for each session key. */
  lanes: number | 'session'
  model: string
  log(entry: Record<string, unknown>): void
}

/** Lanes behind `stubOf`, which gives a fresh stub for a lane's name. */
export function createLanes(stubOf: (name: string) => LaneStub, options: LaneOptions): Lanes {
  return {
    async models() {
      // A packed model does not say when it was made.
      return [{ id: options.model, created: 0, ownedBy: 'islet' }]
    },
    generate(request) {
      const name = laneName(request, options.lanes)
      return { [Symbol.asyncIterator]: () => new LaneEvents(() => stubOf(name), name, request, options.log) }
    },
    health: () => stubOf(options.lanes === 'session' ? 'session-health' : 'lane-0').health(),
  }
}

function laneName(request: GenerateRequest, lanes: number | 'session'): string {
  // The key is the client's: with the tenant in front it cannot name another tenant's object.
  if (lanes === 'session') return `session-${digest(`${request.tenant}\n${request.sessionKey}`)}`
  return `lane-${rendezvous(request.sessionKey, lanes)}`
}

/** Keys may be long; names of objects may not. */
function digest(text: string): string {
  const hash = sha256()
  hash.update(new TextEncoder().encode(text))
  return hash.hex()
}

const MEMORY_RESET = /exceeded its memory limit/i

/** Written by hand because return() must act while a next() is waiting, which a generator's would not. */
class LaneEvents implements AsyncIterator<GenerationEvent> {
  readonly #stub: () => LaneStub
  readonly #lane: string
  readonly #request: GenerateRequest
  readonly #log: LaneOptions['log']
  readonly #abort = new AbortController()
  #events: AsyncGenerator<GenerationEvent> | undefined
  #seen = false
  #retried = false

  constructor(stub: () => LaneStub, lane: string, request: GenerateRequest, log: LaneOptions['log']) {
    this.#stub = stub
    this.#lane = lane
    this.#request = request
    this.#log = log
  }

  async next(): Promise<IteratorResult<GenerationEvent>> {
    if (this.#abort.signal.aborted) return { done: true, value: undefined }
    try {
      this.#events ??= decodeEvents(await this.#stub().generate(this.#request), this.#abort.signal)
      const result = await this.#events.next()
      this.#seen = true
      return result
    } catch (error) {
      if (this.#abort.signal.aborted) return { done: true, value: undefined }
      return this.#recover(error)
    }
  }

  async return(): Promise<IteratorResult<GenerationEvent>> {
    this.#abort.abort()
    return { done: true, value: undefined }
  }

  /** An object that was lost comes back empty: nothing was sent yet, so one more try is invisible to the client. */
  async #recover(error: unknown): Promise<IteratorResult<GenerationEvent>> {
    const message = error instanceof Error ? error.message : String(error)
    this.#log({ requestId: this.#request.requestId, lane: this.#lane, code: 'lane_lost', message })
    this.#events = undefined
    const outOfMemory = MEMORY_RESET.test(message)
    if (outOfMemory) await this.#stub().memoryReset()
    if (!this.#seen && !this.#retried && !isOverload(error)) {
      this.#retried = true
      return this.next()
    }
    if (isOverload(error))
      throw new IsletError('overloaded', 'this lane takes no more requests now: try again later', {
        cause: error,
      })
    throw outOfMemory
      ? new IsletError('out_of_memory', 'the lane ran out of memory; it starts again with half the window', {
          cause: error,
        })
      : new IsletError('internal_error', 'the lane that served this request was lost: send it again', {
          cause: error,
        })
  }
}

/** Marked by the platform: the object has too many requests, and another would make it worse. */
function isOverload(error: unknown): boolean {
  return (error as { overloaded?: unknown } | null)?.overloaded === true
}
