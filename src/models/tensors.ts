// This file lists the tensors that a spec needs, in packing order, with their shapes. A family only says what
// its checkpoint calls them.

import { IsletError } from '../lib/errors.ts'
import type { RoleTensor, RowOrder } from './family.ts'
import type { GlobalRole, LayerRole, ModelSpec } from './spec.ts'

/** Where a role lies in a checkpoint: a tensor's name (`#` = the layer), and which of its rows if not all. */
export type Place = string | { name: string; rows: RowOrder }

export type Places = Partial<Record<LayerRole | GlobalRole, Place>> & {
  /** Norm weights are stored as w, and 1 + w is meant (Gemma's checkpoints). */
  normsFromOne?: boolean
}

type Shape = { rows: number; cols: number; vector: boolean }

/** All tensors of the spec under the checkpoint's names. */
export function tensorsOf(spec: ModelSpec, places: Places): RoleTensor[] {
  const list: RoleTensor[] = [tensor(places, 'embedding', '', matrix(spec.vocab, spec.hidden))]
  for (let layer = 0; layer < spec.layers; layer++) {
    for (const [role, shape] of layerShapes(spec)) {
      list.push({ ...tensor(places, role, String(layer), shape), role: `layers.${layer}.${role}` })
    }
  }
  for (const [role, shape] of finalShapes(spec)) list.push(tensor(places, role, '', shape))
  return list
}

function layerShapes(spec: ModelSpec): [LayerRole, Shape][] {
  const { hidden, heads, kvHeads, headDim, ffn, norm, attention, mlp } = spec
  const [q, kv] = [heads * headDim, kvHeads * headDim]
  const layerNorm = norm.kind === 'layer'
  return [
    ['attn_norm', vector(hidden)],
    ...when(layerNorm, ['attn_norm_bias', vector(hidden)]),
    // Matrices that read the same input lie side by side, so that they are one to the kernels.
    ['q', matrix(q, hidden)],
    ['k', matrix(kv, hidden)],
    ['v', matrix(kv, hidden)],
    ...when(attention.bias.qkv, ['q_bias', vector(q)], ['k_bias', vector(kv)], ['v_bias', vector(kv)]),
    ...when(attention.qkNorm, ['q_norm', vector(headDim)], ['k_norm', vector(headDim)]),
    ['o', matrix(hidden, q)],
    ...when(attention.bias.out, ['o_bias', vector(hidden)]),
    ...when(norm.post, ['attn_post_norm', vector(hidden)]),
    ['mlp_norm', vector(hidden)],
    ...when(layerNorm, ['mlp_norm_bias', vector(hidden)]),
    ...when(mlp.kind === 'gated', ['gate', matrix(ffn, hidden)]),
    ['up', matrix(ffn, hidden)],
    ...when(mlp.bias, ['up_bias', vector(ffn)]),
    ['down', matrix(hidden, ffn)],
    ...when(mlp.bias, ['down_bias', vector(hidden)]),
    ...when(norm.post, ['mlp_post_norm', vector(hidden)]),
  ]
}

function finalShapes({ hidden, vocab, norm, head }: ModelSpec): [GlobalRole, Shape][] {
  return [
    ['final_norm', vector(hidden)],
    ...when<GlobalRole>(norm.kind === 'layer', ['final_norm_bias', vector(hidden)]),
    ...when<GlobalRole>(!head.tied, ['head', matrix(vocab, hidden)]),
    ...when<GlobalRole>(head.normalised, ['head_scale', vector(vocab)]),
  ]
}

function when<Role extends string = LayerRole>(
  condition: boolean,
  ...entries: [Role, Shape][]
): [Role, Shape][] {
  return condition ? entries : []
}

function tensor(places: Places, role: LayerRole | GlobalRole, layer: string, shape: Shape): RoleTensor {
  // The lengths of the head's rows are computed from the head itself.
  if (role === 'head_scale') return { ...tensor(places, 'head', layer, shape), role, compute: 'row-lengths' }
  const place = places[role]
  if (place === undefined)
    throw new IsletError('internal_error', `the family does not say where ${role} lies`)
  const { name, rows } = typeof place === 'string' ? { name: place, rows: undefined } : place
  return {
    role,
    name: name.replace('#', layer),
    ...shape,
    ...(rows === undefined ? {} : { order: rows }),
    ...(places.normsFromOne === true && shape.vector ? { compute: 'plus-one' as const } : {}),
  }
}

function matrix(rows: number, cols: number): Shape {
  return { rows, cols, vector: false }
}

function vector(cols: number): Shape {
  return { rows: 1, cols, vector: true }
}

/** `count` rows (or values) from `first` on, of a tensor with `of`. */
export function slice(of: number, first: number, count: number): RowOrder {
  return { of, first, run: count, stride: count }
}

/** Rotary pairs (2i, 2i + 1) of each head's first `rotary` rows into (i, i + rotary / 2); the rest stays. */
export function neighbours(headDim: number, rotary: number): number[] {
  return Array.from({ length: headDim }, (_, d) => {
    if (d >= rotary) return d
    return d < rotary / 2 ? 2 * d : 2 * (d - rotary / 2) + 1
  })
}

/** `order` for each head of a part of `rows` rows from `first` on, of a tensor with `of`. */
export function heads(of: number, first: number, headDim: number, order: readonly number[]): RowOrder {
  return { of, first, run: headDim, stride: headDim, order }
}
