// Qwen 1.5, 2 and 2.5: one spec from config and GGUF, sliding layers, YaRN as its config and GGUF spell it, and refusals.

import { describe, expect, it } from 'vitest'
import { factsOf } from '../../src/models/facts.ts'
import { qwen2 } from '../../src/models/qwen2.ts'
import { familyOfConfig, familyOfGguf } from '../../src/models/registry.ts'
import { describeFlags, describeHostile, describeRefusals, realConfig } from '../helpers/configs.ts'

const fromConfig = (changes: object = {}) =>
  qwen2.specFromConfig(factsOf({ ...realConfig('qwen2.5-0.5b'), ...changes }))

const METADATA = {
  'general.architecture': 'qwen2',
  'qwen2.block_count': 24,
  'qwen2.context_length': 32768,
  'qwen2.embedding_length': 896,
  'qwen2.feed_forward_length': 4864,
  'qwen2.attention.head_count': 14,
  'qwen2.attention.head_count_kv': 2,
  'qwen2.attention.layer_norm_rms_epsilon': Math.fround(1e-6),
  'qwen2.rope.freq_base': 1_000_000,
}
const fromGguf = (changes: object = {}) => qwen2.specFromGguf(factsOf({ ...METADATA, ...changes }), 151936)

it('reads one spec from config.json and GGUF', () => {
  expect(familyOfConfig(factsOf(realConfig('qwen2.5-0.5b')))).toBe(qwen2)
  expect(familyOfGguf(factsOf(METADATA))).toBe(qwen2)
  const spec = fromConfig()
  // Whether the head is tied shows in a GGUF file's tensors.
  expect({ ...fromGguf(), head: spec.head }).toEqual(spec)
  expect(spec).toEqual({
    family: 'qwen2',
    layers: 24,
    hidden: 896,
    heads: 14,
    kvHeads: 2,
    headDim: 64,
    ffn: 4864,
    vocab: 151936,
    context: 32768,
    embeddingScale: 1,
    norm: { kind: 'rms', eps: 1e-6, post: false },
    attention: {
      scale: 0.125,
      bias: { qkv: true, out: false },
      qkNorm: false,
      kinds: [{ position: { kind: 'rope', base: 1e6, rotaryDim: 64, scaling: { kind: 'none' } } }],
    },
    mlp: { kind: 'gated', activation: 'silu', bias: false },
    head: { tied: true, normalised: false },
  })
})

describe('sliding layers', () => {
  const attention = (changes: object) => fromConfig({ num_hidden_layers: 4, ...changes }).attention
  const on = { use_sliding_window: true, sliding_window: 4096, max_window_layers: 3 }

  it('only where the switch is on: real configs carry the other keys along', () => {
    for (const use_sliding_window of [false, null, undefined]) {
      const off = attention({ ...on, use_sliding_window })
      expect(off.kinds).toHaveLength(1)
      expect(off.kinds[0].window).toBeUndefined()
      expect(off.kindOfLayer).toBeUndefined()
    }
  })
  it('are those from max_window_layers on', () => {
    const { kinds, kindOfLayer } = attention(on)
    expect(kindOfLayer).toEqual([0, 0, 0, 1])
    expect(kinds.map(({ window }) => window)).toEqual([undefined, 4096])
    expect(kinds[1].position).toEqual(kinds[0].position)
    expect(attention({ ...on, max_window_layers: 0 }).kindOfLayer).toEqual([1, 1, 1, 1])
    expect(attention({ ...on, max_window_layers: undefined }).kindOfLayer).toEqual([0, 0, 0, 0])
  })
  it('are those of layer_types where there is such a list', () => {
    const layer_types = ['full_attention', 'sliding_attention', 'full_attention', 'sliding_attention']
    expect(attention({ ...on, layer_types }).kindOfLayer).toEqual([0, 1, 0, 1])
  })
  describeRefusals([
    [
      'a list of another length',
      () => attention({ ...on, layer_types: ['full_attention'] }),
      'invalid_file',
      /layer_types is .* a list of 4/,
    ],
    [
      'a list that is none',
      () => attention({ ...on, layer_types: 'full_attention' }),
      'invalid_file',
      /layer_types/,
    ],
    [
      'another type of layer',
      () => attention({ ...on, layer_types: ['chunked_attention', 0, 0, 0] }),
      'unsupported_format',
      /layer_types has "chunked_attention"/,
    ],
    ['no length', () => attention({ ...on, sliding_window: 0 }), 'invalid_file', /sliding_window is 0/],
    [
      'a negative layer',
      () => attention({ ...on, max_window_layers: -1 }),
      'invalid_file',
      /max_window_layers is -1/,
    ],
  ])
})

describe('scaling', () => {
  const scaling = (changes: object) => {
    const { position } = fromConfig(changes).attention.kinds[0]
    return position.kind === 'rope' ? position.scaling : undefined
  }
  const YARN = { kind: 'yarn', factor: 4, trained: 32768, fast: 32, slow: 1 }

  it('YaRN as Qwen documents it, in each spelling', () => {
    const wanted = { ...YARN, magnitude: expect.closeTo(0.1 * Math.log(4) + 1, 15) as number }
    const settings = { factor: 4.0, original_max_position_embeddings: 32768 }
    expect(scaling({ rope_scaling: { type: 'yarn', ...settings } })).toEqual(wanted)
    expect(scaling({ rope_scaling: { rope_type: 'yarn', ...settings } })).toEqual(wanted)
    expect(scaling({ rope_parameters: { rope_type: 'yarn', rope_theta: 1e6, ...settings } })).toEqual(wanted)
    expect(
      scaling({ rope_scaling: { type: 'yarn', factor: 4 } }),
      'the trained length is the config’s',
    ).toEqual(wanted)
    const gguf = fromGguf({
      'qwen2.rope.scaling.type': 'yarn',
      'qwen2.rope.scaling.factor': 4,
      'qwen2.rope.scaling.original_context_length': 32768,
      'qwen2.rope.scaling.attn_factor': 1,
    })
    expect(gguf.attention.kinds[0].position).toMatchObject({ scaling: wanted })
  })
  it('its ramp and magnitude may be given', () => {
    const given = { beta_fast: 16, beta_slow: 2, attention_factor: 1.5 }
    expect(scaling({ rope_scaling: { type: 'yarn', factor: 4, ...given } })).toEqual({
      ...YARN,
      fast: 16,
      slow: 2,
      magnitude: 1.5,
    })
    expect(scaling({ rope_scaling: { type: 'yarn', factor: 1 } })).toMatchObject({ magnitude: 1 })
  })
  it('none in each spelling', () => {
    for (const rope_scaling of [null, undefined, {}, { type: 'default' }, { rope_type: 'default' }])
      expect(scaling({ rope_scaling })).toEqual({ kind: 'none' })
  })
  const rope = (rope_scaling: unknown) => () => fromConfig({ rope_scaling })
  describeRefusals([
    ['a text', rope('yarn'), 'invalid_file', /rope_scaling is "yarn"; an object/],
    ['a list', rope([{ type: 'linear', factor: 2 }]), 'invalid_file', /rope_scaling is .*; an object/],
    ['a number as kind', rope({ type: 3, factor: 2 }), 'unsupported_format', /kind 3/],
    ['an object as kind', rope({ type: { a: 1 }, factor: 2 }), 'unsupported_format', /kind \{"a":1\}/],
    ['dynamic', rope({ type: 'dynamic', factor: 2 }), 'unsupported_format', /kind "dynamic"/],
    ['longrope', rope({ rope_type: 'longrope', short_factor: [1] }), 'unsupported_format', /kind "longrope"/],
    ['no factor', rope({ type: 'linear' }), 'invalid_file', /factor is missing/],
    ['a factor of text', rope({ type: 'yarn', factor: '4' }), 'invalid_file', /factor is "4"/],
    [
      'a factor below 1',
      rope({ type: 'linear', factor: 1e-300 }),
      'invalid_file',
      /factor is 1e-300; at least 1/,
    ],
    [
      'DeepSeek’s magnitudes',
      rope({ type: 'yarn', factor: 4, mscale: 0.7 }),
      'unsupported_format',
      /mscale is 0\.7/,
    ],
    [
      'an open ramp',
      rope({ type: 'yarn', factor: 4, truncate: false }),
      'unsupported_format',
      /truncate is false/,
    ],
    [
      'a trained length of nothing',
      rope({ type: 'yarn', factor: 4, original_max_position_embeddings: 0 }),
      'invalid_file',
      /original_max_position_embeddings is 0/,
    ],
    [
      'a GGUF file with a magnitude',
      () => fromGguf({ 'qwen2.rope.scaling.attn_factor': 0.9 }),
      'unsupported_format',
      /attn_factor is 0\.9/,
    ],
  ])
})

describeRefusals([
  ['another activation', () => fromConfig({ hidden_act: 'gelu' }), 'unsupported_format', /hidden_act/],
  [
    'groups that do not divide',
    () => fromConfig({ num_key_value_heads: 4 }),
    'invalid_file',
    /14 heads cannot share 4/,
  ],
])

describe('of config.json', () => {
  describeHostile(fromConfig, {
    sizes: [
      ...['hidden_size', 'num_attention_heads', 'num_hidden_layers', 'vocab_size', 'intermediate_size'],
      ...['num_key_value_heads', 'head_dim', 'max_position_embeddings'],
    ],
    numbers: ['rms_norm_eps', 'rope_theta'],
  })
  describeHostile((changes) => fromConfig({ use_sliding_window: true, ...changes }), {
    sizes: ['sliding_window'],
    numbers: [],
  })
  describeFlags(fromConfig, ['tie_word_embeddings', 'use_sliding_window'])
})

describe('of GGUF', () => {
  describeHostile(fromGguf, {
    sizes: ['block_count', 'context_length', 'embedding_length', 'attention.head_count', 'vocab_size'].map(
      (key) => `qwen2.${key}`,
    ),
    numbers: ['qwen2.rope.freq_base', 'qwen2.attention.layer_norm_rms_epsilon'],
  })
})
