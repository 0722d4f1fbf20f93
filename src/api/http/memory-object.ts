// The memory object words where a session's pages lie, for its own route and in the comments of a stream.

import type { MemoryReport } from '../../protocol/memory.ts'

/** The object, without what a route adds. `pool` is null while no model is in place. */
export function memoryObject({ tokens, reused, pageTokens, views, runs, pool }: MemoryReport): object {
  return {
    object: 'session.memory',
    tokens,
    cached_tokens: reused,
    page_tokens: pageTokens,
    views: views.map(({ layers, window, sinks, outOfSight }) => ({
      layers,
      window: window ?? null,
      sinks,
      out_of_sight: outOfSight,
    })),
    pages: runs.map(({ inSight, ...run }) => ({ ...run, in_sight: inSight })),
    pool: pool ?? null,
  }
}
