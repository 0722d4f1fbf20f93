// This file measures what an isolate holds that has a part of a model, by the plan of the engine.

import type { WindowOptions } from '../cache/window.ts'
import { chainPages, hubBytes } from '../graph/chain-memory.ts'
import { planMemory } from '../graph/memory-layout.ts'
import { ISOLATE_BYTES, JS_BYTES, LINEAR_BYTES } from '../lib/limits.ts'
import { isWhole, type LayerRange } from '../weights/layer-range.ts'
import type { Manifest } from '../weights/manifest.ts'
import { rangeOf } from '../weights/range.ts'
import { weightBytes } from '../weights/stream.ts'

/** What each stage is planned with, and what its isolate may hold. */
export type PlanSettings = {
  window: WindowOptions
  /** Rows of a step. */
  chunk: number
  /** Rows of a step that may have logits. */
  logitRows: number
  maxPositions?: number
  isolateBytes?: number
  linearBytes?: number
}

export type PackedWhole = Pick<Manifest, 'spec' | 'tensors' | 'shards' | 'tokenizer'>

/** A range, and whether it is of the script with the tokenizer, the first of a chain. */
export type Part = { range: LayerRange; isHub: boolean }

export type StageMemory = {
  /** Bytes of the weights of a range. */
  weights(range: LayerRange): number
  /** Bytes of the isolate: linear memory, JavaScript, and of a hub the tokenizer and logits that come from elsewhere. */
  total(part: Part): number
  fits(part: Part): boolean
}

export function stageMemory(whole: PackedWhole, settings: PlanSettings): StageMemory {
  const { spec } = whole
  const { window, chunk, logitRows, maxPositions } = settings
  const { isolateBytes = ISOLATE_BYTES, linearBytes = LINEAR_BYTES } = settings
  // Of a planner's many ranges each is a sum of the same few.
  const layers = Array.from({ length: spec.layers }, (_, from) =>
    weightBytes(rangeOf(whole, { from, to: from + 1, embedding: false, head: false })),
  )
  const weights = ({ from, to, embedding, head, rows }: LayerRange): number => {
    const sum = layers.slice(from, to).reduce((sum, bytes) => sum + bytes, 0)
    if (!embedding && !head) return sum
    const at = embedding ? 0 : spec.layers
    return sum + weightBytes(rangeOf(whole, { from: at, to: at, embedding, head, ...(rows && { rows }) }))
  }
  const js = ({ range, isHub }: Part): number => {
    if (!isHub) return JS_BYTES
    return JS_BYTES + hubBytes(whole, range, logitRows)
  }
  const pages = chainPages(spec, { window, chunk, maxPositions })
  const linear = (range: LayerRange): number => {
    const options = { window, chunk, logitRows, maxPositions, range, ...(!isWhole(spec, range) && { pages }) }
    return planMemory(spec, weights(range), options).totalBytes
  }
  return {
    weights,
    total: (part) => linear(part.range) + js(part),
    fits(part) {
      // Most ranges are ruled out by their weights alone.
      if (weights(part.range) + js(part) > isolateBytes) return false
      const bytes = linear(part.range)
      return bytes <= linearBytes && bytes + js(part) <= isolateBytes
    },
  }
}
