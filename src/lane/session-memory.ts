// Session memory is found page by page: in the pool, in storage, reused, shared, in sight of which layers.

import { commonPrefix } from '../cache/reusable-prefix.ts'
import { promptShape, sharedKeys } from '../cache/prompt-shape.ts'
import { isHidden, visible, type WindowOptions } from '../cache/window.ts'
import type { Engine } from '../engine/engine.ts'
import type { Sequence } from '../engine/sequence.ts'
import type { Model } from '../graph/model.ts'
import { viewsOf, type Views } from '../graph/views.ts'
import { PAGE_POSITIONS } from '../kernels/layout.ts'
import { JS_BYTES, PLATFORM_BYTES } from '../lib/limits.ts'
import type { ModelSpec } from '../models/spec.ts'
import type { MemoryReport, PageRun, SessionMemory } from '../protocol/memory.ts'
import { idsOf, type TurnRecord } from '../storage/turn-record.ts'
import type { Loaded } from './isolate.ts'

/** A session as far as its pages go. */
type Paged = {
  /** undefined: one that is not stored, and has the one `sequence` alone. */
  session: string | undefined
  tokens: number
  reused: number
  /** Pages in storage, from the front. */
  stored: number
  /** What memory has of it, and how many positions of that are the session's. */
  sequence?: Sequence
  length: number
}

/** The report of a session by its last turn. `stored`: its pages in storage; `weights` are bytes. */
export function sessionMemory(
  record: TurnRecord,
  stored: number,
  { spec, window, weights }: { spec: ModelSpec; window: WindowOptions; weights: number },
  inPlace: Loaded | undefined,
): SessionMemory {
  const { session, request, prompt, cachedTokens: reused = 0 } = record
  const ids = prompt.kind === 'none' ? [] : idsOf(record)
  const paged: Paged = { session, tokens: ids.length, reused, stored, length: 0 }
  // Of a fork that has not answered yet another session's sequence holds the keys.
  for (const sequence of ids.length === 0 ? [] : (inPlace?.engine.sequencesFor(request.tenant) ?? [])) {
    const common = commonPrefix(sequence.ids, ids, sequence.length)
    const length = sharedKeys(sequence.shape, promptShape(spec, prompt.ids, window), common)
    if (length > paged.length || (length === paged.length && sequence.session === session))
      Object.assign(paged, { sequence, length })
  }
  return {
    id: session,
    ...memoryReport(paged, request.tenant, viewsOf(spec, window), inPlace?.engine),
    ...(inPlace && { isolate: isolateOf(inPlace, weights) }),
  }
}

/** The report of a tenant's pages as they lie now; without an `engine` nothing is in memory. */
export function memoryReport(
  { session, tokens, reused, stored, sequence, length }: Paged,
  tenant: string,
  { list, ofLayer }: Views,
  engine: Engine<Model> | undefined,
): MemoryReport {
  const sequences = engine?.sequencesFor(tenant) ?? []
  const isOwn = (other: Sequence): boolean =>
    other.session === session && (session !== undefined || other === sequence)
  const others = sequences.filter((other) => other !== sequence || !isOwn(other))
  // The last id was chosen, not run: it has no key, and the query that chose it stood one position before.
  const seen = list.map(({ window }) => visible(Math.max(0, tokens - 2), window))
  const held = Math.ceil(length / PAGE_POSITIONS)
  const pages = Math.max(held, Math.ceil((tokens - 1) / PAGE_POSITIONS))
  const runs: PageRun[] = []
  for (let at = 0; at < pages; at++) {
    const page = at < held ? sequence?.pages[at] : undefined
    const memory = page !== undefined
    const storage = at < stored
    const isReused = at * PAGE_POSITIONS < reused
    const shared = memory ? others.filter((other) => other.pages[at] === page).length : 0
    const last = runs.at(-1)
    const isLike =
      last?.memory === memory &&
      last.storage === storage &&
      last.reused === isReused &&
      last.shared === shared &&
      last.inSight.every((inSight, view) => inSight !== isHidden(at, seen[view]))
    if (isLike) last.count++
    else {
      const inSight = seen.map((of) => !isHidden(at, of))
      runs.push({ count: 1, memory, storage, reused: isReused, shared, inSight })
    }
  }
  return {
    tokens,
    reused,
    pageTokens: PAGE_POSITIONS,
    views: list.map(({ window: { window, sinks } }, view) => ({
      layers: ofLayer.filter((other) => other === view).length,
      window,
      sinks,
      outOfSight: seen[view].start - seen[view].sinkEnd,
    })),
    runs,
    ...(engine && { pool: poolOf(engine, sequences, isOwn) }),
  }
}

function poolOf(
  { load: { pageCount: pages, pagesFree } }: Engine<Model>,
  sequences: readonly Sequence[],
  isOwn: (sequence: Sequence) => boolean,
): MemoryReport['pool'] {
  const template = pagesOf(sequences.filter(({ tenant }) => tenant === undefined))
  const own = [...pagesOf(sequences.filter(isOwn))].filter((page) => !template.has(page))
  return { pages, used: pages - pagesFree, session: own.length, template: template.size }
}

/** Numbers of pages, those that are shared once. */
function pagesOf(sequences: readonly Sequence[]): Set<number> {
  return new Set(sequences.flatMap(({ pages }) => pages.filter((page) => page !== undefined)))
}

function isolateOf(
  { model: { linearMemoryBytes, pages } }: Loaded,
  weights: number,
): SessionMemory['isolate'] {
  const pool = pages.count * pages.pageBytes
  const scratch = linearMemoryBytes - weights - pool
  return { weights, pool, scratch, heap: JS_BYTES, limit: PLATFORM_BYTES }
}
