// A small model of awkward sizes, from a seed: no width is a multiple of a block, a tile or a vector. For runs that need
// every kind of weights, or the slow plain twins.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openModel, type OpenedModel } from '../../cli/lib/model.ts'
import type { PackOptions } from '../../src/packing/pack.ts'
import { rng } from './rng.ts'
import { writeFolder, type FloatTensor } from './safetensors-builder.ts'

const SIZES = { layers: 2, hidden: 40, heads: 3, kvHeads: 1, headDim: 12, ffn: 56, vocab: 90 }

/** Gains that make attention far from uniform and logits some units wide. */
const GAIN = { embedding: 1, queryKey: 1.8, other: 1, head: 2 }

/** Packed in memory by `options`: `{ quant: 'f32' }` keeps the floats. */
export async function oddModel(options: PackOptions): Promise<OpenedModel> {
  const folder = mkdtempSync(join(tmpdir(), 'islet-odd-'))
  try {
    writeFolder(folder, CONFIG, [tensors()])
    return await openModel(folder, options)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const CONFIG = {
  model_type: 'llama',
  hidden_act: 'silu',
  hidden_size: SIZES.hidden,
  intermediate_size: SIZES.ffn,
  num_hidden_layers: SIZES.layers,
  num_attention_heads: SIZES.heads,
  num_key_value_heads: SIZES.kvHeads,
  head_dim: SIZES.headDim,
  vocab_size: SIZES.vocab,
  max_position_embeddings: 512,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: false,
}

function tensors(): FloatTensor[] {
  const random = rng(40)
  const { layers, hidden, heads, kvHeads, headDim, ffn, vocab } = SIZES
  const around = (middle: number, width: number, count: number): Float32Array =>
    Float32Array.from({ length: count }, () => middle + width * (2 * random.uniform() - 1))
  const vector = (name: string): FloatTensor => ({ name, shape: [hidden], values: around(1, 0.5, hidden) })
  const matrix = (name: string, rows: number, cols: number, gain: number): FloatTensor => {
    // Uniform in +-sqrt(3 / cols): a row's product with unit activations has a variance of 1.
    return { name, shape: [rows, cols], values: around(0, gain * Math.sqrt(3 / cols), rows * cols) }
  }
  const list = [
    matrix('model.embed_tokens.weight', vocab, hidden, GAIN.embedding * Math.sqrt(hidden)),
    vector('model.norm.weight'),
    matrix('lm_head.weight', vocab, hidden, GAIN.head),
  ]
  for (let layer = 0; layer < layers; layer++) {
    const at = (name: string): string => `model.layers.${layer}.${name}.weight`
    list.push(
      vector(at('input_layernorm')),
      matrix(at('self_attn.q_proj'), heads * headDim, hidden, GAIN.queryKey),
      matrix(at('self_attn.k_proj'), kvHeads * headDim, hidden, GAIN.queryKey),
      matrix(at('self_attn.v_proj'), kvHeads * headDim, hidden, GAIN.other),
      matrix(at('self_attn.o_proj'), hidden, heads * headDim, GAIN.other),
      vector(at('post_attention_layernorm')),
      matrix(at('mlp.gate_proj'), ffn, hidden, GAIN.other),
      matrix(at('mlp.up_proj'), ffn, hidden, GAIN.other),
      matrix(at('mlp.down_proj'), hidden, ffn, GAIN.other),
    )
  }
  return list
}
