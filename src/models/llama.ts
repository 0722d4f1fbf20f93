// The LLaMA family has RMS norms, rotary positions, grouped queries and gated SiLU. LLaMA 1 and 2, Mistral,
// SmolLM2 and TinyLlama belong to it.

import { MAX_CONTEXT } from '../formats/limits.ts'
import { checked, configSizes, decoder, ggufEpsilon, ggufSizes } from './decoder.ts'
import { flag, only, positive, size } from './facts.ts'
import type { Facts, Family } from './family.ts'
import { configRope, ggufRope } from './rope.ts'
import type { ModelSpec } from './spec.ts'
import { heads, neighbours, tensorsOf, type Place, type Places } from './tensors.ts'

export const llama: Family = {
  modelTypes: ['llama', 'mistral'],
  architectures: ['llama'],
  specFromConfig,
  specFromGguf,
  tensors: (spec, naming) => tensorsOf(spec, naming === 'gguf' ? ggufPlaces(spec) : LLAMA_NAMES),
  ignored: ignoredLlama,
}

/** The names of `LlamaForCausalLM`, which many others took over. */
export const LLAMA_NAMES = {
  embedding: 'model.embed_tokens.weight',
  attn_norm: 'model.layers.#.input_layernorm.weight',
  q: 'model.layers.#.self_attn.q_proj.weight',
  k: 'model.layers.#.self_attn.k_proj.weight',
  v: 'model.layers.#.self_attn.v_proj.weight',
  o: 'model.layers.#.self_attn.o_proj.weight',
  mlp_norm: 'model.layers.#.post_attention_layernorm.weight',
  gate: 'model.layers.#.mlp.gate_proj.weight',
  up: 'model.layers.#.mlp.up_proj.weight',
  down: 'model.layers.#.mlp.down_proj.weight',
  final_norm: 'model.norm.weight',
  head: 'lm_head.weight',
} satisfies Places

/** llama.cpp's names. */
export const GGUF_NAMES = {
  embedding: 'token_embd.weight',
  attn_norm: 'blk.#.attn_norm.weight',
  q: 'blk.#.attn_q.weight',
  k: 'blk.#.attn_k.weight',
  v: 'blk.#.attn_v.weight',
  o: 'blk.#.attn_output.weight',
  mlp_norm: 'blk.#.ffn_norm.weight',
  gate: 'blk.#.ffn_gate.weight',
  up: 'blk.#.ffn_up.weight',
  down: 'blk.#.ffn_down.weight',
  final_norm: 'output_norm.weight',
  head: 'output.weight',
} satisfies Places

/** Tables that old exports carried along, and the copy of the embedding that a tied checkpoint may hold. */
export function ignoredLlama(name: string, spec: ModelSpec): boolean {
  return name.endsWith('.rotary_emb.inv_freq') || (spec.head.tied && name === LLAMA_NAMES.head)
}

/** llama.cpp's converter turns the pairs of this family from halves into neighbours: back again. */
export function ggufPlaces({ heads: q, kvHeads, headDim }: ModelSpec): Places {
  const order = neighbours(headDim, headDim)
  const turned = (name: string, count: number): Place => ({
    name,
    rows: heads(count * headDim, 0, headDim, order),
  })
  return { ...GGUF_NAMES, q: turned(GGUF_NAMES.q, q), k: turned(GGUF_NAMES.k, kvHeads) }
}

/**
 * config.json of `LlamaForCausalLM` and `MistralForCausalLM`, with transformers' defaults for absent keys.
 */
function specFromConfig(config: Facts): ModelSpec {
  only(config, 'hidden_act', ['silu'])
  only(config, 'attention_bias', [false])
  only(config, 'mlp_bias', [false])
  only(config, 'partial_rotary_factor', [1])
  const sizes = configSizes(config)
  const eps = positive(config, 'rms_norm_eps', 1e-6)
  const spec = decoder('llama', sizes, eps, configRope(config, sizes.headDim, sizes.context))
  const sliding = config.get('sliding_window') ?? undefined
  const [kind] = spec.attention.kinds
  return checked({
    ...spec,
    attention: {
      ...spec.attention,
      kinds: [
        sliding === undefined ? kind : { ...kind, window: size(config, 'sliding_window', MAX_CONTEXT) },
      ],
    },
    head: { tied: flag(config, 'tie_word_embeddings', false), normalised: false },
  })
}

/**
 * GGUF metadata of architecture `llama`. Whether the head is tied shows in the tensors: the caller decides.
 */
function specFromGguf(metadata: Facts, embeddingRows: number): ModelSpec {
  only(metadata, 'llama.expert_count', [0])
  only(metadata, 'llama.attention.sliding_window', [0])
  const sizes = ggufSizes(metadata, 'llama', embeddingRows)
  only(metadata, 'llama.attention.value_length', [sizes.headDim])
  only(metadata, 'llama.rope.dimension_count', [sizes.headDim])
  const rope = ggufRope(metadata, 'llama', sizes.headDim)
  return checked(decoder('llama', sizes, ggufEpsilon(metadata, 'llama'), rope))
}
