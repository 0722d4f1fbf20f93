// The tensors that a spec needs have the shapes of its heads, and the rows of a checkpoint that are meant.

import { expect, it } from 'vitest'
import { decoder } from '../../src/models/decoder.ts'
import type { ModelSpec } from '../../src/models/spec.ts'
import { heads, neighbours, slice, tensorsOf, type Places } from '../../src/models/tensors.ts'

const SIZES = { layers: 2, hidden: 48, heads: 6, kvHeads: 2, headDim: 16, ffn: 80, vocab: 100, context: 64 }
const spec: ModelSpec = {
  ...decoder('llama', SIZES, 1e-5, { kind: 'rope', base: 10000, rotaryDim: 16, scaling: { kind: 'none' } }),
}
const everything: ModelSpec = {
  ...spec,
  norm: { ...spec.norm, kind: 'layer', post: true },
  attention: { ...spec.attention, bias: { qkv: true, out: true }, qkNorm: true },
  mlp: { ...spec.mlp, bias: true },
  head: { tied: false, normalised: true },
}
const WIDTHS = { q: 96, kv: 32 }

it('have the shapes of their roles, each layer its own', () => {
  const names = new Proxy({} as Places, {
    get: (_, role) => (role === 'normsFromOne' ? false : `#.${String(role)}`),
  })
  const found = new Map(
    tensorsOf(everything, names).map(({ role, rows, cols, vector }) => [role, [rows, cols, vector]]),
  )
  const { hidden, headDim, ffn, vocab } = SIZES
  const layer: Record<string, [number, number, boolean]> = {
    q: [WIDTHS.q, hidden, false],
    k: [WIDTHS.kv, hidden, false],
    v: [WIDTHS.kv, hidden, false],
    o: [hidden, WIDTHS.q, false],
    gate: [ffn, hidden, false],
    up: [ffn, hidden, false],
    down: [hidden, ffn, false],
    q_bias: [1, WIDTHS.q, true],
    k_bias: [1, WIDTHS.kv, true],
    v_bias: [1, WIDTHS.kv, true],
    o_bias: [1, hidden, true],
    up_bias: [1, ffn, true],
    down_bias: [1, hidden, true],
    q_norm: [1, headDim, true],
    k_norm: [1, headDim, true],
  }
  for (const norm of [
    'attn_norm',
    'attn_norm_bias',
    'attn_post_norm',
    'mlp_norm',
    'mlp_norm_bias',
    'mlp_post_norm',
  ])
    layer[norm] = [1, hidden, true]
  for (const [role, shape] of Object.entries(layer))
    for (const index of [0, 1]) expect(found.get(`layers.${index}.${role}`), role).toEqual(shape)
  expect(found.get('embedding')).toEqual([vocab, hidden, false])
  expect(found.get('head')).toEqual([vocab, hidden, false])
  expect(found.get('head_scale')).toEqual([1, vocab, true])
  expect(found.size).toBe(2 * Object.keys(layer).length + 5)
})

it('of which none is asked for that the spec does not have', () => {
  const names = new Proxy({} as Places, {
    get: (_, role) => (role === 'normsFromOne' ? false : `#.${String(role)}`),
  })
  const roles = tensorsOf({ ...spec, head: { tied: true, normalised: false } }, names).map(({ role }) => role)
  expect(roles.filter((role) => /bias|q_norm|post|^head/.test(role))).toEqual([])
})

it('are parts of a stored one, or rows of each head in another order', () => {
  expect(slice(30, 10, 5)).toEqual({ of: 30, first: 10, run: 5, stride: 5 })
  expect(neighbours(8, 6)).toEqual([0, 2, 4, 1, 3, 5, 6, 7])
  expect(heads(64, 32, 8, neighbours(8, 8))).toEqual({
    of: 64,
    first: 32,
    run: 8,
    stride: 8,
    order: [0, 2, 4, 6, 1, 3, 5, 7],
  })
})
