// ChatGLM-6B: its spec, the keys of the first release, which ids its prefix mask goes by, and refusals.

import { describe, expect, it } from 'vitest'
import { chatglm1 } from '../../src/models/chatglm1.ts'
import { factsOf } from '../../src/models/facts.ts'
import { familyOfConfig } from '../../src/models/registry.ts'
import { describeHostile, describeRefusals, realConfig } from '../helpers/configs.ts'

const fromConfig = (changes: object = {}, name = 'chatglm-6b') =>
  chatglm1.specFromConfig(factsOf({ ...realConfig(name), ...changes }))

it('reads the real config', () => {
  expect(familyOfConfig(factsOf(realConfig('chatglm-6b')))).toBe(chatglm1)
  expect(fromConfig()).toEqual({
    family: 'chatglm1',
    layers: 28,
    hidden: 4096,
    heads: 32,
    kvHeads: 32,
    headDim: 128,
    ffn: 16384,
    vocab: 130528,
    context: 2048,
    embeddingScale: 1,
    norm: { kind: 'layer', eps: 1e-5, post: false },
    residual: Math.sqrt(56),
    attention: {
      scale: 1 / Math.sqrt(128),
      bias: { qkv: true, out: true },
      qkNorm: false,
      kinds: [{ position: { kind: 'rope2d', base: 10000, rotaryDim: 128 } }],
    },
    mlp: { kind: 'plain', activation: 'gelu_tanh', bias: true },
    head: { tied: false, normalised: false },
    prefix: { start: 130004, gmask: 130001, mask: 130000 },
  })
})

it('the first release names neither [gMASK] nor [MASK]: they lie before <sop>', () => {
  expect(familyOfConfig(factsOf(realConfig('chatglm-6b-first-release')))).toBe(chatglm1)
  const first = fromConfig({}, 'chatglm-6b-first-release')
  expect(first).toEqual({
    ...fromConfig(),
    vocab: 150528,
    prefix: { start: 150004, gmask: 150001, mask: 150000 },
  })
  const unnamed = { gmask_token_id: undefined, mask_token_id: undefined }
  expect(fromConfig(unnamed).prefix).toEqual(fromConfig().prefix)
})

it('the residual grows with the depth, the inner width with the hidden one', () => {
  const spec = fromConfig({ num_layers: 3, inner_hidden_size: undefined })
  expect(spec.residual).toBe(Math.sqrt(6))
  expect(spec.ffn).toBe(16384)
})

describe('tensors', () => {
  const tensors = chatglm1.tensors(
    fromConfig({ num_layers: 1, hidden_size: 16, num_attention_heads: 2 }),
    'huggingface',
  )
  const named = (role: string) => tensors.find((tensor) => tensor.role === `layers.0.${role}`)

  it('q, k and v of a head lie side by side; pairs turn within its halves', () => {
    const name = 'transformer.layers.0.attention.query_key_value.weight'
    const turned = [0, 1, 4, 5, 2, 3, 6, 7]
    const rows = { of: 48, run: 8, stride: 24 }
    expect(named('q')).toMatchObject({ name, rows: 16, order: { ...rows, first: 0, order: turned } })
    expect(named('k')).toMatchObject({ name, rows: 16, order: { ...rows, first: 8, order: turned } })
    expect(named('v')?.order).toEqual({ ...rows, first: 16 })
    expect(named('q_bias')).toMatchObject({ vector: true, cols: 16, order: { first: 0, order: turned } })
  })

  it('every norm and every matrix but the head has a bias, and there is no gate', () => {
    const roles = tensors.map(({ role }) => role.replace('layers.0.', ''))
    expect(roles).toEqual([
      ...['embedding', 'attn_norm', 'attn_norm_bias', 'q', 'k', 'v', 'q_bias', 'k_bias', 'v_bias'],
      ...['o', 'o_bias', 'mlp_norm', 'mlp_norm_bias', 'up', 'up_bias', 'down', 'down_bias'],
      ...['final_norm', 'final_norm_bias', 'head'],
    ])
  })
})

describeRefusals([
  ['a GGUF file', () => chatglm1.specFromGguf(factsOf({}), 1), 'unsupported_format', /no GGUF architecture/],
  [
    'one-dimensional positions',
    () => fromConfig({ position_encoding_2d: false }),
    'unsupported_format',
    /position_encoding_2d is false/,
  ],
  [
    'a prefix of P-tuning',
    () => fromConfig({ pre_seq_len: 128 }),
    'unsupported_format',
    /pre_seq_len is 128/,
  ],
  [
    'heads that do not divide',
    () => fromConfig({ num_attention_heads: 33 }),
    'invalid_file',
    /hidden_size \/ num_attention_heads is 124\.1/,
  ],
  [
    'heads without two halves of pairs',
    () => fromConfig({ hidden_size: 192 }),
    'invalid_file',
    /heads of 6 values/,
  ],
  [
    '<sop> outside the vocabulary',
    () => fromConfig({ bos_token_id: 130528 }),
    'invalid_file',
    /bos_token_id is 130528; an integer from 1 to 130527/,
  ],
  ['no <sop>', () => fromConfig({ bos_token_id: undefined }), 'invalid_file', /bos_token_id is missing/],
  [
    '<sop> with nothing before it',
    () => fromConfig({ bos_token_id: 2, gmask_token_id: undefined }),
    'invalid_file',
    /gmask_token_id is -1/,
  ],
])

describe('of config.json', () => {
  describeHostile(fromConfig, {
    sizes: [
      ...[
        'hidden_size',
        'num_attention_heads',
        'num_layers',
        'vocab_size',
        'inner_hidden_size',
        'max_sequence_length',
      ],
      ...['bos_token_id', 'gmask_token_id', 'mask_token_id'],
    ],
    numbers: ['layernorm_epsilon'],
  })
})
