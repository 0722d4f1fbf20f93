// ChatGLM2-6B and ChatGLM3-6B have RMS norms, SwiGLU, few KV heads and biases on q, k and v. Neighbouring
// rotary pairs lie in the first half of each head. Their 32K versions are read too. Code: THUDM/chatglm2-6b
// modeling_chatglm.py.

import { MAX_CONTEXT, MAX_HEADS, MAX_LAYERS, MAX_VOCAB, MAX_WIDTH } from '../formats/limits.ts'
import { checked, decoder, ggufEpsilon, ggufSizes, type Sizes } from './decoder.ts'
import { atLeast, flag, only, positive, size, text } from './facts.ts'
import type { Facts, Family } from './family.ts'
import { GGUF_NAMES } from './llama.ts'
import { ggufRope } from './rope.ts'
import type { ModelSpec, Position } from './spec.ts'
import { heads, neighbours, slice, tensorsOf, type Places } from './tensors.ts'

export const chatglm2: Family = {
  modelTypes: ['chatglm'],
  architectures: ['chatglm'],
  matches: (config) => config.get('position_encoding_2d') === undefined,
  specFromConfig,
  specFromGguf,
  tensors: (spec, naming) => tensorsOf(spec, naming === 'gguf' ? GGUF(spec) : HUGGING_FACE(spec)),
  ignored: (name) => name.endsWith('rotary_pos_emb.inv_freq'),
}

const ROPE_BASE = 10000

/** q, k and v in one tensor, gate and up in another. */
function fused(spec: ModelSpec, qkv: string, gateUp: string): Places {
  const { heads: count, kvHeads, headDim, ffn } = spec
  const [q, kv] = [count * headDim, kvHeads * headDim]
  const all = q + 2 * kv
  const order = neighbours(headDim, headDim / 2)
  const [first, second] = [heads(all, 0, headDim, order), heads(all, q, headDim, order)]
  const third = slice(all, q + kv, kv)
  return {
    q: { name: `${qkv}.weight`, rows: first },
    k: { name: `${qkv}.weight`, rows: second },
    v: { name: `${qkv}.weight`, rows: third },
    q_bias: { name: `${qkv}.bias`, rows: first },
    k_bias: { name: `${qkv}.bias`, rows: second },
    v_bias: { name: `${qkv}.bias`, rows: third },
    gate: { name: gateUp, rows: slice(2 * ffn, 0, ffn) },
    up: { name: gateUp, rows: slice(2 * ffn, ffn, ffn) },
  }
}

function HUGGING_FACE(spec: ModelSpec): Places {
  const layer = 'transformer.encoder.layers.#.'
  return {
    ...fused(spec, `${layer}self_attention.query_key_value`, `${layer}mlp.dense_h_to_4h.weight`),
    embedding: 'transformer.embedding.word_embeddings.weight',
    attn_norm: `${layer}input_layernorm.weight`,
    o: `${layer}self_attention.dense.weight`,
    mlp_norm: `${layer}post_attention_layernorm.weight`,
    down: `${layer}mlp.dense_4h_to_h.weight`,
    final_norm: 'transformer.encoder.final_layernorm.weight',
    head: 'transformer.output_layer.weight',
  }
}

function GGUF(spec: ModelSpec): Places {
  return { ...GGUF_NAMES, ...fused(spec, 'blk.#.attn_qkv', GGUF_NAMES.up) }
}

function specFromConfig(config: Facts): ModelSpec {
  only(config, 'rmsnorm', [true])
  only(config, 'add_bias_linear', [false])
  only(config, 'add_qkv_bias', [true])
  only(config, 'apply_residual_connection_post_layernorm', [false])
  only(config, 'original_rope', [true])
  only(config, 'post_layer_norm', [true])
  only(config, 'pre_seq_len', [null])
  const hidden = size(config, 'hidden_size', MAX_WIDTH)
  const count = size(config, 'num_attention_heads', MAX_HEADS)
  const grouped = flag(config, 'multi_query_attention', false)
  const sizes = {
    layers: size(config, 'num_layers', MAX_LAYERS),
    hidden,
    heads: count,
    kvHeads: grouped ? size(config, 'multi_query_group_num', MAX_HEADS) : count,
    headDim: size(config, 'kv_channels', MAX_WIDTH, hidden / count),
    ffn: size(config, 'ffn_hidden_size', MAX_WIDTH),
    vocab: size(config, 'padded_vocab_size', MAX_VOCAB),
    context: size(config, 'seq_length', MAX_CONTEXT),
  }
  return specOf(sizes, positive(config, 'layernorm_epsilon', 1e-5), ropeOf(config, sizes.headDim / 2))
}

/**
 * ChatGLM2-32K divides positions by `rope_ratio`; ChatGLM3 and its successors multiply the base by it. Only
 * the name tells the two apart.
 */
function ropeOf(config: Facts, rotary: number): Position {
  const ratio = atLeast(config, 'rope_ratio', 1, 1)
  const divides = ratio !== 1 && /chatglm2/i.test(text(config, '_name_or_path'))
  return {
    kind: 'rope',
    base: divides ? ROPE_BASE : ROPE_BASE * ratio,
    rotaryDim: rotary,
    scaling: divides ? { kind: 'linear', factor: ratio } : { kind: 'none' },
  }
}

function specFromGguf(metadata: Facts, embeddingRows: number): ModelSpec {
  const sizes = ggufSizes(metadata, 'chatglm', embeddingRows)
  only(metadata, 'chatglm.rope.dimension_count', [sizes.headDim / 2])
  const rope = ggufRope(metadata, 'chatglm', sizes.headDim / 2)
  return specOf(sizes, ggufEpsilon(metadata, 'chatglm'), rope)
}

function specOf(sizes: Sizes, eps: number, position: Position): ModelSpec {
  const spec = decoder('chatglm2', sizes, eps, position)
  return checked({ ...spec, attention: { ...spec.attention, bias: { qkv: true, out: false } } })
}
