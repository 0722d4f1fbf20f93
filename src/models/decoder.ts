// Most families share this spec of a LLaMA-like decoder, and the readers of its sizes. Sizes come from
// config.json or from GGUF metadata.

import { MAX_CONTEXT, MAX_HEADS, MAX_LAYERS, MAX_VOCAB, MAX_WIDTH } from '../formats/limits.ts'
import { IsletError } from '../lib/errors.ts'
import { list, positive, shortest, show, size } from './facts.ts'
import type { Facts } from './family.ts'
import { rotaryDim, type ModelSpec, type Position } from './spec.ts'

export type Sizes = Pick<
  ModelSpec,
  'layers' | 'hidden' | 'heads' | 'kvHeads' | 'headDim' | 'ffn' | 'vocab' | 'context'
>

/** RMS norms before each sublayer, SwiGLU, no biases, a head of its own; families change what differs. */
export function decoder(family: string, sizes: Sizes, eps: number, position: Position): ModelSpec {
  return {
    family,
    ...sizes,
    embeddingScale: 1,
    norm: { kind: 'rms', eps, post: false },
    attention: {
      scale: 1 / Math.sqrt(sizes.headDim),
      bias: { qkv: false, out: false },
      qkNorm: false,
      kinds: [{ position }],
    },
    mlp: { kind: 'gated', activation: 'silu', bias: false },
    head: { tied: false, normalised: false },
  }
}

/** The spec again if its sizes fit together, else `invalid_file`. */
export function checked(spec: ModelSpec): ModelSpec {
  const { heads, kvHeads, headDim, attention } = spec
  if (heads % kvHeads !== 0) {
    throw new IsletError('invalid_file', `${heads} heads cannot share ${kvHeads} KV heads evenly`)
  }
  for (const { position } of attention.kinds) {
    const rotary = rotaryDim(position)
    if (rotary % 2 !== 0)
      throw new IsletError('invalid_file', `heads of ${rotary} values have no rotary pairs`)
    if (position.kind === 'rope' && position.scaling.kind === 'ntk' && rotary < 4) {
      throw new IsletError(
        'invalid_file',
        `heads of ${rotary} values have no slow pair that NTK could stretch`,
      )
    }
    if (rotary > headDim) {
      throw new IsletError('invalid_file', `${rotary} rotary dimensions do not fit heads of ${headDim}`)
    }
  }
  return spec
}

/** Which layers slide, by `layer_types`; undefined where a config has no such list. */
export function slidingTypes(config: Facts, layers: number): number[] | undefined {
  return list(config, 'layer_types', layers)?.map((type) => {
    if (type === 'sliding_attention' || type === 'full_attention') return Number(type === 'sliding_attention')
    throw new IsletError(
      'unsupported_format',
      `layer_types has ${show(type)}; only "full_attention" and "sliding_attention" are supported`,
    )
  })
}

/** Sizes under transformers' usual keys, with its defaults for absent ones. */
export function configSizes(config: Facts): Sizes {
  const hidden = size(config, 'hidden_size', MAX_WIDTH)
  const heads = size(config, 'num_attention_heads', MAX_HEADS)
  return {
    layers: size(config, 'num_hidden_layers', MAX_LAYERS),
    hidden,
    heads,
    kvHeads: size(config, 'num_key_value_heads', MAX_HEADS, heads),
    headDim: size(config, 'head_dim', MAX_WIDTH, hidden / heads),
    ffn: size(config, 'intermediate_size', MAX_WIDTH),
    vocab: size(config, 'vocab_size', MAX_VOCAB),
    context: size(config, 'max_position_embeddings', MAX_CONTEXT, 2048),
  }
}

/** Sizes of a GGUF architecture; the vocabulary is the embedding's where the metadata does not say. */
export function ggufSizes(metadata: Facts, architecture: string, embeddingRows: number): Sizes {
  const key = (name: string): string => `${architecture}.${name}`
  const hidden = size(metadata, key('embedding_length'), MAX_WIDTH)
  const heads = size(metadata, key('attention.head_count'), MAX_HEADS)
  return {
    layers: size(metadata, key('block_count'), MAX_LAYERS),
    hidden,
    heads,
    kvHeads: size(metadata, key('attention.head_count_kv'), MAX_HEADS, heads),
    headDim: size(metadata, key('attention.key_length'), MAX_WIDTH, hidden / heads),
    ffn: size(metadata, key('feed_forward_length'), MAX_WIDTH),
    vocab: size(metadata, key('vocab_size'), MAX_VOCAB, embeddingRows),
    context: size(metadata, key('context_length'), MAX_CONTEXT),
  }
}

/** The norm's epsilon; the file holds a float32. */
export function ggufEpsilon(metadata: Facts, architecture: string): number {
  return shortest(positive(metadata, `${architecture}.attention.layer_norm_rms_epsilon`))
}
