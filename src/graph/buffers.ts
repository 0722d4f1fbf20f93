// Step buffers are where the scratch of one step lies in linear memory, by sizes of the spec alone.

import { BLOCK, PAGE_POSITIONS, storedDims, TILE_ROWS, x4Bytes } from '../kernels/layout.ts'
import type { ArenaPlan } from '../kernels/arena.ts'
import { rotaryDim, type ModelSpec } from '../models/spec.ts'
import { tableRows, type LayerRange } from '../weights/layer-range.ts'
import { FINE_ROWS } from './linear.ts'
import { stagedPages } from './staging.ts'
import type { Views } from './views.ts'

/** Rows of logits that lie in memory together: as many as the head's table is read for at once. Further ones take their place. */
export const LOGITS_AT_ONCE = 4

export type KvKind = 'q8' | 'f32'

/** Scratch for pages on their way to storage, and how many it is for, in a stage without logits, in whose place they lie otherwise. */
const STAGED_BYTES = 1e6
const STAGED_PAGES = 8

/**
 * What was measured when the model was packed; else INT8, but for families that norm each head's q and k: their scores are
 * so sharp that INT8 keys cost half as much again as INT8 activations do (logits of the Qwen 3 golden: rms 0.079 against
 * 0.056).
 */
export function servedKv({ attention }: ModelSpec): KvKind {
  return attention.kv ?? (attention.qkNorm ? 'f32' : 'q8')
}

/** Bytes of one layer of a KV page: all KV heads, PAGE_POSITIONS positions (assembly/attention). */
export function kvLayerBytes(spec: ModelSpec, kv: KvKind): number {
  const head = kv === 'q8' ? 2 * storedDims(spec.headDim) + 8 : 8 * spec.headDim
  return spec.kvHeads * PAGE_POSITIONS * head
}

/** f32 columns a row of activations takes: a multiple of 16, so that kernels may write whole tiles. */
export function padded(size: number): number {
  return Math.ceil(size / TILE_ROWS) * TILE_ROWS
}

/** Bytes from row to row of activations. */
export function rowBytes(columns: number): number {
  return padded(columns) * 4
}

/** Where each result's first row lies, and the bytes from row to row of all. */
export type SideBySide = { at: number[]; stride: number }

export type StepBuffers = ReturnType<typeof layOutScratch>

/**
 * Scratch of one step of at most `rows` rows (a multiple of 4), `logitRows` of them with logits, each seeing
 * at most `slots` key slots. All (rows, padded size) f32 unless said. What `range` does not compute has no
 * bytes.
 */
export function layOutScratch(
  arena: ArenaPlan,
  spec: ModelSpec,
  views: Views,
  range: LayerRange,
  sizes: { rows: number; logitRows: number; slots: number; pageBytes: number },
) {
  const { rows, logitRows, pageBytes } = sizes
  const hasLayers = range.from < range.to
  const slots = hasLayers ? sizes.slots : 0
  const layerRows = hasLayers ? rows : 0
  const attention = spec.heads * spec.headDim
  const kv = spec.kvHeads * spec.headDim
  const matrix = (columns: number, count = rows): number => arena.reserve(count * rowBytes(columns))
  // Several results of one input, so that matrices that are neighbours in memory are one matrix to the
  // kernels.
  const sideBySide = (...columns: number[]): SideBySide => {
    const widths = columns.map(rowBytes)
    const stride = widths.reduce((sum, width) => sum + width, 0)
    const at = arena.reserve(layerRows * stride)
    return { stride, at: widths.map((_, i) => widths.slice(0, i).reduce((sum, width) => sum + width, at)) }
  }
  const { first, end } = tableRows(spec, range)
  const logitBytes = range.head ? Math.min(logitRows, LOGITS_AT_ONCE) * rowBytes(end - first) : 0
  // Without the head, what a step's MLP needs at least: the fewer pages go at once, the more rows are written.
  const apart = Math.min(STAGED_BYTES, STAGED_PAGES * pageBytes)
  const staged = stagedPages(pageBytes, range.head ? logitBytes : Math.max(rows * rowBytes(spec.ffn), apart))
  const widest = Math.max(spec.hidden, attention, spec.ffn)
  return {
    normed: matrix(spec.hidden),
    activations: arena.reserve((rows / 4) * x4Bytes(widest)), // x1 or x4
    spare: arena.reserve(BLOCK * 4),
    fine: arena.reserve(FINE_ROWS * 4), // products of a residue
    slopes: arena.reserve(spec.heads * 4), // of ALiBi
    // Logits are made when the last layer is done, out of `normed` alone.
    ...arena.overlay(
      () => ({
        x: matrix(spec.hidden), // residual stream
        qkv: sideBySide(attention, kv, kv),
        attended: matrix(attention, layerRows),
        branch: matrix(spec.hidden, layerRows), // what a sublayer adds
        gateUp: spec.mlp.kind === 'gated' ? sideBySide(spec.ffn, spec.ffn) : sideBySide(spec.ffn),
        // By view: cos and sin of each row's position, then of its distance from the sinks.
        rotations: views.list.map(({ position }) => arena.reserve(layerRows * 2 * rotaryDim(position) * 4)),
        rotated: arena.reserve(attention * 4), // one query at its position
        rotatedSinks: arena.reserve(attention * 4), // and at the sinks' distance
        query: arena.reserve(spec.heads * (16 + storedDims(spec.headDim))),
        querySinks: arena.reserve(spec.heads * (16 + storedDims(spec.headDim))),
        table: arena.reserve((slots / PAGE_POSITIONS) * 4),
        scores: arena.reserve(spec.heads * slots * 4),
        sums: arena.reserve(spec.heads * 4),
        centred: arena.reserve(2 * spec.heads * 4), // dots of a query, turned twice, with the keys' centre
      }),
      () =>
        arena.overlay(
          () => ({ logits: arena.reserve(logitBytes) }),
          // Between steps, when logits have been read: pages that go to storage or come from there.
          () => ({ staging: { at: arena.reserve(staged * pageBytes), pages: staged } }),
        ),
    ),
    slots,
  }
}
