// Calibration is what a text showed of the inputs of a model's matrices: mean and variance by column.

import { padded, servedKv } from '../graph/buffers.ts'
import type { ModelSpec } from '../models/spec.ts'
import type { ColumnWeights } from './fit.ts'

/** Of the columns of one input. */
export type InputStatistics = { mean: Float32Array; variance: Float32Array }

/**
 * By input: `layers.N.attn`, `layers.N.o`, `layers.N.mlp`, `layers.N.down`, `head`; and of keys as they are cached
 * `layers.N.key`, behind position 0, and `layers.N.first_key`, at it.
 */
export type Calibration = ReadonlyMap<string, InputStatistics>

/** A vector that packing adds: a centre, negated, or the product of matrices with one. */
export type CentreTensor = {
  role: string
  cols: number
  /** In 16 bits where that is enough: not what floats are multiplied by. */
  kind: 'f32' | 'f16'
  /** What is subtracted: the mean of this input, less that of another that is subtracted anyway. */
  input: string
  beyond?: string
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
const CENTRED = /(^|\.)(attn|mlp|head)$/

/**
 * The vectors that packing adds behind a layer's tensors, or behind all (`layer` undefined), in their order; `exact`: none in
 * 16 bits.
 */
export function centresOf(
  spec: ModelSpec,
  calibration: Calibration,
  layer: number | undefined,
  exact: boolean,
): CentreTensor[] {
  if (!takesCentres(spec)) return []
  const kind = exact ? 'f32' : 'f16'
  const tensors = layer === undefined ? headCentres(spec, kind) : layerCentres(spec, `layers.${layer}`, kind)
  return tensors.filter(({ input }) => calibration.has(input))
}

function headCentres({ hidden, vocab, head }: ModelSpec, kind: CentreTensor['kind']): CentreTensor[] {
  const role = head.tied ? 'embedding' : 'head'
  return [
    { role: 'head_centre', cols: hidden, kind, input: 'head', matrices: [] },
    { role: 'head_offset', cols: vocab, kind, input: 'head', matrices: [{ role, bias: '', at: 0 }] },
  ]
}

function layerCentres(spec: ModelSpec, layer: string, kind: CentreTensor['kind']): CentreTensor[] {
  const { hidden, heads, kvHeads, headDim, ffn, mlp } = spec
  const attention = { q: heads * headDim, k: kvHeads * headDim, v: kvHeads * headDim }
  const inner: Readonly<Record<string, number>> = mlp.kind === 'gated' ? { gate: ffn, up: ffn } : { up: ffn }
  const ofInput = (input: string, offset: string, rows: Readonly<Record<string, number>>): CentreTensor[] => {
    let cols = 0
    const matrices = Object.entries(rows).map(([role, count]) => {
      const at = cols
      cols += padded(count)
      return { role: `${layer}.${role}`, bias: `${layer}.${role}_bias`, at }
    })
    const from = `${layer}.${input}`
    return [
      { role: `${from}_centre`, cols: hidden, kind, input: from, matrices: [] },
      { role: `${layer}.${offset}`, cols, kind, input: from, matrices },
    ]
  }
  const keys = { cols: kvHeads * headDim, kind: 'f32', matrices: [] } as const
  const key = `${layer}.key`
  const first = `${layer}.first_key`
  return [
    ...ofInput('attn', 'qkv_offset', attention),
    ...ofInput('mlp', 'mlp_offset', inner),
    ...(servedKv(spec) === 'f32'
      ? []
      : [
          { ...keys, role: `${key}_centre`, input: key },
          { ...keys, role: `${first}_centre`, input: first, beyond: key },
        ]),
  ]
}
