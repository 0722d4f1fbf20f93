// The LLaMA family (LLaMA 1 and 2, SmolLM2, TinyLlama): RMS norms, rotary positions, grouped queries, gated SiLU.

import { MAX_CONTEXT, MAX_HEADS, MAX_LAYERS, MAX_VOCAB, MAX_WIDTH } from '../formats/limits.ts'
import { IsletError } from '../lib/errors.ts'
import { factsOf, only, positive, show, size } from './facts.ts'
import type { Facts, Family, RoleTensor } from './registry.ts'
import type { GlobalRole, LayerRole, ModelSpec, RopeScaling } from './spec.ts'

export const llama: Family = {
  modelTypes: ['llama'],
  architectures: ['llama'],
  specFromConfig,
  specFromGguf,
  tensors,
  ignored,
}

const LAYER_NAMES: Readonly<Record<LayerRole, { huggingface: string; gguf: string }>> = {
  attn_norm: { huggingface: 'input_layernorm', gguf: 'attn_norm' },
  q: { huggingface: 'self_attn.q_proj', gguf: 'attn_q' },
  k: { huggingface: 'self_attn.k_proj', gguf: 'attn_k' },
  v: { huggingface: 'self_attn.v_proj', gguf: 'attn_v' },
  o: { huggingface: 'self_attn.o_proj', gguf: 'attn_output' },
  mlp_norm: { huggingface: 'post_attention_layernorm', gguf: 'ffn_norm' },
  gate: { huggingface: 'mlp.gate_proj', gguf: 'ffn_gate' },
  up: { huggingface: 'mlp.up_proj', gguf: 'ffn_up' },
  down: { huggingface: 'mlp.down_proj', gguf: 'ffn_down' },
}

const GLOBAL_NAMES: Readonly<Record<GlobalRole, { huggingface: string; gguf: string }>> = {
  embedding: { huggingface: 'model.embed_tokens.weight', gguf: 'token_embd.weight' },
  final_norm: { huggingface: 'model.norm.weight', gguf: 'output_norm.weight' },
  head: { huggingface: 'lm_head.weight', gguf: 'output.weight' },
}

/** config.json of `LlamaForCausalLM`, with transformers' defaults for absent keys. */
function specFromConfig(config: Facts): ModelSpec {
  only(config, 'hidden_act', ['silu'])
  only(config, 'attention_bias', [false])
  only(config, 'mlp_bias', [false])
  only(config, 'partial_rotary_factor', [1])
  only(config, 'sliding_window', [null])
  const hidden = size(config, 'hidden_size', MAX_WIDTH)
  const heads = size(config, 'num_attention_heads', MAX_HEADS)
  // Newer configs keep base and scaling together in rope_parameters.
  const parameters = config.get('rope_parameters')
  const rope = factsOf(typeof parameters === 'object' && parameters !== null ? parameters : {})
  const base = rope.get('rope_theta') === undefined ? positive(config, 'rope_theta', 10000) : positive(rope, 'rope_theta')
  const tied = config.get('tie_word_embeddings')
  return checked({
    family: 'llama',
    layers: size(config, 'num_hidden_layers', MAX_LAYERS),
    hidden,
    heads,
    kvHeads: size(config, 'num_key_value_heads', MAX_HEADS, heads),
    headDim: size(config, 'head_dim', MAX_WIDTH, hidden / heads),
    ffn: size(config, 'intermediate_size', MAX_WIDTH),
    vocab: size(config, 'vocab_size', MAX_VOCAB),
    context: size(config, 'max_position_embeddings', MAX_CONTEXT, 2048),
    norm: { kind: 'rms', eps: positive(config, 'rms_norm_eps', 1e-6) },
    position: { kind: 'rope', base, rotaryDim: 0, scaling: scalingOf(parameters ?? config.get('rope_scaling')) },
    mlp: { kind: 'gated', activation: 'silu' },
    head: { tied: tied === true },
  })
}

/** GGUF metadata of architecture `llama`. Whether the head is tied shows in the tensors: the caller decides. */
function specFromGguf(metadata: Facts, embeddingRows: number): ModelSpec {
  only(metadata, 'llama.expert_count', [0])
  only(metadata, 'llama.attention.sliding_window', [0])
  const hidden = size(metadata, 'llama.embedding_length', MAX_WIDTH)
  const heads = size(metadata, 'llama.attention.head_count', MAX_HEADS)
  const headDim = size(metadata, 'llama.attention.key_length', MAX_WIDTH, hidden / heads)
  only(metadata, 'llama.attention.value_length', [headDim])
  only(metadata, 'llama.rope.dimension_count', [headDim])
  const type = metadata.get('llama.rope.scaling.type') ?? 'none'
  const factor = metadata.get('llama.rope.scaling.factor')
  return checked({
    family: 'llama',
    layers: size(metadata, 'llama.block_count', MAX_LAYERS),
    hidden,
    heads,
    kvHeads: size(metadata, 'llama.attention.head_count_kv', MAX_HEADS, heads),
    headDim,
    ffn: size(metadata, 'llama.feed_forward_length', MAX_WIDTH),
    vocab: size(metadata, 'llama.vocab_size', MAX_VOCAB, embeddingRows),
    context: size(metadata, 'llama.context_length', MAX_CONTEXT),
    // The file holds a float32; its shortest decimal is the number that was meant.
    norm: { kind: 'rms', eps: shortest(positive(metadata, 'llama.attention.layer_norm_rms_epsilon')) },
    position: {
      kind: 'rope',
      base: shortest(positive(metadata, 'llama.rope.freq_base', 10000)),
      rotaryDim: 0,
      scaling: scalingOf({ rope_type: type, factor }),
    },
    mlp: { kind: 'gated', activation: 'silu' },
    head: { tied: false },
  })
}

function scalingOf(value: unknown): RopeScaling {
  if (typeof value !== 'object' || value === null) return { kind: 'none' }
  const facts = factsOf(value)
  const kind = facts.get('rope_type') ?? facts.get('type') ?? 'none'
  if (kind === 'none' || kind === 'default') return { kind: 'none' }
  if (kind === 'linear') return { kind: 'linear', factor: positive(facts, 'factor') }
  throw new IsletError(
    'unsupported_format',
    `rotary scaling of kind ${show(kind)}; none and linear are supported`,
  )
}

function checked(spec: ModelSpec): ModelSpec {
  const { heads, kvHeads, headDim } = spec
  if (heads % kvHeads !== 0) {
    throw new IsletError('invalid_file', `${heads} heads cannot share ${kvHeads} KV heads evenly`)
  }
  if (headDim % 2 !== 0) throw new IsletError('invalid_file', `heads of ${headDim} values have no rotary pairs`)
  return { ...spec, position: { ...spec.position, rotaryDim: headDim } }
}

/** The number with the fewest digits that is this float32: 1e-5 for 0.000009999999747378752. */
function shortest(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const candidate = Number(value.toPrecision(digits))
    if (Math.fround(candidate) === Math.fround(value)) return candidate
  }
  return value
}

function tensors(spec: ModelSpec, naming: 'huggingface' | 'gguf'): RoleTensor[] {
  const { hidden, heads, kvHeads, headDim, ffn, vocab } = spec
  // llama.cpp's converter turns the pairs of this family from halves into neighbours.
  const pairs = naming === 'gguf' ? 'neighbours' : 'halves'
  const global = (role: GlobalRole): { role: string; name: string } => ({ role, name: GLOBAL_NAMES[role][naming] })
  const matrix = (rows: number, cols: number) => ({ rows, cols, vector: false })
  const norm = { rows: 1, cols: hidden, vector: true }
  const list: RoleTensor[] = [{ ...global('embedding'), ...matrix(vocab, hidden) }]
  for (let layer = 0; layer < spec.layers; layer++) {
    const at = (role: LayerRole): { role: string; name: string } => ({
      role: `layers.${layer}.${role}`,
      name: `${naming === 'gguf' ? 'blk' : 'model.layers'}.${layer}.${LAYER_NAMES[role][naming]}.weight`,
    })
    list.push(
      { ...at('attn_norm'), ...norm },
      { ...at('q'), ...matrix(heads * headDim, hidden), pairs },
      { ...at('k'), ...matrix(kvHeads * headDim, hidden), pairs },
      { ...at('v'), ...matrix(kvHeads * headDim, hidden) },
      { ...at('o'), ...matrix(hidden, heads * headDim) },
      { ...at('mlp_norm'), ...norm },
      { ...at('gate'), ...matrix(ffn, hidden) },
      { ...at('up'), ...matrix(ffn, hidden) },
      { ...at('down'), ...matrix(hidden, ffn) },
    )
  }
  list.push({ ...global('final_norm'), ...norm })
  if (!spec.head.tied) list.push({ ...global('head'), ...matrix(vocab, hidden) })
  return list
}

/** Tables that old exports carried along, and the copy of the embedding that a tied checkpoint may hold. */
function ignored(name: string, spec: ModelSpec): boolean {
  return name.endsWith('.rotary_emb.inv_freq') || (spec.head.tied && name === GLOBAL_NAMES.head.huggingface)
}
