// A prompt shape holds what keys depend on besides ids and positions, all of it facts of the first prompt.
// Keys of another shape are never reused.

import type { WindowOptions } from './window.ts'
import { IsletError } from '../lib/errors.ts'
import type { ModelSpec } from '../models/spec.ts'

export type PromptShape = {
  /** Dynamic NTK's alpha; 1 within the trained length. */
  ntk: number
  /** Positions [0, prefix) see each other both ways; later ones turn as if they stood at `mask`. */
  prefix: number
  mask: number
}

/** Of most families and prompts. */
export const PLAIN: PromptShape = { ntk: 1, prefix: 0, mask: 0 }

/**
 * The shape of a first prompt. Throws invalid_request where a family's prompt lacks what gives it its
 * positions.
 */
export function promptShape(spec: ModelSpec, ids: readonly number[], window: WindowOptions): PromptShape {
  if (spec.prefix !== undefined) return { ...PLAIN, ...prefixOf(spec.prefix, ids) }
  const { position } = spec.attention.kinds[0]
  if (position.kind !== 'rope' || position.scaling.kind !== 'ntk') return PLAIN
  // No distance is longer than the window, sinks included.
  const farthest = window.window === undefined ? Infinity : window.window + window.sinks
  return { ...PLAIN, ntk: ntkAlpha(Math.min(ids.length, farthest), position.scaling.trained) }
}

/**
 * Throws context_length_exceeded: a prefix is one step, and one that no step can hold would wait for ever,
 * and all behind it.
 */
export function checkPrefix({ prefix }: PromptShape, maxRows: number): void {
  if (prefix <= maxRows) return
  throw new IsletError(
    'context_length_exceeded',
    `${prefix} tokens before the answer must be read at once, and this model has room for ${maxRows}: shorten the prompt`,
    { param: 'prompt' },
  )
}

/**
 * alpha = max(2^ceil(log2(n / trained) + 1) - 1, 1), by doubling: no logarithm near a whole number decides.
 */
export function ntkAlpha(length: number, trained: number): number {
  let reach = 1
  while (trained * reach < length) reach *= 2
  return 2 * reach - 1 > 1 ? 2 * reach - 1 : 1
}

function prefixOf(
  { start, gmask, mask }: NonNullable<ModelSpec['prefix']>,
  ids: readonly number[],
): Pick<PromptShape, 'prefix' | 'mask'> {
  const prefix = ids.indexOf(start)
  const at = ids.includes(gmask) ? ids.indexOf(gmask) : ids.indexOf(mask)
  if (prefix >= 0 && at >= 0) return { prefix, mask: at }
  const missing = prefix < 0 ? `<sop> (id ${start})` : `[gMASK] (id ${gmask}) or [MASK] (id ${mask})`
  throw new IsletError(
    'invalid_request',
    `the prompt has no ${missing}, which tells this model what to fill in`,
    {
      param: 'prompt',
    },
  )
}

/**
 * How many of `common` equal leading ids have the same keys in a sequence of shape `cached` as in one of
 * shape `wanted`.
 */
export function sharedKeys(cached: PromptShape, wanted: PromptShape, common: number): number {
  if (cached.ntk !== wanted.ntk || cached.prefix !== wanted.prefix || cached.mask !== wanted.mask) return 0
  // Within the prefix each key depends on all of it.
  return common >= wanted.prefix ? common : 0
}

/** The two numbers that a two-dimensional rotary position turns by: place in the text, and in the answer. */
export function planePosition({ prefix, mask }: PromptShape, position: number): [number, number] {
  return position < prefix ? [position, 0] : [mask, position - prefix + 1]
}
