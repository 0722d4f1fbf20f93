// Calibration is what a text showed of the inputs of a model's matrices: mean and variance by column.

import { padded, servedKv } from '../graph/buffers.ts'
import type { ModelSpec } from '../models/spec.ts'
import type { ColumnWeights } from './fit.ts'

/** Of the columns of one input. */
export type InputStatistics = { mean: Float32Array; variance: Float32Array }

/** By input: `layers.N.attn`, `layers.N.o`, `layers.N.mlp`, `layers.N.down`, `head`; and `layers.N.key`, keys as they are cached. */
export type Calibration = ReadonlyMap<string, InputStatistics>

/** A vector that packing adds: a centre, negated, or the product of matrices with one. */
export type CentreTensor = {
  role: string
  cols: number
  /** What is subtracted. */
  input: string
  /** Roles of the matrices, each with its bias and the column where its results begin. None: the centre itself. */
  matrices: readonly { role: string; bias: string; at: number }[]
}

/**
 * A column weighs no less than this share of the mean. What calibration saw little of may still come, and rows of a tied
 * table are embeddings too, whose columns all count.
 */
const LEAST_WEIGHT = 0.02

const INPUTS: Readonly<Record<string, string>> = {
  q: 'attn',
  k: 'attn',
  v: 'attn',
  o: 'o',
  gate: 'mlp',
  up: 'mlp',
  down: 'down',
}

/** The input that the matrix `role` is multiplied by; undefined for an embedding that is no head. */
export function inputOf(role: string, { head }: Pick<ModelSpec, 'head'>): string | undefined {
  if (role === 'embedding') return head.tied ? 'head' : undefined
  if (role === 'head') return 'head'
  const [, layer, name] = /^(layers\.\d+)\.(\w+)$/.exec(role) ?? []
  return name in INPUTS ? `${layer}.${INPUTS[name]}` : undefined
}

/** Whether centres can be subtracted: not where the residual stream goes on from a normed input. */
export function takesCentres({ residual }: Pick<ModelSpec, 'residual'>): boolean {
  return residual === undefined
}

/** What the columns of `role` weigh in a sum of squared errors: about 1 in the mean. Undefined where nothing is known. */
export function columnWeights(
  calibration: Calibration | undefined,
  role: string,
  spec: ModelSpec,
): ColumnWeights | undefined {
  const input = inputOf(role, spec)
  const known = input === undefined ? undefined : calibration?.get(input)
  if (input === undefined || known === undefined) return undefined
  const centred = takesCentres(spec) && CENTRED.test(input)
  const moments = Float64Array.from(known.variance, (variance, i) =>
    centred ? variance : variance + known.mean[i] * known.mean[i],
  )
  const mean = moments.reduce((sum, moment) => sum + moment, 0) / moments.length
  return mean > 0 ? moments.map((moment) => moment / mean + LEAST_WEIGHT) : undefined
}

/** Inputs whose centre is subtracted: what is gained by others is not worth their bytes (docs/quantising.md). */
const CENTRED = /(^|\.)(attn|head)$/

/** The vectors that packing adds behind a layer's tensors, or behind all (`layer` undefined), in their order. */
export function centresOf(
  spec: ModelSpec,
  calibration: Calibration,
  layer: number | undefined,
): CentreTensor[] {
  if (!takesCentres(spec)) return []
  const tensors = layer === undefined ? headCentres(spec) : layerCentres(spec, `layers.${layer}`)
  return tensors.filter(({ input }) => calibration.has(input))
}

function headCentres({ hidden, vocab, head }: ModelSpec): CentreTensor[] {
  const role = head.tied ? 'embedding' : 'head'
  return [
    { role: 'head_centre', cols: hidden, input: 'head', matrices: [] },
    { role: 'head_offset', cols: vocab, input: 'head', matrices: [{ role, bias: '', at: 0 }] },
  ]
}

function layerCentres(spec: ModelSpec, layer: string): CentreTensor[] {
  const { hidden, heads, kvHeads, headDim } = spec
  const [q, kv] = [padded(heads * headDim), padded(kvHeads * headDim)]
  const matrices = [
    { role: 'q', at: 0 },
    { role: 'k', at: q },
    { role: 'v', at: q + kv },
  ].map(({ role, at }) => ({ role: `${layer}.${role}`, bias: `${layer}.${role}_bias`, at }))
  return [
    { role: `${layer}.attn_centre`, cols: hidden, input: `${layer}.attn`, matrices: [] },
    { role: `${layer}.qkv_offset`, cols: q + 2 * kv, input: `${layer}.attn`, matrices },
    ...(servedKv(spec) === 'f32'
      ? []
      : [{ role: `${layer}.key_centre`, cols: kvHeads * headDim, input: `${layer}.key`, matrices: [] }]),
  ]
}
