// Gemma 3 (text): one spec from config and GGUF, which layers slide, rotary parameters old and new, and refusals.

import { describe, expect, it } from 'vitest'
import { factsOf } from '../../src/models/facts.ts'
import { gemma3 } from '../../src/models/gemma3.ts'
import { familyOfConfig, familyOfGguf } from '../../src/models/registry.ts'
import { describeFlags, describeHostile, describeRefusals } from '../helpers/configs.ts'

/** Gemma 3 1B's sizes, from its report (arXiv 2503.19786) and llama.cpp's metadata. */
const CONFIG = {
  model_type: 'gemma3_text',
  attn_logit_softcapping: null,
  final_logit_softcapping: null,
  head_dim: 256,
  hidden_activation: 'gelu_pytorch_tanh',
  hidden_size: 1152,
  intermediate_size: 6912,
  max_position_embeddings: 32768,
  num_attention_heads: 4,
  num_hidden_layers: 26,
  num_key_value_heads: 1,
  query_pre_attn_scalar: 256,
  rms_norm_eps: 1e-6,
  rope_local_base_freq: 10000,
  rope_scaling: null,
  rope_theta: 1_000_000,
  sliding_window: 512,
  sliding_window_pattern: 6,
  vocab_size: 262144,
}
const METADATA = {
  'general.architecture': 'gemma3',
  'gemma3.block_count': 26,
  'gemma3.context_length': 32768,
  'gemma3.embedding_length': 1152,
  'gemma3.feed_forward_length': 6912,
  'gemma3.attention.head_count': 4,
  'gemma3.attention.head_count_kv': 1,
  'gemma3.attention.key_length': 256,
  'gemma3.attention.value_length': 256,
  'gemma3.attention.layer_norm_rms_epsilon': Math.fround(1e-6),
  'gemma3.attention.sliding_window': 512,
  'gemma3.rope.freq_base': 1_000_000,
}
const fromConfig = (changes: object = {}) => gemma3.specFromConfig(factsOf({ ...CONFIG, ...changes }))
const fromGguf = (changes: object = {}) => gemma3.specFromGguf(factsOf({ ...METADATA, ...changes }), 262144)
const positions = (changes: object) => fromConfig(changes).attention.kinds.map(({ position }) => position)

it('reads one spec from config.json and GGUF', () => {
  expect(familyOfConfig(factsOf(CONFIG))).toBe(gemma3)
  expect(familyOfGguf(factsOf(METADATA))).toBe(gemma3)
  const spec = fromConfig()
  expect({ ...fromGguf(), head: spec.head }).toEqual(spec)
  const rope = { kind: 'rope', rotaryDim: 256, scaling: { kind: 'none' } }
  const five = [1, 1, 1, 1, 1, 0]
  expect(spec).toEqual({
    family: 'gemma3',
    layers: 26,
    hidden: 1152,
    heads: 4,
    kvHeads: 1,
    headDim: 256,
    ffn: 6912,
    vocab: 262144,
    context: 32768,
    embeddingScale: Math.sqrt(1152),
    norm: { kind: 'rms', eps: 1e-6, post: true },
    attention: {
      scale: 1 / 16,
      bias: { qkv: false, out: false },
      qkNorm: true,
      kinds: [{ position: { ...rope, base: 1e6 } }, { window: 512, position: { ...rope, base: 10000 } }],
      kindOfLayer: [...five, ...five, ...five, ...five, 1, 1],
    },
    mlp: { kind: 'gated', activation: 'gelu_tanh', bias: false },
    head: { tied: true, normalised: false },
  })
})

describe('which layers slide', () => {
  const kinds = (changes: object) => fromConfig({ num_hidden_layers: 4, ...changes }).attention.kindOfLayer
  it('by a pattern in either spelling, six where none is named', () => {
    expect(kinds({ sliding_window_pattern: 2 })).toEqual([1, 0, 1, 0])
    expect(kinds({ sliding_window_pattern: undefined, _sliding_window_pattern: 3 })).toEqual([1, 1, 0, 1])
    expect(kinds({ sliding_window_pattern: undefined, num_hidden_layers: 7 })).toEqual([1, 1, 1, 1, 1, 0, 1])
    expect(kinds({ sliding_window_pattern: 1 })).toEqual([0, 0, 0, 0])
  })
  it('by a list, before any pattern', () => {
    const [full, sliding] = ['full_attention', 'sliding_attention']
    expect(kinds({ layer_types: [full, sliding, sliding, full] })).toEqual([0, 1, 1, 0])
  })
  describeRefusals([
    [
      'a list of another length',
      () => kinds({ layer_types: [] }),
      'invalid_file',
      /layer_types is \[\]; a list of 4/,
    ],
    [
      'a list of numbers',
      () => kinds({ layer_types: [0, 1, 1, 1] }),
      'unsupported_format',
      /layer_types has 0/,
    ],
    ['no pattern', () => kinds({ sliding_window_pattern: 0 }), 'invalid_file', /sliding_window_pattern is 0/],
    [
      'a pattern of text',
      () => kinds({ sliding_window_pattern: 'LLLLLG' }),
      'invalid_file',
      /sliding_window_pattern/,
    ],
  ])
})

describe('rotary parameters', () => {
  const none = { kind: 'none' }
  it('linear scaling is of the full layers alone', () => {
    const [global, local] = positions({ rope_scaling: { rope_type: 'linear', factor: 8 } })
    expect(global).toMatchObject({ base: 1e6, scaling: { kind: 'linear', factor: 8 } })
    expect(local).toMatchObject({ base: 10000, scaling: none })
  })
  it('newer configs keep one set for each type of layer', () => {
    const { rope_theta: _, rope_local_base_freq: __, ...bare } = CONFIG
    const rope_parameters = {
      full_attention: { rope_type: 'linear', factor: 8, rope_theta: 2e6 },
      sliding_attention: { rope_type: 'default', rope_theta: 20000 },
    }
    const { kinds } = gemma3.specFromConfig(factsOf({ ...bare, rope_parameters })).attention
    expect(kinds[0].position).toMatchObject({ base: 2e6, scaling: { kind: 'linear', factor: 8 } })
    expect(kinds[1].position).toMatchObject({ base: 20000, scaling: none })
  })
  it('one type may be left to the defaults', () => {
    const only = (rope_parameters: object) => positions({ rope_theta: undefined, rope_parameters })
    expect(only({ full_attention: { rope_type: 'default' } })).toMatchObject([{ base: 1e6 }, { base: 10000 }])
    expect(only({ sliding_attention: { rope_theta: 5000 } })).toMatchObject([{ base: 1e6 }, { base: 5000 }])
    expect(only({ rope_type: 'linear', factor: 4, rope_theta: 3e6 })).toMatchObject([
      { base: 3e6, scaling: { kind: 'linear', factor: 4 } },
      { base: 10000, scaling: none },
    ])
  })
  it('a GGUF file may name the base of sliding layers', () => {
    expect(fromGguf({ 'gemma3.rope.freq_base_swa': 5000 }).attention.kinds[1].position).toMatchObject({
      base: 5000,
    })
    const linear = { 'gemma3.rope.scaling.type': 'linear', 'gemma3.rope.scaling.factor': 8 }
    expect(fromGguf(linear).attention.kinds.map(({ position }) => position)).toMatchObject([
      { scaling: { kind: 'linear', factor: 8 } },
      { scaling: none },
    ])
  })
  const parameters = (rope_parameters: unknown) => () => fromConfig({ rope_parameters })
  describeRefusals([
    ['a text', parameters('linear'), 'invalid_file', /rope_parameters is "linear"; an object/],
    [
      'a text inside',
      parameters({ full_attention: 'linear' }),
      'invalid_file',
      /rope_parameters is "linear"; an object/,
    ],
    [
      'a base of text',
      parameters({ sliding_attention: { rope_theta: '1e4' } }),
      'invalid_file',
      /rope_theta is "1e4"/,
    ],
    [
      'another scaling',
      parameters({ full_attention: { rope_type: 'llama3', factor: 8 } }),
      'unsupported_format',
      /llama3/,
    ],
  ])
})

it('the 27B model scales by another number than its head', () => {
  const large = {
    num_hidden_layers: 62,
    hidden_size: 5376,
    num_attention_heads: 32,
    head_dim: 128,
    query_pre_attn_scalar: 168,
  }
  expect(fromConfig(large).attention.scale).toBe(1 / Math.sqrt(168))
  const metadata = {
    'gemma3.block_count': 62,
    'gemma3.embedding_length': 5376,
    'gemma3.attention.head_count': 32,
    'gemma3.attention.key_length': 128,
    'gemma3.attention.value_length': 128,
  }
  expect(fromGguf(metadata).attention.scale).toBe(1 / Math.sqrt(168))
})

it('norms of a checkpoint lack the 1 that those of a GGUF file have', () => {
  const computed = (naming: 'huggingface' | 'gguf') =>
    gemma3.tensors(fromConfig(), naming).filter(({ compute }) => compute === 'plus-one')
  expect(computed('huggingface')).toHaveLength(26 * 6 + 1)
  expect(computed('huggingface').every(({ vector }) => vector)).toBe(true)
  expect(computed('gguf')).toEqual([])
})

describeRefusals([
  [
    'another activation',
    () => fromConfig({ hidden_activation: 'gelu' }),
    'unsupported_format',
    /hidden_activation is "gelu"/,
  ],
  ['biases', () => fromConfig({ attention_bias: true }), 'unsupported_format', /attention_bias/],
  [
    'capped scores',
    () => fromConfig({ attn_logit_softcapping: 50 }),
    'unsupported_format',
    /attn_logit_softcapping is 50/,
  ],
  [
    'capped logits',
    () => fromConfig({ final_logit_softcapping: 30 }),
    'unsupported_format',
    /final_logit_softcapping/,
  ],
  [
    'attention both ways',
    () => fromConfig({ use_bidirectional_attention: true }),
    'unsupported_format',
    /bidirectional/,
  ],
  [
    'the model that sees pictures',
    () => familyOfConfig(factsOf({ model_type: 'gemma3' })),
    'unsupported_format',
    /model_type is gemma3;/,
  ],
  [
    'no window in a GGUF file',
    () => fromGguf({ 'gemma3.attention.sliding_window': undefined }),
    'invalid_file',
    /sliding_window is missing/,
  ],
  [
    'values of another size',
    () => fromGguf({ 'gemma3.attention.value_length': 128 }),
    'unsupported_format',
    /value_length is 128/,
  ],
])

describe('of config.json', () => {
  describeHostile(fromConfig, {
    sizes: [
      'hidden_size',
      'num_attention_heads',
      'num_hidden_layers',
      'vocab_size',
      'head_dim',
      'sliding_window',
    ],
    numbers: ['rms_norm_eps', 'rope_theta', 'rope_local_base_freq', 'query_pre_attn_scalar'],
  })
  describeFlags(fromConfig, ['tie_word_embeddings', 'attention_bias'])
})

describe('of GGUF', () => {
  describeHostile(fromGguf, {
    sizes: ['gemma3.block_count', 'gemma3.attention.key_length', 'gemma3.attention.sliding_window'],
    numbers: [
      'gemma3.rope.freq_base',
      'gemma3.rope.freq_base_swa',
      'gemma3.attention.layer_norm_rms_epsilon',
    ],
  })
})
