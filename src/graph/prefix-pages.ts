// Prefix pages are computed once, when a model is packed, and every later engine begins with them.

import type { WindowOptions } from '../cache/window.ts'
import { discard } from '../lib/byte-reader.ts'
import { PAGE_POSITIONS } from '../kernels/layout.ts'
import type { ModelSpec } from '../models/spec.ts'
import type { Manifest } from '../weights/manifest.ts'
import { PREFIX_VERSION, readPrefix } from '../weights/packed-prefix.ts'
import type { ByteSource } from '../weights/source.ts'
import type { LocalModel, Model } from './model.ts'

/** Ids and the pages that hold their K and V, as `readPage` gives them; `taken` is called when nobody needs these bytes any more. */
export type Seed = { ids: readonly number[]; pages: readonly Uint8Array[]; taken?: () => void }

/**
 * Computes the pages of `ids` on a model that is used for nothing else: the same bytes by any chunk and host.
 * Slots behind the last position are zeros.
 */
export function computePages(model: LocalModel, ids: readonly number[]): Uint8Array[] {
  const pages = Array.from({ length: Math.ceil(ids.length / PAGE_POSITIONS) }, (_, page) => page)
  for (const page of pages) model.pages.write(page, new Uint8Array(model.pages.pageBytes))
  for (let from = 0; from < ids.length; from += model.maxRows) {
    const chunk = ids.slice(from, from + model.maxRows)
    model.run(chunk.map((id, i) => ({ id, position: from + i, pages, yields: 'nothing' })))
  }
  return pages.map((page) => model.pages.read(page))
}

/**
 * Leading positions whose keys and values are the same with and without a window: what no layer's window has
 * cut yet.
 */
export function uncutPositions({ attention }: ModelSpec, { window, byDepth = [] }: WindowOptions): number {
  const own = attention.kinds.map((kind) => kind.window)
  return [...own, ...byDepth, window].reduce((least: number, one) => Math.min(least, one ?? least), Infinity)
}

/**
 * The prefix of a packed model for `model`; undefined where it has none that fits its pages and this program.
 * Throws where the file is missing or damaged: nothing but time is lost with it.
 */
export async function loadPrefix(
  { prefix, spec }: Manifest,
  source: ByteSource,
  model: Pick<Model, 'pages' | 'window'>,
): Promise<Seed | undefined> {
  if (prefix === undefined || prefix.version !== PREFIX_VERSION || prefix.pageBytes !== model.pages.pageBytes)
    return undefined
  const ids = prefix.ids.slice(0, uncutPositions(spec, model.window))
  const pages = await readPrefix(prefix, source)
  // The pages are parts of one buffer.
  const buffer = pages[0]?.buffer as ArrayBuffer | undefined
  return {
    ids,
    pages: pages.slice(0, Math.ceil(ids.length / PAGE_POSITIONS)),
    taken: () => discard(buffer),
  }
}
