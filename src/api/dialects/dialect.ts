// A dialect is how one API words its requests, its answers and its errors: a folder beside this file.
// One endpoint runs them all and knows nothing of any by name.

import type { SessionEvent } from '../../protocol/generation.ts'
import type * as z from 'zod/mini'
import type { TurnView } from '../../protocol/lane-reports.ts'
import type { Failure } from '../http/errors.ts'
import type { ChangedFields } from '../http/body.ts'
import type { Collected } from '../http/collect.ts'
import type { Writer } from '../http/sse.ts'
import type { Reply, ReplyHead } from './reply.ts'
import type { BodyOrder, Order } from './order.ts'

/** A kept turn of whoever asks, by its id. */
export type TurnOf = (id: string) => Promise<TurnView>

/** What a body asks for. */
export type Asked<R extends Reply = Reply> = {
  order: Omit<BodyOrder, 'prompt'>
  /** What the reply holds besides its name. */
  reply: Omit<R, keyof ReplyHead>
  /**
   * The prompt, with the session and the conversation that it continues; asked for once the model is known.
   */
  prompt(turnOf: TurnOf): Promise<Pick<Order, 'prompt' | 'session' | 'conversation'>>
}

/** A body that brings its whole prompt. */
export type ParsedBody<R extends Reply> = { order: BodyOrder; reply: Asked<R>['reply'] }

/** What such a body asks for. */
export function askedOf<R extends Reply>({ order: parsed, reply }: ParsedBody<R>): Asked<R> {
  const { prompt, ...order } = parsed
  return { order, reply, prompt: () => Promise.resolve({ prompt }) }
}

export type Dialect<R extends Reply = Reply> = {
  kind: R['kind']
  /** An answer's id is this and the id of its request. */
  idPrefix: string
  /** The request's body. */
  schema: z.ZodMiniObject
  /**
   * Reads a body. `changed`: the texts of what JSON.parse made of its fields something else.
   * @throws IsletError with `param`, for anything missing, malformed or not implemented.
   */
  parse(body: Record<string, unknown>, newSeed: () => number, changed?: ChangedFields): Asked<R>
  /**
   * Writes a stream, from its first event to its last frame, which may be one of no event, such as `[DONE]`.
   */
  writer(reply: R): Writer
  /** An answer that is not streamed. */
  whole(reply: R, collected: Collected): object
  /**
   * What is answered at once to an order with `background` that is not streamed, in dialects that have such.
   */
  queued?(reply: R, session: SessionEvent): object
  /**
   * The body of an error that comes instead of an answer, whoever found it: a guard, the router or a lane.
   */
  errorBody(failure: Failure, requestId: string): object
}
