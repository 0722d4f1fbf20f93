// A layer holds its tensors and where each product goes: made once, so a step allocates next to nothing.

import type { LayerCentre, LayerRole } from '../models/spec.ts'
import type { StepBuffers } from './buffers.ts'
import { joined, type Addend, type Affine, type Matrix, type Product } from './linear.ts'
import type { Norm } from './norm.ts'

/** Roles that the spec does not ask for are absent, and centres that the packed model does not have. */
export type LayerTensors = Partial<Record<LayerRole, Matrix> & Record<LayerCentre, Addend>>

export type Layer = {
  attnNorm: Norm
  attnCentre: Addend | undefined
  qkv: Affine
  /** Without the queries, where no row of a step goes on. */
  kv: Affine
  /** Norms of each head's q and k. */
  qNorm: Matrix | undefined
  kNorm: Matrix | undefined
  keyCentre: Addend | undefined
  /** How far the key of position 0 is from the others' centre. */
  firstKey: Addend | undefined
  o: Affine
  attnPostNorm: Norm | undefined
  mlpNorm: Norm
  mlpCentre: Addend | undefined
  gateUp: Affine
  down: Affine
  mlpPostNorm: Norm | undefined
}

/** `branchStride`: bytes from row to row of what a sublayer adds. */
export function layerOf(tensors: LayerTensors, b: StepBuffers, branchStride: number): Layer {
  const need = (role: LayerRole): Matrix => {
    const tensor = tensors[role]
    if (tensor === undefined) throw new Error(`the graph asks for ${role}, which the spec does not have`)
    return tensor
  }
  const norm = (weight: LayerRole, bias?: LayerRole): Norm => ({
    weight: need(weight),
    bias: bias === undefined ? undefined : tensors[bias],
  })
  const affine = (parts: [LayerRole, LayerRole | undefined, number][], stride: number): Affine => ({
    products: joined(parts.map(([role, , out]): Product => ({ matrix: need(role), out, stride }))),
    biases: parts.flatMap(([, role, out]) => {
      const bias = role === undefined ? undefined : tensors[role]
      return bias === undefined ? [] : [{ at: bias.at, kind: 'f32', cols: bias.cols, out, stride }]
    }),
  })
  const [q, k, v] = b.qkv.at
  const keysAndValues: [LayerRole, LayerRole, number][] = [
    ['k', 'k_bias', k],
    ['v', 'v_bias', v],
  ]
  const [gate, up = gate] = b.gateUp.at
  const qkv = affine([['q', 'q_bias', q], ...keysAndValues], b.qkv.stride)
  const gateUp = affine(
    tensors.gate === undefined
      ? [['up', 'up_bias', up]]
      : [
          ['gate', undefined, gate],
          ['up', 'up_bias', up],
        ],
    b.gateUp.stride,
  )
  return {
    attnNorm: norm('attn_norm', 'attn_norm_bias'),
    attnCentre: tensors.attn_centre,
    qkv: withOffset(qkv, tensors.qkv_offset, 0, q),
    kv: withOffset(affine(keysAndValues, b.qkv.stride), tensors.qkv_offset, k - q, k),
    qNorm: tensors.q_norm,
    kNorm: tensors.k_norm,
    keyCentre: tensors.key_centre,
    firstKey: tensors.first_key_centre,
    o: affine([['o', 'o_bias', b.branch]], branchStride),
    attnPostNorm: tensors.attn_post_norm && norm('attn_post_norm'),
    mlpNorm: norm('mlp_norm', 'mlp_norm_bias'),
    mlpCentre: tensors.mlp_centre,
    gateUp: withOffset(gateUp, tensors.mlp_offset, 0, gate),
    down: affine([['down', 'down_bias', b.branch]], branchStride),
    mlpPostNorm: tensors.mlp_post_norm && norm('mlp_post_norm'),
  }
}

/**
 * Products whose results lie side by side as the offset's values do, from its column `first` / 4 on; it holds the biases,
 * whose place it takes.
 */
function withOffset(affine: Affine, offset: Addend | undefined, first: number, out: number): Affine {
  if (offset === undefined) return affine
  const { at, kind, cols } = offset
  const bias = {
    at: at + (kind === 'f16' ? first / 2 : first),
    kind,
    cols: cols - first / 4,
    out,
    stride: affine.products[0].stride,
  }
  return { ...affine, biases: [bias] }
}
