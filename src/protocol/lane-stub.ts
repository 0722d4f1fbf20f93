// A lane's object as the router calls it, over Durable Object RPC.

import type { GenerateRequest, GenerationEvent } from './generation.ts'
import type { LaneHealth, SessionPage, SessionView, TurnView } from './lanes.ts'

/** What a call of an object gives: errors as values, since those that RPC throws lose their code. */
export type Outcome<T> = { value: T } | { error: GenerationEvent & { type: 'error' } }

/** The methods of LaneBase, as a stub has them. `lane` is what ids carry of the object's name. */
export type LaneStub = {
  generate(request: GenerateRequest, lane: string): Promise<ReadableStream<Uint8Array>>
  resume(tenant: string, id: string): Promise<ReadableStream<Uint8Array>>
  sessions(tenant: string, page: SessionPage): Promise<SessionView[]>
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
