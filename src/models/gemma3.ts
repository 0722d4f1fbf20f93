// Gemma 3, text alone: norms around each sublayer, QK norm, GELU, scaled embeddings; most layers see a sliding window and turn by a
// base of their own (arXiv 2503.19786).

import { MAX_CONTEXT } from '../formats/limits.ts'
import { checked, configSizes, decoder, ggufEpsilon, ggufSizes, type Sizes } from './decoder.ts'
import { inside, list, only, positive, shortest, size } from './facts.ts'
import type { Facts, Family } from './family.ts'
import { GGUF_NAMES, ignoredLlama, LLAMA_NAMES } from './llama.ts'
import { configRope, ggufRope } from './rope.ts'
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
  // Newer configs keep one set of rotary parameters for each type of layer.
  const parameters = inside(config, 'rope_parameters')
  const full = inside(parameters, 'full_attention')
  const global =
    parameters.get('full_attention') === undefined
      ? configRope(config, sizes.headDim, sizes.context)
      : configRope({ get: (key) => (key === 'rope_parameters' ? undefined : full.get(key)) }, sizes.headDim, sizes.context)
  const base = positive(
    { get: (key) => inside(parameters, 'sliding_attention').get('rope_theta') ?? config.get(key) },
    'rope_local_base_freq',
    LOCAL_BASE,
  )
  const spec = specOf(sizes, {
    eps: positive(config, 'rms_norm_eps', 1e-6),
    global,
    localBase: base,
    window: size(config, 'sliding_window', MAX_CONTEXT, 4096),
    kindOfLayer: kindsOf(config, sizes.layers),
    scale: positive(config, 'query_pre_attn_scalar', 256),
  })
  return { ...spec, head: { tied: config.get('tie_word_embeddings') !== false, normalised: false } }
}

function kindsOf(config: Facts, layers: number): number[] {
  const types = list(config, 'layer_types', layers)
  if (types !== undefined) return types.map((type) => Number(type === 'sliding_attention'))
  const key = config.get('sliding_window_pattern') === undefined ? '_sliding_window_pattern' : 'sliding_window_pattern'
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
    localBase: shortest(positive(metadata, 'gemma3.rope.freq_base_swa', LOCAL_BASE)),
    window: size(metadata, 'gemma3.attention.sliding_window', MAX_CONTEXT),
    kindOfLayer: everySixth(sizes.layers),
    // The converter writes no scalar; it is the head's size in all but the 27B model, which has 62 layers.
    scale: sizes.layers === 62 ? sizes.hidden / sizes.heads : sizes.headDim,
  })
}

type Parts = {
  eps: number
  global: Position
  localBase: number
  window: number
  kindOfLayer: number[]
  scale: number
}

function specOf(sizes: Sizes, { eps, global, localBase, window, kindOfLayer, scale }: Parts): ModelSpec {
  const spec = decoder('gemma3', sizes, eps, global)
  const local: Position = { kind: 'rope', base: localBase, rotaryDim: sizes.headDim, scaling: { kind: 'none' } }
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
