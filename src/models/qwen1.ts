// The first Qwen has biases on q, k and v, and puts the gate second: w1 * silu(w2). Beyond the trained length
// it uses dynamic NTK and LogN (arXiv 2309.16609). Code: Qwen/Qwen-7B modeling_qwen.py.

import { MAX_CONTEXT, MAX_HEADS, MAX_LAYERS, MAX_VOCAB, MAX_WIDTH } from '../formats/limits.ts'
import { IsletError } from '../lib/errors.ts'
import { checked, decoder, ggufEpsilon, ggufSizes, type Sizes } from './decoder.ts'
import { atLeast, flag, only, positive, size } from './facts.ts'
import type { Facts, Family } from './family.ts'
import { GGUF_NAMES } from './llama.ts'
import { ggufRope, LEAST_BASE } from './rope.ts'
import type { ModelSpec, Position } from './spec.ts'
import { slice, tensorsOf, type Places } from './tensors.ts'

export const qwen1: Family = {
  modelTypes: ['qwen'],
  architectures: ['qwen'],
  specFromConfig,
  specFromGguf,
  tensors: (spec, naming) => tensorsOf(spec, naming === 'gguf' ? ggufPlaces(spec) : configPlaces(spec)),
  ignored: (name) => name.endsWith('.rotary_emb.inv_freq') || name.endsWith('.attn.masked_bias'),
}

function fused({ heads, headDim }: ModelSpec, name: string): Places {
  const width = heads * headDim
  const [q, k, v] = [0, 1, 2].map((part) => slice(3 * width, part * width, width))
  return {
    q: { name: `${name}.weight`, rows: q },
    k: { name: `${name}.weight`, rows: k },
    v: { name: `${name}.weight`, rows: v },
    q_bias: { name: `${name}.bias`, rows: q },
    k_bias: { name: `${name}.bias`, rows: k },
    v_bias: { name: `${name}.bias`, rows: v },
  }
}

function configPlaces(spec: ModelSpec): Places {
  const layer = 'transformer.h.#.'
  return {
    ...fused(spec, `${layer}attn.c_attn`),
    embedding: 'transformer.wte.weight',
    attn_norm: `${layer}ln_1.weight`,
    o: `${layer}attn.c_proj.weight`,
    mlp_norm: `${layer}ln_2.weight`,
    gate: `${layer}mlp.w2.weight`,
    up: `${layer}mlp.w1.weight`,
    down: `${layer}mlp.c_proj.weight`,
    final_norm: 'transformer.ln_f.weight',
    head: 'lm_head.weight',
  }
}

function ggufPlaces(spec: ModelSpec): Places {
  return { ...GGUF_NAMES, ...fused(spec, 'blk.#.attn_qkv') }
}

/** Keys changed their names after the first release; both are read. */
function specFromConfig(config: Facts): ModelSpec {
  only(config, 'no_bias', [true])
  only(config, 'scale_attn_weights', [true])
  only(config, 'rotary_pct', [1])
  only(config, 'tie_word_embeddings', [false])
  only(config, 'apply_residual_connection_post_layernorm', [false])
  const either = (key: string, old: string): string => (config.get(key) === undefined ? old : key)
  const hidden = size(config, either('hidden_size', 'n_embd'), MAX_WIDTH)
  const heads = size(config, either('num_attention_heads', 'n_head'), MAX_HEADS)
  const headDim = size(config, 'kv_channels', MAX_WIDTH, hidden / heads)
  const trained = size(config, 'seq_length', MAX_CONTEXT)
  const dynamic = flag(config, 'use_dynamic_ntk', false)
  const longest = size(config, either('max_position_embeddings', 'n_positions'), MAX_CONTEXT, trained)
  const sizes: Sizes = {
    layers: size(config, either('num_hidden_layers', 'n_layer'), MAX_LAYERS),
    hidden,
    heads,
    kvHeads: heads,
    headDim,
    ffn: halved(size(config, either('intermediate_size', 'ffn_hidden_size'), 2 * MAX_WIDTH)),
    vocab: size(config, either('vocab_size', 'padded_vocab_size'), MAX_VOCAB),
    context: dynamic ? Math.max(trained, longest) : trained,
  }
  const position: Position = {
    kind: 'rope',
    base: atLeast(config, 'rotary_emb_base', LEAST_BASE, 10000),
    rotaryDim: headDim,
    scaling: dynamic ? { kind: 'ntk', trained } : { kind: 'none' },
  }
  const eps = positive(config, 'layer_norm_epsilon', 1e-6)
  // The logarithm of 1 is 0, and scores are divided by it.
  const logn = flag(config, 'use_logn_attn', false) ? atLeast(config, 'seq_length', 2) : undefined
  return specOf(sizes, eps, position, logn)
}

/**
 * The metadata has neither the trained length nor the switches of NTK and LogN: such a file runs as one that
 * has none.
 */
function specFromGguf(metadata: Facts, embeddingRows: number): ModelSpec {
  const sizes = ggufSizes(metadata, 'qwen', embeddingRows)
  only(metadata, 'qwen.rope.dimension_count', [sizes.headDim])
  const rope = ggufRope(metadata, 'qwen', sizes.headDim)
  return specOf({ ...sizes, ffn: halved(sizes.ffn) }, ggufEpsilon(metadata, 'qwen'), rope, undefined)
}

/** Both files give the width of gate and up together. */
function halved(width: number): number {
  if (width % 2 === 0) return width / 2
  throw new IsletError('invalid_file', `gate and up take ${width} together, which is odd`)
}

function specOf(sizes: Sizes, eps: number, position: Position, logn: number | undefined): ModelSpec {
  const spec = decoder('qwen1', sizes, eps, position)
  return checked({
    ...spec,
    attention: {
      ...spec.attention,
      bias: { qkv: true, out: false },
      ...(logn === undefined ? {} : { logn }),
    },
  })
}
