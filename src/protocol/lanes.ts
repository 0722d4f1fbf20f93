// The Lanes interface is what the API knows of lanes: plain requests in, plain events out.
// The worker implements it over Durable Object RPC, the API's tests by a scripted fake.

import type { LaneAnswers } from './calls.ts'
import type { ConversationEntry } from './conversations.ts'
import type { GenerateRequest, GenerationEvent } from './generation.ts'
import type { EmbedRequest, ScoreRequest } from './scores.ts'
import type { TokenRequest } from './tokens.ts'
import type { LaneMetrics, ModelCard, SessionView } from './lane-reports.ts'

/** One lane's metrics; `model` where several are served. */
export type LaneSource = { lane: string; model?: string; metrics?: LaneMetrics }

/** Ids of other tenants, of sessions that ended, and of nothing at all are one and the same `not_found`. */
export interface Lanes extends LaneAnswers {
  /** Ids this deployment serves, from its manifest. */
  models(): Promise<ModelCard[]>
  /**
   * One generation: events in order; `return()` on the iterator ends it, also while a `next()` is waiting:
   * with `store` it pauses and can be read on, without it is gone. The first event is `session`, `start`,
   * `progress` or `error`; the last is `finish` or `error`.
   */
  generate(request: GenerateRequest): AsyncIterable<GenerationEvent>
  /**
   * A session's last turn (`sess_...`) or a kept turn from its first event on: what is there is repeated, the
   * rest computed. Who read it until now is ended with an `error` of code `conflict`.
   */
  resume(tenant: string, id: string): AsyncIterable<GenerationEvent>
  /** Log probabilities of continuations, or vectors: `progress`, `embedding`, then `scores` or `error`; `return()` ends it. */
  score(request: ScoreRequest | EmbedRequest): AsyncIterable<GenerationEvent>
  /** Ids, text or a number of ids: `tokens` events or `error`; `return()` ends it. No weights are needed. */
  tokens(request: TokenRequest): AsyncIterable<GenerationEvent>
  /** Writes what a conversation holds; gives its session. Throws `not_found` and `conflict`. */
  keepConversation(entry: ConversationEntry): Promise<string>
  /** Those used last first. `after`: the id of a session that is there; throws `not_found`. */
  sessions(tenant: string, page: { limit: number; after?: string }): Promise<SessionView[]>
  /** Of every lane by its name, without metrics where it could not be asked; undefined where lanes cannot be listed. */
  metrics(): Promise<LaneSource[] | undefined>
}
