// Lane reports tell of a lane, of its sessions and of its turns.

import type { GenerationEvent, Json, WindowReport } from './generation.ts'
import type { GenerationCounts } from './tally.ts'
import type { Written } from './written.ts'

export type ModelCard = {
  /** The model's id, lower case. */
  id: string
  /** Seconds since 1970. */
  created: number
  ownedBy: string
  /** For fields that a request leaves out; absent: none, or it is switched off. */
  sampling?: Recommended
  /** It declares a pooling. */
  embeds?: true
  /** Positions, as it is configured; absent: not known. */
  limits?: ModelLimits
  /** Other names that mean it, for clients with a fixed one. */
  aliases?: readonly string[]
  /** What its ids begin with where several models are served. */
  tag?: string
}

export type ModelLimits = {
  /** That it was trained on. */
  trained: number
  /** Most ids of a prompt. */
  prompt: number
  /** Most ids of an answer; absent: with a window there is no limit. */
  answer?: number
}

/** Values of sampling fields, by the names that requests have for them. */
export type Recommended = { readonly [field: string]: number }

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
  /** Of a chain: those that the lane asks. */
  stages?: StageHealth[]
  /** Of each, where several models are served: the rest is then of the one that is furthest from ready, bytes are of all. */
  models?: LaneHealth[]
}

/** A stage of a chain as its lane sees it: calls since the chain began, and milliseconds on the way there and back. */
export type StageHealth = {
  name: string
  /** `idle`: no session is open, since nobody has asked for a while. */
  state: 'loading' | 'open' | 'idle' | 'lost'
  linearMemoryBytes: number
  calls: number
  lastHopMs: number
  slowestHopMs: number
}

/** What a lane's object has done since it began, and what it holds now; asking begins no load. */
export type LaneMetrics = GenerationCounts & {
  /** Turns of this lane that its engine works on, and that wait for KV pages. */
  running: number
  waiting: number
  /** Of the engine in place, which lanes of one isolate share: pages of KV, and bytes. */
  engine?: { pagesFree: number; pageCount: number; linearMemoryBytes: number }
  storage: StorageUse
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
  conversation: Written<object>[]
  /**
   * `start` if it got that far, `text` with all of it, several where one would lose the order of its parts, then
   * `finish` or `error` if it ended.
   */
  events: GenerationEvent[]
}
