// Chain models are the models that chains are measured, or computed, for: their configs, and how each is packed.

import { readFileSync } from 'node:fs'
import { planConfig, type ConfigPlan } from '../../cli/lib/config-plan.ts'
import { factsOf } from '../../src/models/facts.ts'
import { ROOT } from '../../tools/root.ts'

export type Config = Record<string, unknown>

export type ChainModelName = keyof typeof CONFIGS

/** The config.json of a real checkpoint, as docs/families keeps it. */
function kept(name: string): Config {
  return JSON.parse(readFileSync(`${ROOT}docs/families/${name}.json`, 'utf8')) as Config
}

/** Without its rotary scaling, which changes no size and is not read here. */
const LLAMA_3_2: Config = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_act: 'silu',
  hidden_size: 2048,
  intermediate_size: 8192,
  num_hidden_layers: 16,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  head_dim: 64,
  vocab_size: 128256,
  max_position_embeddings: 131072,
  rms_norm_eps: 1e-5,
  rope_theta: 500000,
  tie_word_embeddings: true,
}

/** The first Qwen, of 1.8 billion parameters: gate and up have `intermediate_size` together. */
const QWEN_1_8: Partial<Config> = { hidden_size: 2048, intermediate_size: 11008, num_attention_heads: 16 }

const GEMMA_270M: Partial<Config> = {
  hidden_size: 640,
  intermediate_size: 2048,
  num_hidden_layers: 18,
}

export const CONFIGS = {
  'smollm2-135m': kept('smollm2-135m'),
  'gemma-3-270m': { ...kept('gemma3-1b'), ...GEMMA_270M },
  'qwen2.5-0.5b': kept('qwen2.5-0.5b'),
  'llama-3.2-1b': LLAMA_3_2,
  'qwen-1.8b': { ...kept('qwen-7b'), ...QWEN_1_8, num_hidden_layers: 24 },
  'llama-2-7b': { ...kept('llama-7b'), max_position_embeddings: 4096, rms_norm_eps: 1e-5 },
  'baichuan-2-7b': kept('baichuan2-7b'),
  'chatglm2-6b': kept('chatglm2-6b'),
  'chatglm3-6b': kept('chatglm3-6b'),
  'qwen-7b': kept('qwen-7b'),
} satisfies Record<string, Config>

/** As people say them. */
export const TITLES: Readonly<Record<ChainModelName, string>> = {
  'smollm2-135m': 'SmolLM2 135M',
  'gemma-3-270m': 'Gemma 3 270M',
  'qwen2.5-0.5b': 'Qwen2.5 0.5B',
  'llama-3.2-1b': 'Llama 3.2 1B',
  'qwen-1.8b': 'Qwen 1.8B',
  'llama-2-7b': 'LLaMA 2 7B',
  'baichuan-2-7b': 'Baichuan 2 7B',
  'chatglm2-6b': 'ChatGLM2 6B',
  'chatglm3-6b': 'ChatGLM3 6B',
  'qwen-7b': 'Qwen 7B',
}

/** Models whose keys and values are kept in INT8, as was measured when they were packed, where their family keeps float32. */
const MEASURED_KV: readonly Config[] = [CONFIGS['gemma-3-270m']]

/** Layers in INT4, the table as `--embedding auto` stores it: what a file in Q4_K with a table in Q6_K becomes too. */
export function planned(config: Config): ConfigPlan {
  const plan = planConfig(factsOf(config), 'q4')
  if (!MEASURED_KV.includes(config)) return plan
  const { spec } = plan
  return { ...plan, spec: { ...spec, attention: { ...spec.attention, kv: 'q8' } } }
}
