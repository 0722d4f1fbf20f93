// Qwen 1.5, 2 and 2.5 are LLaMA with biases on q, k and v. The upper layers may see a sliding window (arXiv
// 2407.10671).

import { MAX_CONTEXT } from '../formats/limits.ts'
import { checked, configSizes, decoder, ggufEpsilon, ggufSizes, slidingTypes } from './decoder.ts'
import { flag, only, positive, size } from './facts.ts'
import type { Facts, Family } from './family.ts'
import { GGUF_NAMES, ignoredLlama, LLAMA_NAMES } from './llama.ts'
import { configRope, ggufRope } from './rope.ts'
import type { LayerKind, ModelSpec } from './spec.ts'
import { tensorsOf, type Places } from './tensors.ts'

export const qwen2: Family = {
  modelTypes: ['qwen2'],
  architectures: ['qwen2'],
  specFromConfig,
  specFromGguf,
  tensors: (spec, naming) => tensorsOf(spec, naming === 'gguf' ? GGUF_PLACES : PLACES),
  ignored: ignoredLlama,
}

const PLACES: Places = {
  ...LLAMA_NAMES,
  q_bias: 'model.layers.#.self_attn.q_proj.bias',
  k_bias: 'model.layers.#.self_attn.k_proj.bias',
  v_bias: 'model.layers.#.self_attn.v_proj.bias',
}

const GGUF_PLACES: Places = {
  ...GGUF_NAMES,
  q_bias: 'blk.#.attn_q.bias',
  k_bias: 'blk.#.attn_k.bias',
  v_bias: 'blk.#.attn_v.bias',
}

function specFromConfig(config: Facts): ModelSpec {
  only(config, 'hidden_act', ['silu'])
  const sizes = configSizes(config)
  const eps = positive(config, 'rms_norm_eps', 1e-6)
  const spec = decoder('qwen2', sizes, eps, configRope(config, sizes.headDim, sizes.context))
  return checked({
    ...spec,
    attention: {
      ...spec.attention,
      ...slidingLayers(config, spec.attention.kinds[0], sizes.layers),
      bias: { qkv: true, out: false },
    },
    head: { tied: flag(config, 'tie_word_embeddings', false), normalised: false },
  })
}

/**
 * With `use_sliding_window`, layers from `max_window_layers` on see `sliding_window` positions; newer configs
 * list each layer's type.
 */
export function slidingLayers(
  config: Facts,
  full: LayerKind,
  layers: number,
): Pick<ModelSpec['attention'], 'kinds' | 'kindOfLayer'> {
  if (!flag(config, 'use_sliding_window', false)) return { kinds: [full] }
  const window = size(config, 'sliding_window', MAX_CONTEXT, 4096)
  const kindOfLayer = slidingTypes(config, layers) ?? slidingFrom(config, layers)
  return { kinds: [full, { ...full, window }], kindOfLayer }
}

function slidingFrom(config: Facts, layers: number): number[] {
  // 0 is meant where it stands: all layers slide.
  const first = config.get('max_window_layers') === 0 ? 0 : size(config, 'max_window_layers', 2 ** 20, 28)
  return Array.from({ length: layers }, (_, layer) => Number(layer >= first))
}

function specFromGguf(metadata: Facts, embeddingRows: number): ModelSpec {
  const sizes = ggufSizes(metadata, 'qwen2', embeddingRows)
  const spec = decoder(
    'qwen2',
    sizes,
    ggufEpsilon(metadata, 'qwen2'),
    ggufRope(metadata, 'qwen2', sizes.headDim),
  )
  return checked({ ...spec, attention: { ...spec.attention, bias: { qkv: true, out: false } } })
}
