// Configs and GGUF metadata of the LLaMA family to one spec; what the engine does not compute is refused.

import { describe, expect, it } from 'vitest'
import { factsOf } from '../../src/models/facts.ts'
import { llama } from '../../src/models/llama.ts'
import { familyOfConfig } from '../../src/models/registry.ts'
import type { ModelSpec } from '../../src/models/spec.ts'

const SMOLLM2 = {
  model_type: 'llama',
  hidden_act: 'silu',
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  vocab_size: 49152,
  max_position_embeddings: 8192,
  rope_theta: 100000,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
}

const METADATA = {
  'llama.block_count': 30,
  'llama.context_length': 8192,
  'llama.embedding_length': 576,
  'llama.feed_forward_length': 1536,
  'llama.attention.head_count': 9,
  'llama.attention.head_count_kv': 3,
  'llama.rope.freq_base': Math.fround(100000),
  'llama.attention.layer_norm_rms_epsilon': Math.fround(1e-5),
}

const fromConfig = (changes: object = {}) => llama.specFromConfig(factsOf({ ...SMOLLM2, ...changes }))
const fromGguf = (changes: object = {}) => llama.specFromGguf(factsOf({ ...METADATA, ...changes }), 49152)

const positionOf = (spec: ModelSpec) => spec.attention.kinds[0].position

it('reads the same spec from config.json and from GGUF', () => {
  const spec = fromConfig()
  expect({ ...fromGguf(), head: spec.head }).toEqual(spec)
  expect(spec).toEqual({
    family: 'llama',
    layers: 30,
    hidden: 576,
    heads: 9,
    kvHeads: 3,
    headDim: 64,
    ffn: 1536,
    vocab: 49152,
    context: 8192,
    embeddingScale: 1,
    norm: { kind: 'rms', eps: 1e-5, post: false },
    attention: {
      scale: 0.125,
      bias: { qkv: false, out: false },
      qkNorm: false,
      kinds: [{ position: { kind: 'rope', base: 100000, rotaryDim: 64, scaling: { kind: 'none' } } }],
    },
    mlp: { kind: 'gated', activation: 'silu', bias: false },
    head: { tied: true, normalised: false },
  })
})

it('knows the defaults of absent keys', () => {
  const { num_key_value_heads: _, rope_theta: __, tie_word_embeddings: ___, ...bare } = SMOLLM2
  const spec = llama.specFromConfig(factsOf(bare))
  expect(spec).toMatchObject({ kvHeads: 9, head: { tied: false } })
  expect(positionOf(spec)).toMatchObject({ base: 10000 })
  expect(positionOf(fromGguf({ 'llama.rope.freq_base': undefined }))).toMatchObject({ base: 10000 })
})

it('reads linear scaling in its three spellings', () => {
  const scaling = { kind: 'linear', factor: 4 }
  expect(positionOf(fromConfig({ rope_scaling: { type: 'linear', factor: 4 } }))).toMatchObject({ scaling })
  const parameters = { rope_type: 'linear', factor: 4, rope_theta: 5e5 }
  expect(positionOf(fromConfig({ rope_parameters: parameters }))).toMatchObject({ base: 5e5, scaling })
  const metadata = { 'llama.rope.scaling.type': 'linear', 'llama.rope.scaling.factor': 4 }
  expect(positionOf(fromGguf(metadata))).toMatchObject({ scaling })
})

describe('refusals', () => {
  const cases: [string, () => unknown, string, RegExp][] = [
    [
      'another activation',
      () => fromConfig({ hidden_act: 'gelu' }),
      'unsupported_format',
      /hidden_act is "gelu"/,
    ],
    ['attention biases', () => fromConfig({ attention_bias: true }), 'unsupported_format', /attention_bias/],
    [
      'another scaling',
      () => fromConfig({ rope_scaling: { rope_type: 'llama3', factor: 8 } }),
      'unsupported_format',
      /llama3/,
    ],
    [
      'half a head',
      () => fromConfig({ num_attention_heads: 7, num_key_value_heads: 7 }),
      'invalid_file',
      /head_dim/,
    ],
    ['heads that cannot be grouped', () => fromConfig({ num_key_value_heads: 2 }), 'invalid_file', /evenly/],
    ['heads of odd size', () => fromConfig({ head_dim: 63 }), 'invalid_file', /no rotary pairs/],
    ['layers without end', () => fromConfig({ num_hidden_layers: 1e9 }), 'invalid_file', /from 1 to 1024/],
    ['a size that is text', () => fromConfig({ hidden_size: '576' }), 'invalid_file', /hidden_size is "576"/],
    ['a negative epsilon', () => fromConfig({ rms_norm_eps: -1 }), 'invalid_file', /rms_norm_eps/],
    [
      'an absent size',
      () => fromGguf({ 'llama.block_count': undefined }),
      'invalid_file',
      /block_count is missing/,
    ],
    ['experts', () => fromGguf({ 'llama.expert_count': 8 }), 'unsupported_format', /expert_count/],
    [
      'half rotary heads',
      () => fromGguf({ 'llama.rope.dimension_count': 32 }),
      'unsupported_format',
      /dimension_count is 32/,
    ],
    [
      'heads that differ by layer',
      () => fromGguf({ 'llama.attention.head_count_kv': [3, 1] }),
      'invalid_file',
      /head_count_kv/,
    ],
    [
      'another family',
      () => familyOfConfig(factsOf({ model_type: 'mamba' })),
      'unsupported_format',
      /model_type is mamba/,
    ],
  ]
  for (const [what, make, code, message] of cases) {
    it(what, () => {
      expect(make).toThrow(message)
      expect(make).toThrow(expect.objectContaining({ code }))
    })
  }
})
