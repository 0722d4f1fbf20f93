// ChatGLM-6B is a GLM whose prefix sees itself both ways. Rotary positions have two dimensions; LayerNorm,
// GELU, and a residual stream of the normed input. Code: THUDM/chatglm-6b modeling_chatglm.py.

import { MAX_CONTEXT, MAX_HEADS, MAX_LAYERS, MAX_VOCAB, MAX_WIDTH } from '../formats/limits.ts'
import { IsletError } from '../lib/errors.ts'
import { checked, decoder } from './decoder.ts'
import { only, positive, size } from './facts.ts'
import type { Facts, Family } from './family.ts'
import type { ModelSpec } from './spec.ts'
import { tensorsOf, type Place, type Places } from './tensors.ts'

export const chatglm1: Family = {
  modelTypes: ['chatglm'],
  architectures: [],
  matches: (config) => config.get('position_encoding_2d') !== undefined,
  specFromConfig,
  specFromGguf() {
    throw new IsletError('unsupported_format', 'no GGUF architecture exists for ChatGLM-6B')
  },
  tensors: (spec) => tensorsOf(spec, places(spec)),
  ignored: (name) => name.endsWith('.rotary_emb.inv_freq'),
}

/**
 * Each head's q, k and v lie side by side. Pairs turn within each half of a head, (i, i + headDim / 4): ours
 * are (i, i + headDim / 2).
 */
function places({ heads, headDim }: ModelSpec): Places {
  const quarter = headDim / 4
  const turned = Array.from({ length: headDim }, (_, d) => {
    const [far, pair] = [d >= 2 * quarter, d % (2 * quarter)]
    return (pair < quarter ? pair : pair + quarter) + (far ? quarter : 0)
  })
  const part = (kind: string, index: number): Place => ({
    name: `transformer.layers.#.attention.query_key_value.${kind}`,
    rows: {
      of: 3 * heads * headDim,
      first: index * headDim,
      run: headDim,
      stride: 3 * headDim,
      ...(index < 2 ? { order: turned } : {}),
    },
  })
  const layer = 'transformer.layers.#.'
  return {
    embedding: 'transformer.word_embeddings.weight',
    attn_norm: `${layer}input_layernorm.weight`,
    attn_norm_bias: `${layer}input_layernorm.bias`,
    q: part('weight', 0),
    k: part('weight', 1),
    v: part('weight', 2),
    q_bias: part('bias', 0),
    k_bias: part('bias', 1),
    v_bias: part('bias', 2),
    o: `${layer}attention.dense.weight`,
    o_bias: `${layer}attention.dense.bias`,
    mlp_norm: `${layer}post_attention_layernorm.weight`,
    mlp_norm_bias: `${layer}post_attention_layernorm.bias`,
    up: `${layer}mlp.dense_h_to_4h.weight`,
    up_bias: `${layer}mlp.dense_h_to_4h.bias`,
    down: `${layer}mlp.dense_4h_to_h.weight`,
    down_bias: `${layer}mlp.dense_4h_to_h.bias`,
    final_norm: 'transformer.final_layernorm.weight',
    final_norm_bias: 'transformer.final_layernorm.bias',
    head: 'lm_head.weight',
  }
}

function specFromConfig(config: Facts): ModelSpec {
  only(config, 'position_encoding_2d', [true])
  only(config, 'pre_seq_len', [null])
  const hidden = size(config, 'hidden_size', MAX_WIDTH)
  const heads = size(config, 'num_attention_heads', MAX_HEADS)
  const headDim = size({ get: () => hidden / heads }, 'hidden_size / num_attention_heads', MAX_WIDTH)
  if (headDim % 4 !== 0)
    throw new IsletError('invalid_file', `heads of ${headDim} values have no two halves of pairs`)
  const layers = size(config, 'num_layers', MAX_LAYERS)
  const vocab = size(config, 'vocab_size', MAX_VOCAB)
  // The first release names <sop> alone; [MASK] and [gMASK] are the fourth and the third id before it.
  const start = size(config, 'bos_token_id', vocab - 1)
  const sizes = {
    layers,
    hidden,
    heads,
    kvHeads: heads,
    headDim,
    ffn: size(config, 'inner_hidden_size', MAX_WIDTH, 4 * hidden),
    vocab,
    context: size(config, 'max_sequence_length', MAX_CONTEXT),
  }
  const eps = positive(config, 'layernorm_epsilon', 1e-5)
  const spec = decoder('chatglm1', sizes, eps, { kind: 'rope2d', base: 10000, rotaryDim: headDim })
  return checked({
    ...spec,
    norm: { kind: 'layer', eps, post: false },
    residual: Math.sqrt(2 * layers),
    attention: { ...spec.attention, bias: { qkv: true, out: true } },
    mlp: { kind: 'plain', activation: 'gelu_tanh', bias: true },
    prefix: {
      start,
      gmask: size(config, 'gmask_token_id', vocab - 1, start - 3),
      mask: size(config, 'mask_token_id', vocab - 1, start - 4),
    },
  })
}
