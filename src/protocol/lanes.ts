// The Lanes interface is what the API knows of lanes: plain requests in, plain events out.
// The worker implements it over Durable Object RPC, the API's tests by a scripted fake.

import type { ChatMessage, GenerateRequest, GenerationEvent, Json, WindowReport } from './generation.ts'

export type ModelCard = {
  /** The model's id, lower case. */
  id: string
  /** Seconds since 1970. */
  created: number
  ownedBy: string
}

/** What a lane's storage has done since its object began. */
export type StorageUse = {
  /** Rows of SQLite by its own count, those of indexes too. */
  rowsRead: number
  rowsWritten: number
  /** Alarms set, each billed as a row written. */
  alarms: number
  /** Runs of KV pages written, and their bytes. */
  runs: number
  runBytes: number
  pagesRestored: number
  /** Milliseconds, whole ones on some hosts; a deployed clock stands still while code computes. */
  saveMs: number
  findMs: number
  restoreMs: number
}

export type LaneHealth = {
  state: 'ready' | 'loading' | 'cold' | 'failed'
  /** Bytes of weights in place, of `total`. */
  done: number
  total: number
  /** Why it failed. */
  message?: string
  /** `window` is the widest of `byDepth`, where runs of layers have windows of their own. */
  window: { window?: number; sinks: number; byDepth?: readonly number[] }
  model: string
  /** Linear memory of the engine, once it is in place. */
  linearMemoryBytes?: number
  /** Requests that the engine works on, and that wait for KV pages. */
  running?: number
  waiting?: number
  /** For the operator, e.g. that the window was halved after a memory reset. */
  note?: string
  storage?: StorageUse
}

/**
 * `running`: a reader or the lane itself drives it. `paused`: unfinished, nobody does; it goes on when it is
 * read. `failed`: ended by an error, `cancelled`: by its owner.
 */
export type TurnState = 'running' | 'paused' | 'done' | 'failed' | 'cancelled'

/** A session for its owner. Times are milliseconds since 1970. */
export type SessionView = {
  /** `sess_LANE_RANDOM`. */
  id: string
  model: string
  /** Of its last turn. */
  state: TurnState
  createdAt: number
  usedAt: number
  expiresAt: number
  /** Ids of prompt and answer, and how many of them the model wrote. */
  tokens: number
  completionTokens: number
  window: WindowReport
  /** Pages of KV, of 16 positions each, and their bytes, in the lane's memory and in its storage. */
  memory: { pages: number; bytes: number }
  storage: { pages: number; bytes: number }
}

/** At most `limit` sessions, those behind `after` in the order of their last use. */
export type SessionPage = { limit: number; after?: Pick<SessionView, 'id' | 'usedAt'> }

/** A kept turn for its owner: what was asked and what has been answered until now. */
export type TurnView = {
  session: string
  /** `LANE_RANDOM_RANDOM`. */
  turn: string
  reply: Json
  state: TurnState
  createdAt: number
  /** As the request brought it. */
  conversation: ChatMessage[]
  /** `start` if it got that far, at most one `text` with all of it, then `finish` or `error` if it ended. */
  events: GenerationEvent[]
}

/** Ids of other tenants, of sessions that ended, and of nothing at all are one and the same `not_found`. */
export interface Lanes {
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
  /** Those used last first. `after`: the id of a session that is there; throws `not_found`. */
  sessions(tenant: string, page: { limit: number; after?: string }): Promise<SessionView[]>
  session(tenant: string, id: string): Promise<SessionView>
  /** A new session that begins as this one stands now. Throws `conflict` while it runs. */
  fork(tenant: string, id: string): Promise<SessionView>
  /** Ends and deletes a session with its turns, kept ones too, and its pages. */
  remove(tenant: string, id: string): Promise<void>
  /** Deletes everything of a tenant on every lane; gives the number of sessions. */
  removeAll(tenant: string): Promise<number>
  turn(tenant: string, id: string): Promise<TurnView>
  removeTurn(tenant: string, id: string): Promise<void>
  /** Ends a turn that runs or waits; one that has ended stays as it is. */
  cancelTurn(tenant: string, id: string): Promise<TurnView>
  /** State of the lane that would serve next; asking begins the load when it is cold. */
  health(): Promise<LaneHealth>
}
