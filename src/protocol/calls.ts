// Lane calls are the RPC methods of a lane's object: this one list types object, stub and the tests' fakes.
// What a caller gets from each is told at Lanes.

import type { GenerateRequest, GenerationEvent } from './generation.ts'
import type { LaneHealth, SessionPage, SessionView, TurnView } from './lanes.ts'

/** What a call by id gives: errors as values, since those that RPC throws lose their code. */
export type Outcome<T> = { value: T } | { error: GenerationEvent & { type: 'error' } }

/** Streams are events as lines (wire.ts). `lane` is what ids carry of the object's name. */
type LaneCalls = {
  generate(request: GenerateRequest, lane: string): ReadableStream<Uint8Array>
  resume(tenant: string, id: string): ReadableStream<Uint8Array>
  sessions(tenant: string, page: SessionPage): SessionView[]
  session(tenant: string, id: string): Outcome<SessionView>
  fork(tenant: string, id: string): Outcome<SessionView>
  remove(tenant: string, id: string): Outcome<null>
  removeAll(tenant: string): number
  turn(tenant: string, id: string): Outcome<TurnView>
  removeTurn(tenant: string, id: string): Outcome<null>
  cancelTurn(tenant: string, id: string): Outcome<TurnView>
  health(): LaneHealth
  memoryReset(): void
}

export type CallName = keyof LaneCalls

/** A lane's object: its methods may answer at once or later. */
export type LaneMethods = {
  [N in CallName]: (
    ...args: Parameters<LaneCalls[N]>
  ) => ReturnType<LaneCalls[N]> | Promise<ReturnType<LaneCalls[N]>>
}

/** The same object as the router calls it. */
export type LaneStub = {
  [N in CallName]: (...args: Parameters<LaneCalls[N]>) => Promise<ReturnType<LaneCalls[N]>>
}
