// Qwen 3: one spec from config and GGUF, norms on the heads of q and k, and refusals.

import { describe, expect, it } from 'vitest'
import { factsOf } from '../../src/models/facts.ts'
import { qwen3 } from '../../src/models/qwen3.ts'
import { familyOfConfig, familyOfGguf } from '../../src/models/registry.ts'
import { describeFlags, describeHostile, describeRefusals, realConfig } from '../helpers/configs.ts'

const fromConfig = (changes: object = {}) =>
  qwen3.specFromConfig(factsOf({ ...realConfig('qwen3-0.6b'), ...changes }))

const METADATA = {
  'general.architecture': 'qwen3',
  'qwen3.block_count': 28,
  'qwen3.context_length': 40960,
  'qwen3.embedding_length': 1024,
  'qwen3.feed_forward_length': 3072,
  'qwen3.attention.head_count': 16,
  'qwen3.attention.head_count_kv': 8,
  'qwen3.attention.key_length': 128,
  'qwen3.attention.value_length': 128,
  'qwen3.attention.layer_norm_rms_epsilon': Math.fround(1e-6),
  'qwen3.rope.freq_base': 1_000_000,
}
const fromGguf = (changes: object = {}) => qwen3.specFromGguf(factsOf({ ...METADATA, ...changes }), 151936)

it('reads one spec from config.json and GGUF', () => {
  expect(familyOfConfig(factsOf(realConfig('qwen3-0.6b')))).toBe(qwen3)
  expect(familyOfGguf(factsOf(METADATA))).toBe(qwen3)
  const spec = fromConfig()
  expect({ ...fromGguf(), head: spec.head }).toEqual(spec)
  expect(spec).toEqual({
    family: 'qwen3',
    layers: 28,
    hidden: 1024,
    heads: 16,
    kvHeads: 8,
    headDim: 128, // not hidden / heads
    ffn: 3072,
    vocab: 151936,
    context: 40960,
    embeddingScale: 1,
    norm: { kind: 'rms', eps: 1e-6, post: false },
    attention: {
      scale: 1 / Math.sqrt(128),
      bias: { qkv: false, out: false },
      qkNorm: true,
      kinds: [{ position: { kind: 'rope', base: 1e6, rotaryDim: 128, scaling: { kind: 'none' } } }],
    },
    mlp: { kind: 'gated', activation: 'silu', bias: false },
    head: { tied: true, normalised: false },
  })
})

it.each(['huggingface', 'gguf'] as const)(
  '%s: each layer has a norm of one head for q and for k',
  (naming) => {
    const tensors = qwen3.tensors(fromConfig(), naming)
    for (const role of ['layers.27.q_norm', 'layers.27.k_norm'])
      expect(tensors.find((tensor) => tensor.role === role)).toMatchObject({ vector: true, cols: 128 })
    expect(tensors.filter(({ role }) => role.endsWith('_norm') && role.startsWith('layers.0.'))).toHaveLength(
      4,
    )
    expect(
      tensors.some(({ role }) => role === 'head'),
      'a tied head is not read twice',
    ).toBe(false)
  },
)

it('sliding layers and YaRN are read as in Qwen 2', () => {
  const { attention } = fromConfig({
    num_hidden_layers: 3,
    use_sliding_window: true,
    sliding_window: 1024,
    max_window_layers: 2,
    rope_scaling: { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32768 },
  })
  expect(attention).toMatchObject({ qkNorm: true, kindOfLayer: [0, 0, 1] })
  expect(attention.kinds[1]).toMatchObject({
    window: 1024,
    position: { scaling: { kind: 'yarn', trained: 32768 } },
  })
})

describeRefusals([
  ['another activation', () => fromConfig({ hidden_act: 'relu' }), 'unsupported_format', /hidden_act/],
  ['biases', () => fromConfig({ attention_bias: true }), 'unsupported_format', /attention_bias/],
  ['heads of odd size', () => fromConfig({ head_dim: 127 }), 'invalid_file', /no rotary pairs/],
  [
    'groups that do not divide',
    () => fromConfig({ num_key_value_heads: 5 }),
    'invalid_file',
    /cannot share 5/,
  ],
  [
    'the models of experts',
    () => familyOfConfig(factsOf({ model_type: 'qwen3_moe' })),
    'unsupported_format',
    /model_type is qwen3_moe; .*qwen3/,
  ],
])

describe('of config.json', () => {
  describeHostile(fromConfig, {
    sizes: [
      'hidden_size',
      'num_attention_heads',
      'num_hidden_layers',
      'vocab_size',
      'intermediate_size',
      'head_dim',
    ],
    numbers: ['rms_norm_eps', 'rope_theta'],
  })
  describeFlags(fromConfig, ['tie_word_embeddings', 'use_sliding_window', 'attention_bias'])
})

describe('of GGUF', () => {
  describeHostile(fromGguf, {
    sizes: ['qwen3.block_count', 'qwen3.attention.key_length', 'qwen3.attention.head_count_kv'],
    numbers: ['qwen3.rope.freq_base', 'qwen3.attention.layer_norm_rms_epsilon'],
  })
})
