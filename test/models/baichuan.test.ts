// Baichuan 1 and 2, 7B and 13B: which is which by config and by GGUF metadata, one spec from both, and refusals.

import { describe, expect, it } from 'vitest'
import { baichuan } from '../../src/models/baichuan.ts'
import { factsOf } from '../../src/models/facts.ts'
import { familyOfConfig, familyOfGguf } from '../../src/models/registry.ts'
import { describeFlags, describeHostile, describeRefusals, realConfig } from '../helpers/configs.ts'

const fromConfig = (name: string, changes: object = {}) =>
  baichuan.specFromConfig(factsOf({ ...realConfig(name), ...changes }))

const METADATA_7B = {
  'general.architecture': 'baichuan',
  'general.name': 'Baichuan 7B',
  'baichuan.block_count': 32,
  'baichuan.context_length': 4096,
  'baichuan.embedding_length': 4096,
  'baichuan.feed_forward_length': 11008,
  'baichuan.attention.head_count': 32,
  'baichuan.attention.head_count_kv': 32,
  'baichuan.attention.layer_norm_rms_epsilon': Math.fround(1e-6),
  'baichuan.rope.dimension_count': 128,
}
const METADATA_13B = {
  ...METADATA_7B,
  'general.name': 'Baichuan 13B Chat',
  'baichuan.block_count': 40,
  'baichuan.embedding_length': 5120,
  'baichuan.feed_forward_length': 13696,
  'baichuan.attention.head_count': 40,
  'baichuan.attention.head_count_kv': 40,
}
const fromGguf = (metadata: object, rows: number, changes: object = {}) =>
  baichuan.specFromGguf(factsOf({ ...metadata, ...changes }), rows)

const ROPE = { kind: 'rope', base: 10000, rotaryDim: 128, scaling: { kind: 'none' } }
const ALIBI = { kind: 'alibi', maxBias: 8 }

it.each([
  { name: 'baichuan-7b', metadata: METADATA_7B, vocab: 64000, position: ROPE, normalised: false },
  { name: 'baichuan1-13b', metadata: METADATA_13B, vocab: 64000, position: ALIBI, normalised: false },
  { name: 'baichuan2-7b', metadata: METADATA_7B, vocab: 125696, position: ROPE, normalised: true },
  { name: 'baichuan2-13b', metadata: METADATA_13B, vocab: 125696, position: ALIBI, normalised: true },
])('$name: one spec from config and GGUF', ({ name, metadata, vocab, position, normalised }) => {
  expect(familyOfConfig(factsOf(realConfig(name)))).toBe(baichuan)
  expect(familyOfGguf(factsOf(metadata))).toBe(baichuan)
  const spec = fromConfig(name)
  expect(fromGguf(metadata, vocab)).toEqual(spec)
  expect(spec).toMatchObject({
    family: 'baichuan',
    headDim: 128,
    vocab,
    context: 4096,
    norm: { kind: 'rms', eps: 1e-6, post: false },
    attention: { scale: 1 / Math.sqrt(128), kinds: [{ position }] },
    head: { tied: false, normalised },
  })
  expect(spec.kvHeads).toBe(spec.heads)
  expect(spec.attention.kinds).toHaveLength(1)
})

describe('of another vocabulary', () => {
  const changes = { vocab_size: 512 }
  it('the head is normalised where class or tokenizer say the second generation', () => {
    const head = (name: string, more: object = {}) =>
      fromConfig(name, { ...changes, ...more }).head.normalised
    expect(head('baichuan-7b')).toBe(false)
    expect(head('baichuan2-7b')).toBe(true)
    expect(head('baichuan1-13b')).toBe(false)
    expect(head('baichuan2-13b')).toBe(true)
    expect(head('baichuan2-13b', { tokenizer_class: undefined })).toBe(false)
    expect(head('baichuan-7b', { architectures: 'BaiChuanForCausalLM' }), 'no list of classes').toBe(true)
  })

  it('a GGUF file is of the second generation by its name', () => {
    const head = (name: string) => fromGguf(METADATA_7B, 512, { 'general.name': name }).head.normalised
    expect(['Baichuan2 7B', 'baichuan-2-7b', 'Baichuan 2'].map(head)).toEqual([true, true, true])
    expect(['Baichuan 7B', 'Baichuan-13B', ''].map(head)).toEqual([false, false, false])
  })
})

it('a GGUF file has ALiBi by its depth or its own key', () => {
  const kind = (changes: object) => fromGguf(METADATA_7B, 64000, changes).attention.kinds[0].position
  expect(kind({})).toEqual(ROPE)
  expect(kind({ 'baichuan.block_count': 40 })).toEqual(ALIBI)
  expect(kind({ 'baichuan.attention.max_alibi_bias': 4 })).toEqual({ kind: 'alibi', maxBias: 4 })
  expect(kind({ 'baichuan.rope.freq_base': Math.fround(5e5) })).toEqual({ ...ROPE, base: 5e5 })
})

it('takes q, k and v out of W_pack, and the lengths of the head from the head', () => {
  const tensors = baichuan.tensors(fromConfig('baichuan2-7b', { num_hidden_layers: 1 }), 'huggingface')
  const order = (role: string) => tensors.find((tensor) => tensor.role === `layers.0.${role}`)?.order
  expect(order('q')).toEqual({ of: 12288, first: 0, run: 4096, stride: 4096 })
  expect(order('k')).toMatchObject({ of: 12288, first: 4096 })
  expect(order('v')).toMatchObject({ of: 12288, first: 8192 })
  expect(tensors.at(-1)).toMatchObject({
    role: 'head_scale',
    name: 'lm_head.weight',
    compute: 'row-lengths',
    cols: 125696,
  })
})

it('GGUF rows are turned for rotary positions, and left alone for ALiBi', () => {
  const q = (metadata: object) =>
    baichuan.tensors(fromGguf(metadata, 64000), 'gguf').find(({ role }) => role === 'layers.0.q')
  expect(q(METADATA_7B)?.order?.order?.slice(0, 3)).toEqual([0, 2, 4])
  expect(q(METADATA_13B)?.order).toBeUndefined()
})

const seven = (changes: object) => fromConfig('baichuan-7b', changes)
describeRefusals([
  ['another activation', () => seven({ hidden_act: 'gelu' }), 'unsupported_format', /hidden_act is "gelu"/],
  ['a tied head', () => seven({ tie_word_embeddings: true }), 'unsupported_format', /tie_word_embeddings/],
  [
    'grouped queries',
    () => seven({ num_key_value_heads: 8 }),
    'unsupported_format',
    /num_key_value_heads is 8/,
  ],
  ['half a head', () => seven({ num_attention_heads: 33 }), 'invalid_file', /head_dim is 124\.1/],
  [
    'a 13B without any length',
    () => fromConfig('baichuan1-13b', { model_max_length: undefined }),
    'invalid_file',
    /model_max_length is missing/,
  ],
  [
    'half rotary heads',
    () => fromGguf(METADATA_7B, 64000, { 'baichuan.rope.dimension_count': 64 }),
    'unsupported_format',
    /dimension_count is 64/,
  ],
  [
    'a GGUF file without layers',
    () => fromGguf(METADATA_7B, 64000, { 'baichuan.block_count': undefined }),
    'invalid_file',
    /block_count is missing/,
  ],
])

describe('of config.json', () => {
  describeHostile(seven, {
    sizes: ['hidden_size', 'num_hidden_layers', 'num_attention_heads', 'intermediate_size', 'vocab_size'],
    numbers: ['rms_norm_eps'],
  })
  describeHostile((changes) => fromConfig('baichuan1-13b', changes), {
    sizes: ['model_max_length'],
    numbers: [],
  })
  describeFlags(seven, ['tie_word_embeddings'])
})

describe('of GGUF', () => {
  describeHostile((changes) => fromGguf(METADATA_7B, 64000, changes), {
    sizes: ['block_count', 'context_length', 'embedding_length', 'feed_forward_length'].map(
      (key) => `baichuan.${key}`,
    ),
    numbers: ['attention.layer_norm_rms_epsilon', 'attention.max_alibi_bias', 'rope.freq_base'].map(
      (key) => `baichuan.${key}`,
    ),
  })
})
