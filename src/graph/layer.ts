// A layer holds its tensors and where each product goes: made once, so a step allocates next to nothing.

import type { LayerRole } from '../models/spec.ts'
import type { StepBuffers } from './buffers.ts'
import { joined, type Affine, type Matrix, type Product } from './linear.ts'
import type { Norm } from './norm.ts'

/** Roles that the spec does not ask for are absent. */
export type LayerTensors = Partial<Record<LayerRole, Matrix>>

export type Layer = {
  attnNorm: Norm
  qkv: Affine
  /** Without the queries, where no row of a step goes on. */
  kv: Affine
  /** Norms of each head's q and k. */
  qNorm: Matrix | undefined
  kNorm: Matrix | undefined
  o: Affine
  attnPostNorm: Norm | undefined
  mlpNorm: Norm
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
      return bias === undefined ? [] : [{ at: bias.at, size: bias.cols, out, stride }]
    }),
  })
  const [q, k, v] = b.qkv.at
  const keysAndValues: [LayerRole, LayerRole, number][] = [
    ['k', 'k_bias', k],
    ['v', 'v_bias', v],
  ]
  const [gate, up = gate] = b.gateUp.at
  return {
    attnNorm: norm('attn_norm', 'attn_norm_bias'),
    qkv: affine([['q', 'q_bias', q], ...keysAndValues], b.qkv.stride),
    kv: affine(keysAndValues, b.qkv.stride),
    qNorm: tensors.q_norm,
    kNorm: tensors.k_norm,
    o: affine([['o', 'o_bias', b.branch]], branchStride),
    attnPostNorm: tensors.attn_post_norm && norm('attn_post_norm'),
    mlpNorm: norm('mlp_norm', 'mlp_norm_bias'),
    gateUp: affine(
      tensors.gate === undefined
        ? [['up', 'up_bias', up]]
        : [
            ['gate', undefined, gate],
            ['up', 'up_bias', up],
          ],
      b.gateUp.stride,
    ),
    down: affine([['down', 'down_bias', b.branch]], branchStride),
    mlpPostNorm: tensors.mlp_post_norm && norm('mlp_post_norm'),
  }
}
