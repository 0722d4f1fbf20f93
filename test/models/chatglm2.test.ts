// ChatGLM2 and ChatGLM3: one spec from config and GGUF, how their 32K versions stretch positions, and refusals.

import { describe, expect, it } from 'vitest'
import { chatglm1 } from '../../src/models/chatglm1.ts'
import { chatglm2 } from '../../src/models/chatglm2.ts'
import { factsOf } from '../../src/models/facts.ts'
import { familyOfConfig, familyOfGguf } from '../../src/models/registry.ts'
import { describeFlags, describeHostile, describeRefusals, realConfig } from '../helpers/configs.ts'

const fromConfig = (changes: object = {}, name = 'chatglm2-6b') =>
  chatglm2.specFromConfig(factsOf({ ...realConfig(name), ...changes }))

const METADATA = {
  'general.architecture': 'chatglm',
  'chatglm.block_count': 28,
  'chatglm.context_length': 32768,
  'chatglm.embedding_length': 4096,
  'chatglm.feed_forward_length': 13696,
  'chatglm.attention.head_count': 32,
  'chatglm.attention.head_count_kv': 2,
  'chatglm.attention.layer_norm_rms_epsilon': Math.fround(1e-5),
  'chatglm.rope.dimension_count': 64,
  'chatglm.rope.freq_base': 10000,
}
const fromGguf = (changes: object = {}) => chatglm2.specFromGguf(factsOf({ ...METADATA, ...changes }), 65024)

it('reads one spec from config.json and GGUF', () => {
  expect(familyOfConfig(factsOf(realConfig('chatglm2-6b')))).toBe(chatglm2)
  expect(familyOfGguf(factsOf(METADATA))).toBe(chatglm2)
  const spec = fromConfig()
  expect(fromGguf()).toEqual(spec)
  expect(spec).toEqual({
    family: 'chatglm2',
    layers: 28,
    hidden: 4096,
    heads: 32,
    kvHeads: 2,
    headDim: 128,
    ffn: 13696,
    vocab: 65024,
    context: 32768,
    embeddingScale: 1,
    norm: { kind: 'rms', eps: 1e-5, post: false },
    attention: {
      scale: 1 / Math.sqrt(128),
      bias: { qkv: true, out: false },
      qkNorm: false,
      kinds: [{ position: { kind: 'rope', base: 10000, rotaryDim: 64, scaling: { kind: 'none' } } }],
    },
    mlp: { kind: 'gated', activation: 'silu', bias: false },
    head: { tied: false, normalised: false },
  })
})

it('ChatGLM3 differs in its trained length alone', () => {
  expect(familyOfConfig(factsOf(realConfig('chatglm3-6b')))).toBe(chatglm2)
  expect(fromConfig({}, 'chatglm3-6b')).toEqual({ ...fromConfig(), context: 8192 })
})

it('one type, two families: two-dimensional positions tell ChatGLM-6B', () => {
  const both = { ...realConfig('chatglm2-6b'), position_encoding_2d: true }
  expect(familyOfConfig(factsOf(both))).toBe(chatglm1)
  expect(familyOfConfig(factsOf({ ...both, position_encoding_2d: null }))).toBe(chatglm2)
})

describe('the 32K versions', () => {
  const position = (changes: object) => fromConfig(changes).attention.kinds[0].position
  it('ChatGLM2 divides positions by rope_ratio', () => {
    const linear = { base: 10000, scaling: { kind: 'linear', factor: 50 } }
    for (const name of ['THUDM/chatglm2-6b-32k', './ChatGLM2-6B-32K'])
      expect(position({ rope_ratio: 50, _name_or_path: name })).toMatchObject(linear)
  })
  it('ChatGLM3 and those without a name multiply the base', () => {
    const grown = { base: 500_000, scaling: { kind: 'none' } }
    for (const name of ['THUDM/chatglm3-6b-32k', 'THUDM/glm-4-9b', '', undefined, 7])
      expect(position({ rope_ratio: 50, _name_or_path: name })).toMatchObject(grown)
  })
  it('a ratio of 1 changes nothing', () => {
    expect(position({ rope_ratio: 1 })).toEqual(position({}))
    expect(position({ rope_ratio: 1.0, _name_or_path: 'THUDM/chatglm3-6b' })).toEqual(position({}))
  })
  it('GGUF files name the base', () => {
    expect(fromGguf({ 'chatglm.rope.freq_base': 500_000 }).attention.kinds[0].position).toMatchObject({
      base: 500_000,
    })
  })
})

it('without grouped queries every head has a key of its own', () => {
  expect(fromConfig({ multi_query_attention: false }).kvHeads).toBe(32)
})

it.each(['huggingface', 'gguf'] as const)(
  '%s: q, k and v in one tensor, gate and up in another',
  (naming) => {
    const spec = fromConfig({
      num_layers: 1,
      hidden_size: 16,
      num_attention_heads: 4,
      kv_channels: 8,
      ffn_hidden_size: 12,
    })
    const tensors = chatglm2.tensors(spec, naming)
    const named = (role: string) => tensors.find((tensor) => tensor.role === `layers.0.${role}`)
    // Neighbouring pairs in the first half of a head; the rest passes through.
    const order = [0, 2, 1, 3, 4, 5, 6, 7]
    expect(named('q')?.order).toEqual({ of: 64, first: 0, run: 8, stride: 8, order })
    expect(named('k')?.order).toEqual({ of: 64, first: 32, run: 8, stride: 8, order })
    expect(named('v')?.order).toEqual({ of: 64, first: 48, run: 16, stride: 16 })
    expect(named('k_bias')?.order).toEqual(named('k')?.order)
    expect(named('gate')?.order).toEqual({ of: 24, first: 0, run: 12, stride: 12 })
    expect(named('up')?.order).toEqual({ of: 24, first: 12, run: 12, stride: 12 })
    expect(named('up')?.name).toBe(named('gate')?.name)
  },
)

describeRefusals([
  ['LayerNorm', () => fromConfig({ rmsnorm: false }), 'unsupported_format', /rmsnorm is false/],
  ['biases everywhere', () => fromConfig({ add_bias_linear: true }), 'unsupported_format', /add_bias_linear/],
  [
    'no biases on q, k and v',
    () => fromConfig({ add_qkv_bias: false }),
    'unsupported_format',
    /add_qkv_bias/,
  ],
  [
    'a residual after the norm',
    () => fromConfig({ apply_residual_connection_post_layernorm: true }),
    'unsupported_format',
    /apply_residual/,
  ],
  ['another rotary code', () => fromConfig({ original_rope: false }), 'unsupported_format', /original_rope/],
  ['no last norm', () => fromConfig({ post_layer_norm: false }), 'unsupported_format', /post_layer_norm/],
  ['a prefix of P-tuning', () => fromConfig({ pre_seq_len: 128 }), 'unsupported_format', /pre_seq_len/],
  [
    'groups that do not divide',
    () => fromConfig({ multi_query_group_num: 3 }),
    'invalid_file',
    /32 heads cannot share 3 KV heads/,
  ],
  [
    'heads whose halves have no pairs',
    () => fromConfig({ kv_channels: 6 }),
    'invalid_file',
    /no rotary pairs/,
  ],
  [
    'a GGUF file that turns whole heads',
    () => fromGguf({ 'chatglm.rope.dimension_count': 128 }),
    'unsupported_format',
    /dimension_count is 128/,
  ],
])

describe('of config.json', () => {
  describeHostile(fromConfig, {
    sizes: [
      ...[
        'hidden_size',
        'num_attention_heads',
        'num_layers',
        'padded_vocab_size',
        'ffn_hidden_size',
        'seq_length',
      ],
      ...['kv_channels', 'multi_query_group_num'],
    ],
    numbers: ['layernorm_epsilon', 'rope_ratio'],
  })
  describeFlags(fromConfig, ['multi_query_attention', 'rmsnorm', 'add_bias_linear', 'original_rope'])
})

describe('of GGUF', () => {
  describeHostile(fromGguf, {
    sizes: [
      'block_count',
      'context_length',
      'embedding_length',
      'attention.head_count',
      'attention.head_count_kv',
    ].map((key) => `chatglm.${key}`),
    numbers: ['chatglm.rope.freq_base', 'chatglm.attention.layer_norm_rms_epsilon'],
  })
})
