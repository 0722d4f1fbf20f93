// A small random checkpoint of any family, from its config alone: the family itself says which tensors there are and of what
// shape. Awkward sizes, so that no width is a multiple of a block, a tile or a vector.

import { mkdtempSync, rmSync } from 'node:fs'
import { copyFile, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openModel, type OpenedModel } from '../../cli/lib/model.ts'
import { factsOf } from '../../src/models/facts.ts'
import type { RoleTensor } from '../../src/models/family.ts'
import { familyOfConfig } from '../../src/models/registry.ts'
import type { ModelSpec } from '../../src/models/spec.ts'
import type { PackOptions } from '../../src/packing/pack.ts'
import { rng } from './rng.ts'
import { writeFolder, type FloatTensor } from './safetensors-builder.ts'
import { someIds, type Subject } from './subjects.ts'

export type Config = Record<string, unknown>

const LLAMA_KEYS = {
  hidden_act: 'silu',
  hidden_size: 40,
  intermediate_size: 56,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  head_dim: 12,
  vocab_size: 90,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
}

/** One config for each kind of model: every branch that the graph knows is in one of them. */
export const CONFIGS = {
  mistral: { ...LLAMA_KEYS, model_type: 'mistral', num_key_value_heads: 1, sliding_window: 18 },
  baichuan7b: { ...LLAMA_KEYS, model_type: 'baichuan', architectures: ['BaiChuanForCausalLM'] },
  baichuan13b: {
    ...LLAMA_KEYS,
    model_type: 'baichuan',
    max_position_embeddings: undefined,
    model_max_length: 64,
    tokenizer_class: 'BaichuanTokenizer', // the second generation: a normalised head
  },
  chatglm1: {
    model_type: 'chatglm',
    position_encoding_2d: true,
    hidden_size: 60,
    num_attention_heads: 3,
    num_layers: 2,
    inner_hidden_size: 72,
    vocab_size: 90,
    max_sequence_length: 256,
    layernorm_epsilon: 1e-5,
    bos_token_id: 80,
    gmask_token_id: 77,
    mask_token_id: 76,
  },
  chatglm2: {
    model_type: 'chatglm',
    hidden_size: 40,
    num_attention_heads: 4,
    kv_channels: 12,
    num_layers: 2,
    ffn_hidden_size: 56,
    padded_vocab_size: 90,
    seq_length: 256,
    multi_query_attention: true,
    multi_query_group_num: 2,
    layernorm_epsilon: 1e-5,
  },
  qwen1: {
    model_type: 'qwen',
    hidden_size: 40,
    num_attention_heads: 3,
    kv_channels: 12,
    num_hidden_layers: 2,
    intermediate_size: 112,
    vocab_size: 90,
    seq_length: 24,
    max_position_embeddings: 256,
    use_dynamic_ntk: true,
    use_logn_attn: true,
    layer_norm_epsilon: 1e-5,
  },
  qwen2: {
    ...LLAMA_KEYS,
    model_type: 'qwen2',
    num_key_value_heads: 1,
    tie_word_embeddings: true,
    use_sliding_window: true,
    sliding_window: 20,
    max_window_layers: 1,
    rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 64 },
  },
  qwen3: { ...LLAMA_KEYS, model_type: 'qwen3', num_attention_heads: 4, num_key_value_heads: 2, head_dim: 14 },
  gemma3: {
    ...LLAMA_KEYS,
    model_type: 'gemma3_text',
    hidden_activation: 'gelu_pytorch_tanh',
    num_hidden_layers: 3,
    num_key_value_heads: 1,
    query_pre_attn_scalar: 10,
    sliding_window: 18,
    sliding_window_pattern: 3,
    rope_scaling: { rope_type: 'linear', factor: 8 },
  },
} satisfies Record<string, Config>

export type FamilyName = keyof typeof CONFIGS

export const FAMILY_NAMES = Object.keys(CONFIGS) as FamilyName[]

/** All tensors of the checkpoint that a config describes, filled from a seed. */
export function familyTensors(config: Config, seed = 50): FloatTensor[] {
  const facts = factsOf(config)
  const family = familyOfConfig(facts)
  const spec = family.specFromConfig(facts)
  const random = rng(seed)
  const byName = new Map<string, FloatTensor>()
  for (const tensor of family.tensors(spec, 'huggingface')) {
    if (byName.has(tensor.name) || tensor.compute === 'row-lengths') continue
    const { vector, rows, cols, order } = tensor
    const shape = vector ? [order?.of ?? cols] : [order?.of ?? rows, cols]
    const [middle, width] = spread(spec, tensor)
    const count = shape.reduce((a, b) => a * b)
    const values = Float32Array.from({ length: count }, () => middle + width * (2 * random.uniform() - 1))
    byName.set(tensor.name, { name: tensor.name, shape, values })
  }
  return [...byName.values()]
}

/** Middle and width of a tensor's values: attention far from uniform, activations near 1, logits some units wide. */
function spread(spec: ModelSpec, { role, vector, cols, compute }: RoleTensor): [number, number] {
  if (vector && role.endsWith('bias')) return [0, 0.3]
  if (vector) return [compute === 'plus-one' ? 0 : 1, 0.5]
  const gain = /\.[qk]$/.test(role) ? 1.8 : role === 'head' ? 2 : 1
  // Uniform in +-sqrt(3 / cols): a row's product with unit activations has a variance of 1.
  const unit = Math.sqrt(3 / cols) * gain
  return [0, role === 'embedding' ? (unit * Math.sqrt(cols)) / spec.embeddingScale : unit]
}

/** Writes the checkpoint as a Hugging Face folder. */
export function writeFamily(folder: string, config: Config, tensors = familyTensors(config)): string {
  return writeFolder(folder, config, [tensors])
}

/** Packed in memory. */
export async function familyModel(config: Config, options: PackOptions = {}): Promise<OpenedModel> {
  const folder = mkdtempSync(join(tmpdir(), 'islet-family-'))
  try {
    return await openModel(writeFamily(folder, config), options)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const opened = new Map<string, Promise<OpenedModel>>()

/** The model of a name, packed once: in float32 throughout, or in INT4 with KV in INT8. */
export function familySubject(name: FamilyName, kv: 'f32' | 'q8' = 'f32'): Subject {
  const key = `${name} ${kv}`
  const open = (): Promise<OpenedModel> => {
    const known = opened.get(key) ?? familyModel(CONFIGS[name], { quant: kv === 'f32' ? 'f32' : 'q4' })
    opened.set(key, known)
    return known
  }
  return { name: key, kv, open }
}

/** Random ids that the family takes as a prompt: one with a prefix has [gMASK] and <sop> two thirds in. */
export function familyPrompt({ vocab, prefix }: ModelSpec, count: number, seed = 1): number[] {
  const ids = someIds(count, prefix === undefined ? vocab : prefix.mask, seed)
  if (prefix === undefined) return ids
  const at = Math.floor((2 * count) / 3)
  return ids.with(at - 1, prefix.gmask).with(at, prefix.start)
}

/** ChatGLM-6B's layout over the vocabulary of its fixture: ids as in that tokenizer's goldens. */
export async function writeChatGlm1(scratch: string): Promise<string> {
  const fixture = fileURLToPath(new URL('../fixtures/tokenizers/chatglm1', import.meta.url))
  const { special, vocab_size } = JSON.parse(await readFile(join(fixture, 'goldens.json'), 'utf8')) as {
    special: Record<string, number>
    vocab_size: number
  }
  const folder = writeFamily(join(scratch, 'checkpoint'), {
    ...CONFIGS.chatglm1,
    vocab_size,
    bos_token_id: special['<sop>'],
    eos_token_id: special['<eop>'],
    mask_token_id: special['[MASK]'],
    gmask_token_id: special['[gMASK]'],
  })
  for (const file of ['ice_text.model', 'tokenizer_config.json'])
    await copyFile(join(fixture, file), join(folder, file))
  return folder
}
