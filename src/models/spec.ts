// A ModelSpec holds every architectural choice of a family as data. The graph (graph/stage.ts) reads it and
// branches on these fields alone, never on a family's name.

/** How rotary angles reach beyond the trained length. */
export type RopeScaling =
  | { kind: 'none' }
  /** Positions divided by `factor` (arXiv 2306.15595). */
  | { kind: 'linear'; factor: number }
  /**
   * arXiv 2309.00071: slow pairs divided by `factor`, fast ones kept, a ramp between `slow` and `fast` turns;
   * sine and cosine times `magnitude`.
   */
  | { kind: 'yarn'; factor: number; trained: number; fast: number; slow: number; magnitude: number }
  /**
   * Qwen's dynamic NTK: the base grows with the length of the first prompt beyond `trained`, and stays while
   * that cache lives.
   */
  | { kind: 'ntk'; trained: number }

/**
 * How a layer knows positions. Packing orders the rows of q and k so that every family's pairs are (i, i +
 * rotaryDim / 2).
 */
export type Position =
  /**
   * The angle of pair i at position p is p * base^(-2i / rotaryDim); the rest of a head passes through (arXiv
   * 2104.09864).
   */
  | { kind: 'rope'; base: number; rotaryDim: number; scaling: RopeScaling }
  /**
   * ChatGLM-1: the first half of the pairs turns by the position, the other by the position within the
   * answer. Frequencies are float16 numbers.
   */
  | { kind: 'rope2d'; base: number; rotaryDim: number }
  /**
   * slope[head] * (key - query) is added to the scaled scores (arXiv 2108.12409); the slopes are 2^(-maxBias
   * (i + 1) / heads).
   */
  | { kind: 'alibi'; maxBias: number }

/** What layers of one kind see: the last `window` positions, the query's own included, or all. */
export type LayerKind = { window?: number; position: Position }

/** GLM's prefix mask: everything before `start` sees everything before it. Ids are of the vocabulary. */
export type PrefixTokens = { start: number; gmask: number; mask: number }

export type ModelSpec = {
  family: string
  layers: number
  hidden: number
  heads: number
  kvHeads: number
  headDim: number
  ffn: number
  vocab: number
  /** Trained context length in positions; beyond it only what `position` says. */
  context: number
  /** Token embeddings are multiplied by this. */
  embeddingScale: number
  /** `layer` norms have a bias. With `post`, what a sublayer returns is normed again before it is added. */
  norm: { kind: 'rms' | 'layer'; eps: number; post: boolean }
  /** undefined: x + f(norm(x)). A number: norm(x) * residual + f(norm(x)). */
  residual?: number
  attention: {
    /** Factor of the scores: 1 / sqrt(headDim) in most. */
    scale: number
    /** Biases of q, k and v, and of the output. */
    bias: { qkv: boolean; out: boolean }
    /** RMS norm of each head's q and k before they turn. */
    qkNorm: boolean
    /** Precision of the KV cache, where packing measured it; absent: as the family has it (graph/buffers.ts). */
    kv?: 'q8' | 'f32'
    /** Queries at positions from here on are multiplied by log(p + 1) / log(logn). */
    logn?: number
    /** Kinds of layers, and which one each layer is; all are the first when absent. */
    kinds: LayerKind[]
    kindOfLayer?: number[]
  }
  /** down(act(gate(x)) * up(x)), or down(act(up(x))). */
  mlp:
    | { kind: 'gated'; activation: 'silu' | 'gelu_tanh'; bias: boolean }
    | { kind: 'plain'; activation: 'gelu_tanh'; bias: boolean }
  /** `normalised`: each row of the head is divided by its length. */
  head: { tied: boolean; normalised: boolean }
  prefix?: PrefixTokens
}

/** Tensor roles in a packed model. Per layer: `layers.N.ROLE`; otherwise the bare role. */
export type LayerRole = LayerMatrix | LayerVector
export type LayerMatrix = 'q' | 'k' | 'v' | 'o' | 'gate' | 'up' | 'down'
export type LayerVector =
  | 'attn_norm'
  | 'attn_norm_bias'
  | 'q_bias'
  | 'k_bias'
  | 'v_bias'
  | 'q_norm'
  | 'k_norm'
  | 'o_bias'
  | 'attn_post_norm'
  | 'mlp_norm'
  | 'mlp_norm_bias'
  | 'up_bias'
  | 'down_bias'
  | 'mlp_post_norm'
export type GlobalRole = 'embedding' | 'final_norm' | 'final_norm_bias' | 'head' | 'head_scale'

/**
 * Vectors that packing may add to those that the spec asks for (docs/quantising.md, Centres). A centre is subtracted
 * from what a matrix is multiplied by, so it is stored negated; the matrix's product with it, and the bias where there is
 * one, is the offset that is added to the result.
 */
export type LayerCentre =
  'attn_centre' | 'qkv_offset' | 'mlp_centre' | 'mlp_offset' | 'key_centre' | 'first_key_centre'
export type HeadCentre = 'head_centre' | 'head_offset'

/** The kind of a layer. */
export function layerKind({ attention }: ModelSpec, layer: number): LayerKind {
  return attention.kinds[attention.kindOfLayer?.[layer] ?? 0]
}

/** Whether later positions may lose sight of earlier ones: not where a prompt sees itself both ways. */
export function takesWindow({ prefix }: Pick<ModelSpec, 'prefix'>): boolean {
  return prefix === undefined
}

/** Dimensions of a head that turn. */
export function rotaryDim(position: Position): number {
  return position.kind === 'alibi' ? 0 : position.rotaryDim
}
