// A memory report tells where a session's keys and values lie, in pages, and what they are a part of.

/** Pages that follow each other in a session and are alike. */
export type PageRun = {
  count: number
  /** Whether the isolate's pool has them, and the lane's storage; one that is in neither is computed when it is needed. */
  memory: boolean
  storage: boolean
  /** The last turn found them computed, at least in part. */
  reused: boolean
  /** Other sequences that hold the very same pages: of the same tenant, or the model's own prefix. */
  shared: number
  /** Whether a next query would see anything of them, by view. */
  inSight: boolean[]
}

export type MemoryReport = {
  /** Ids of prompt and answer, and how many of them the last turn found computed. */
  tokens: number
  reused: number
  /** Positions of a page. */
  pageTokens: number
  /** By what layers see: how many layers see so, and what that hides. */
  views: { layers: number; window: number | undefined; sinks: number; outOfSight: number }[]
  runs: PageRun[]
  /** Pages of the isolate's pool, of all tenants; absent while no model is there. `session`: without those of the template. */
  pool?: { pages: number; used: number; session: number; template: number }
}

export type SessionMemory = MemoryReport & {
  id: string
  /** Bytes of linear memory by part, what is left free for the heap, and where the platform ends an isolate. */
  isolate?: { weights: number; pool: number; scratch: number; heap: number; limit: number }
}

/** An event that brings how the session's pages lie now: where the request asks for `memory`, of a lone answer. No part of it. */
export type Watched = { memory?: MemoryReport }
