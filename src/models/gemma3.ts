// Gemma 3 (text alone) has norms around each sublayer, QK norm, GELU and scaled embeddings. Most layers see a
// sliding window and have a rotary base of their own (arXiv 2503.19786).

import { MAX_CONTEXT } from '../formats/limits.ts'
import { checked, configSizes, decoder, ggufEpsilon, ggufSizes, slidingTypes, type Sizes } from './decoder.ts'
import { atLeast, factsOf, flag, inside, only, positive, shortest, size } from './facts.ts'
import type { Facts, Family } from './family.ts'
import { GGUF_NAMES, ignoredLlama, LLAMA_NAMES } from './llama.ts'
import { configRope, ggufRope, LEAST_BASE } from './rope.ts'
import type { ModelSpec, Position } from './spec.ts'
import { tensorsOf, type Places } from './tensors.ts'

export const gemma3: Family = {
  modelTypes: ['gemma3_text'],
  architectures: ['gemma3'],
  specFromConfig,
  specFromGguf,
  tensors: (spec, naming) => tensorsOf(spec, naming === 'gguf' ? GGUF_PLACES : PLACES),
  ignored: ignoredLlama,
}

/** Every so many layers one sees everything. */
const PATTERN = 6
const LOCAL_BASE = 10000
const GLOBAL_BASE = 1_000_000

const PLACES: Places = {
  ...LLAMA_NAMES,
  normsFromOne: true,
  q_norm: 'model.layers.#.self_attn.q_norm.weight',
  k_norm: 'model.layers.#.self_attn.k_norm.weight',
  attn_post_norm: 'model.layers.#.post_attention_layernorm.weight',
  mlp_norm: 'model.layers.#.pre_feedforward_layernorm.weight',
  mlp_post_norm: 'model.layers.#.post_feedforward_layernorm.weight',
}

/** llama.cpp's converter has added the 1 to the norms. */
const GGUF_PLACES: Places = {
  ...GGUF_NAMES,
  q_norm: 'blk.#.attn_q_norm.weight',
  k_norm: 'blk.#.attn_k_norm.weight',
  attn_post_norm: 'blk.#.post_attention_norm.weight',
  mlp_post_norm: 'blk.#.post_ffw_norm.weight',
}

function specFromConfig(config: Facts): ModelSpec {
  only(config, 'hidden_activation', ['gelu_pytorch_tanh'])
  only(config, 'attention_bias', [false])
  only(config, 'attn_logit_softcapping', [null])
  only(config, 'final_logit_softcapping', [null])
  only(config, 'use_bidirectional_attention', [false])
  const sizes = configSizes(config)
  const localBase = atLeast(config, 'rope_local_base_freq', LEAST_BASE, LOCAL_BASE)
  const spec = specOf(sizes, {
    eps: positive(config, 'rms_norm_eps', 1e-6),
    global: ropeOf(config, 'full_attention', sizes, GLOBAL_BASE),
    local: ropeOf(config, 'sliding_attention', sizes, localBase),
    window: size(config, 'sliding_window', MAX_CONTEXT, 4096),
    kindOfLayer: kindsOf(config, sizes.layers),
    scale: atLeast(config, 'query_pre_attn_scalar', 1, 256),
  })
  return { ...spec, head: { tied: flag(config, 'tie_word_embeddings', true), normalised: false } }
}

/**
 * Newer configs keep one set of rotary parameters for each type of layer; in older ones those of the config
 * are for the full layers.
 */
function ropeOf(config: Facts, type: string, sizes: Sizes, base: number): Position {
  const { headDim, context } = sizes
  const own = inside(config, 'rope_parameters').get(type)
  if (own !== undefined) return configRope(factsOf({ rope_parameters: own }), headDim, context, base)
  return type === 'full_attention' ? configRope(config, headDim, context, base) : plainRope(base, sizes)
}

function kindsOf(config: Facts, layers: number): number[] {
  const types = slidingTypes(config, layers)
  if (types !== undefined) return types
  const key =
    config.get('sliding_window_pattern') === undefined ? '_sliding_window_pattern' : 'sliding_window_pattern'
  return everySixth(layers, size(config, key, layers + PATTERN, PATTERN))
}

function everySixth(layers: number, pattern = PATTERN): number[] {
  return Array.from({ length: layers }, (_, layer) => Number((layer + 1) % pattern !== 0))
}

function specFromGguf(metadata: Facts, embeddingRows: number): ModelSpec {
  const sizes = ggufSizes(metadata, 'gemma3', embeddingRows)
  only(metadata, 'gemma3.attention.value_length', [sizes.headDim])
  return specOf(sizes, {
    eps: ggufEpsilon(metadata, 'gemma3'),
    global: ggufRope(metadata, 'gemma3', sizes.headDim),
    local: plainRope(shortest(atLeast(metadata, 'gemma3.rope.freq_base_swa', LEAST_BASE, LOCAL_BASE)), sizes),
    window: size(metadata, 'gemma3.attention.sliding_window', MAX_CONTEXT),
    kindOfLayer: everySixth(sizes.layers),
    // The converter writes no scalar; it is the head's size in all but the 27B model, which has 62 layers.
    scale: sizes.layers === 62 ? sizes.hidden / sizes.heads : sizes.headDim,
  })
}

type Parts = {
  eps: number
  global: Position
  local: Position
  window: number
  kindOfLayer: number[]
  scale: number
}

function plainRope(base: number, { headDim }: Sizes): Position {
  return { kind: 'rope', base, rotaryDim: headDim, scaling: { kind: 'none' } }
}

function specOf(sizes: Sizes, { eps, global, local, window, kindOfLayer, scale }: Parts): ModelSpec {
  const spec = decoder('gemma3', sizes, eps, global)
  return checked({
    ...spec,
    embeddingScale: Math.sqrt(sizes.hidden),
    norm: { kind: 'rms', eps, post: true },
    attention: {
      ...spec.attention,
      scale: 1 / Math.sqrt(scale),
      qkNorm: true,
      kinds: [{ position: global }, { window, position: local }],
      kindOfLayer,
    },
    mlp: { kind: 'gated', activation: 'gelu_tanh', bias: false },
  })
}
