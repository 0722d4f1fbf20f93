// Qwen of the first generation: two sets of config keys, dynamic NTK and LogN, GGUF files that know neither, and refusals.

import { describe, expect, it } from 'vitest'
import { factsOf } from '../../src/models/facts.ts'
import { qwen1 } from '../../src/models/qwen1.ts'
import { familyOfConfig, familyOfGguf } from '../../src/models/registry.ts'
import { describeFlags, describeHostile, describeRefusals, realConfig } from '../helpers/configs.ts'

const fromConfig = (changes: object = {}, name = 'qwen-7b') =>
  qwen1.specFromConfig(factsOf({ ...realConfig(name), ...changes }))

const METADATA = {
  'general.architecture': 'qwen',
  'qwen.block_count': 32,
  'qwen.context_length': 8192,
  'qwen.embedding_length': 4096,
  'qwen.feed_forward_length': 22016,
  'qwen.attention.head_count': 32,
  'qwen.attention.layer_norm_rms_epsilon': Math.fround(1e-6),
  'qwen.rope.freq_base': 10000,
  'qwen.rope.dimension_count': 128,
}
const fromGguf = (changes: object = {}) => qwen1.specFromGguf(factsOf({ ...METADATA, ...changes }), 151936)
const off = { use_dynamic_ntk: false, use_logn_attn: false }

it('reads the real config', () => {
  expect(familyOfConfig(factsOf(realConfig('qwen-7b')))).toBe(qwen1)
  expect(fromConfig()).toEqual({
    family: 'qwen1',
    layers: 32,
    hidden: 4096,
    heads: 32,
    kvHeads: 32,
    headDim: 128,
    ffn: 11008, // the file gives gate and up together
    vocab: 151936,
    context: 32768,
    embeddingScale: 1,
    norm: { kind: 'rms', eps: 1e-6, post: false },
    attention: {
      scale: 1 / Math.sqrt(128),
      bias: { qkv: true, out: false },
      qkNorm: false,
      logn: 8192,
      kinds: [
        { position: { kind: 'rope', base: 10000, rotaryDim: 128, scaling: { kind: 'ntk', trained: 8192 } } },
      ],
    },
    mlp: { kind: 'gated', activation: 'silu', bias: false },
    head: { tied: false, normalised: false },
  })
})

it('reads the keys of the first release', () => {
  const first = fromConfig({}, 'qwen-7b-chat-first-release')
  const { attention, ...sizes } = fromConfig()
  expect(first).toEqual({
    ...sizes,
    context: 6144,
    attention: {
      ...attention,
      logn: 2048,
      kinds: [
        { position: { kind: 'rope', base: 10000, rotaryDim: 128, scaling: { kind: 'ntk', trained: 2048 } } },
      ],
    },
  })
})

it('a GGUF file is the same model with neither NTK nor LogN', () => {
  expect(familyOfGguf(factsOf(METADATA))).toBe(qwen1)
  expect(fromGguf()).toEqual(fromConfig(off))
  expect(fromConfig(off)).toMatchObject({ context: 8192 })
  expect(fromConfig(off).attention).not.toHaveProperty('logn')
})

it('each switch is of its own', () => {
  const ntk = fromConfig({ use_logn_attn: false }).attention
  expect(ntk.logn).toBeUndefined()
  expect(ntk.kinds[0].position).toMatchObject({ scaling: { kind: 'ntk' } })
  const logn = fromConfig({ use_dynamic_ntk: false })
  expect(logn.attention.logn).toBe(8192)
  expect(logn.attention.kinds[0].position).toMatchObject({ scaling: { kind: 'none' } })
  expect(logn.context, 'without NTK the trained length is all').toBe(8192)
  expect(fromConfig({ max_position_embeddings: undefined }).context).toBe(8192)
})

it.each(['huggingface', 'gguf'] as const)(
  '%s: q, k and v in one tensor with biases; w2 is the gate',
  (naming) => {
    const tensors = qwen1.tensors(fromConfig({ num_hidden_layers: 1 }), naming)
    const named = (role: string) => tensors.find((tensor) => tensor.role === `layers.0.${role}`)
    for (const [index, part] of ['q', 'k', 'v'].entries()) {
      const order = { of: 12288, first: index * 4096, run: 4096, stride: 4096 }
      expect(named(part)?.order).toEqual(order)
      expect(named(`${part}_bias`)?.order).toEqual(order)
    }
    if (naming === 'huggingface') {
      expect([named('gate')?.name, named('up')?.name]).toEqual([
        'transformer.h.0.mlp.w2.weight',
        'transformer.h.0.mlp.w1.weight',
      ])
    }
  },
)

describeRefusals([
  ['biases everywhere', () => fromConfig({ no_bias: false }), 'unsupported_format', /no_bias is false/],
  [
    'unscaled scores',
    () => fromConfig({ scale_attn_weights: false }),
    'unsupported_format',
    /scale_attn_weights/,
  ],
  ['half rotary heads', () => fromConfig({ rotary_pct: 0.5 }), 'unsupported_format', /rotary_pct is 0\.5/],
  [
    'a tied head',
    () => fromConfig({ tie_word_embeddings: true }),
    'unsupported_format',
    /tie_word_embeddings/,
  ],
  ['an odd inner width', () => fromConfig({ intermediate_size: 22017 }), 'invalid_file', /22017 together/],
  [
    'heads of one pair, which NTK cannot stretch',
    () => fromConfig({ kv_channels: 2 }),
    'invalid_file',
    /no slow pair/,
  ],
  [
    'LogN from one position on',
    () => fromConfig({ seq_length: 1 }),
    'invalid_file',
    /seq_length is 1; at least 2/,
  ],
  ['no trained length', () => fromConfig({ seq_length: undefined }), 'invalid_file', /seq_length is missing/],
  [
    'a GGUF file with an odd inner width',
    () => fromGguf({ 'qwen.feed_forward_length': 7 }),
    'invalid_file',
    /7 together/,
  ],
  [
    'a GGUF file that turns half heads',
    () => fromGguf({ 'qwen.rope.dimension_count': 64 }),
    'unsupported_format',
    /dimension_count is 64/,
  ],
])

describe('of config.json', () => {
  describeHostile(fromConfig, {
    sizes: [
      ...[
        'hidden_size',
        'num_attention_heads',
        'num_hidden_layers',
        'vocab_size',
        'intermediate_size',
        'seq_length',
      ],
      ...['kv_channels', 'max_position_embeddings'],
    ],
    numbers: ['layer_norm_epsilon', 'rotary_emb_base'],
  })
  describeFlags(fromConfig, ['use_dynamic_ntk', 'use_logn_attn', 'no_bias'])
})

describe('of the first release', () => {
  describeHostile((changes) => fromConfig(changes, 'qwen-7b-chat-first-release'), {
    sizes: ['n_embd', 'n_head', 'n_layer', 'n_positions', 'ffn_hidden_size'],
    numbers: [],
  })
})

describe('of GGUF', () => {
  describeHostile(fromGguf, {
    sizes: ['block_count', 'context_length', 'embedding_length', 'attention.head_count'].map(
      (key) => `qwen.${key}`,
    ),
    numbers: ['qwen.rope.freq_base', 'qwen.attention.layer_norm_rms_epsilon'],
  })
})
