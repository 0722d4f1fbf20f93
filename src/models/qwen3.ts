// Qwen 3 (dense) is LLaMA with an RMS norm on each head's q and k (arXiv 2505.09388).

import { checked, configSizes, decoder, ggufEpsilon, ggufSizes, type Sizes } from './decoder.ts'
import { flag, only, positive } from './facts.ts'
import type { Facts, Family } from './family.ts'
import { GGUF_NAMES, ignoredLlama, LLAMA_NAMES } from './llama.ts'
import { slidingLayers } from './qwen2.ts'
import { configRope, ggufRope } from './rope.ts'
import type { ModelSpec, Position } from './spec.ts'
import { tensorsOf, type Places } from './tensors.ts'

export const qwen3: Family = {
  modelTypes: ['qwen3'],
  architectures: ['qwen3'],
  specFromConfig,
  specFromGguf,
  tensors: (spec, naming) => tensorsOf(spec, naming === 'gguf' ? GGUF_PLACES : PLACES),
  ignored: ignoredLlama,
}

const PLACES: Places = {
  ...LLAMA_NAMES,
  q_norm: 'model.layers.#.self_attn.q_norm.weight',
  k_norm: 'model.layers.#.self_attn.k_norm.weight',
}

const GGUF_PLACES: Places = {
  ...GGUF_NAMES,
  q_norm: 'blk.#.attn_q_norm.weight',
  k_norm: 'blk.#.attn_k_norm.weight',
}

function specFromConfig(config: Facts): ModelSpec {
  only(config, 'hidden_act', ['silu'])
  only(config, 'attention_bias', [false])
  const sizes = configSizes(config)
  const eps = positive(config, 'rms_norm_eps', 1e-6)
  const spec = specOf(sizes, eps, configRope(config, sizes.headDim, sizes.context))
  return checked({
    ...spec,
    attention: { ...spec.attention, ...slidingLayers(config, spec.attention.kinds[0], sizes.layers) },
    head: { tied: flag(config, 'tie_word_embeddings', false), normalised: false },
  })
}

function specFromGguf(metadata: Facts, embeddingRows: number): ModelSpec {
  const sizes = ggufSizes(metadata, 'qwen3', embeddingRows)
  return specOf(sizes, ggufEpsilon(metadata, 'qwen3'), ggufRope(metadata, 'qwen3', sizes.headDim))
}

function specOf(sizes: Sizes, eps: number, position: Position): ModelSpec {
  const spec = decoder('qwen3', sizes, eps, position)
  return checked({ ...spec, attention: { ...spec.attention, qkNorm: true } })
}
