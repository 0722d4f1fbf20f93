// Baichuan 1 and 2 are LLaMA with q, k and v in one tensor. 7B has rotary positions, 13B ALiBi; Baichuan 2
// divides the head's rows by their lengths (arXiv 2309.10305). Code: baichuan-inc/Baichuan-7B
// modeling_baichuan.py and its successors.

import { MAX_CONTEXT } from '../formats/limits.ts'
import { checked, configSizes, decoder, ggufEpsilon, ggufSizes, type Sizes } from './decoder.ts'
import { only, positive, size, text } from './facts.ts'
import type { Facts, Family } from './family.ts'
import { GGUF_NAMES, ggufPlaces, ignoredLlama, LLAMA_NAMES } from './llama.ts'
import { ggufRope } from './rope.ts'
import type { ModelSpec, Position } from './spec.ts'
import { slice, tensorsOf, type Place, type Places } from './tensors.ts'

export const baichuan: Family = {
  modelTypes: ['baichuan'],
  architectures: ['baichuan'],
  specFromConfig,
  specFromGguf,
  tensors: (spec, naming) => tensorsOf(spec, naming === 'gguf' ? ggufNames(spec) : packedPlaces(spec)),
  ignored: ignoredLlama,
}

/** llama.cpp knows the 13B models by this many layers. */
const LAYERS_OF_13B = 40
const VOCABULARY_OF_2 = 125696
const MAX_BIAS = 8
const ROPE_BASE = 10000

function packedPlaces({ heads, headDim }: ModelSpec): Places {
  const width = heads * headDim
  const part = (index: number): Place => ({
    name: 'model.layers.#.self_attn.W_pack.weight',
    rows: slice(3 * width, index * width, width),
  })
  return { ...LLAMA_NAMES, q: part(0), k: part(1), v: part(2) }
}

/** Rows are turned by the converter as LLaMA's are, for ALiBi too, where their order does not matter. */
function ggufNames(spec: ModelSpec): Places {
  return spec.attention.kinds[0].position.kind === 'alibi' ? GGUF_NAMES : ggufPlaces(spec)
}

/**
 * 7B configs have `max_position_embeddings`; 13B ones only `model_max_length`, which ALiBi does not end at.
 */
function specFromConfig(config: Facts): ModelSpec {
  only(config, 'hidden_act', ['silu'])
  only(config, 'tie_word_embeddings', [false])
  const rotary = config.get('max_position_embeddings') !== undefined
  const context = size(config, rotary ? 'max_position_embeddings' : 'model_max_length', MAX_CONTEXT)
  const sizes = configSizes({ get: (key) => (key === 'max_position_embeddings' ? context : config.get(key)) })
  only(config, 'num_key_value_heads', [sizes.heads])
  const position: Position = rotary
    ? { kind: 'rope', base: ROPE_BASE, rotaryDim: sizes.headDim, scaling: { kind: 'none' } }
    : { kind: 'alibi', maxBias: MAX_BIAS }
  return specOf(sizes, positive(config, 'rms_norm_eps', 1e-6), position, normHead(config, sizes))
}

/**
 * Baichuan 2 is told by its vocabulary; by the class, as Baichuan-7B alone writes it BaiChuan; and the 13B
 * ones by a tokenizer class, which only the second generation names.
 */
function normHead(config: Facts, { vocab }: Sizes): boolean {
  if (vocab === VOCABULARY_OF_2) return true
  if (vocab === 64000) return false
  const classes = config.get('architectures')
  if (Array.isArray(classes) && classes.includes('BaiChuanForCausalLM')) return false
  return config.get('max_position_embeddings') !== undefined || config.get('tokenizer_class') !== undefined
}

/**
 * llama.cpp's converter leaves Baichuan 2's head as it is and writes no mark: vocabulary or name tell.
 * Normalising twice does no harm.
 */
function specFromGguf(metadata: Facts, embeddingRows: number): ModelSpec {
  const sizes = ggufSizes(metadata, 'baichuan', embeddingRows)
  const name = `${text(metadata, 'general.name')} ${text(metadata, 'general.basename')}`
  const second = sizes.vocab === VOCABULARY_OF_2 || /baichuan[-_ ]?2/i.test(name)
  return specOf(sizes, ggufEpsilon(metadata, 'baichuan'), ggufPosition(metadata, sizes), second)
}

function ggufPosition(metadata: Facts, { layers, headDim }: Sizes): Position {
  const bias = 'baichuan.attention.max_alibi_bias'
  if (metadata.get(bias) !== undefined || layers === LAYERS_OF_13B)
    return { kind: 'alibi', maxBias: positive(metadata, bias, MAX_BIAS) }
  only(metadata, 'baichuan.rope.dimension_count', [headDim])
  return ggufRope(metadata, 'baichuan', headDim)
}

function specOf(sizes: Sizes, eps: number, position: Position, normalised: boolean): ModelSpec {
  return checked({ ...decoder('baichuan', sizes, eps, position), head: { tied: false, normalised } })
}
