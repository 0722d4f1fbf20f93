// ModelSpec: every architectural choice of a family as data. The graph (engine/forward.ts) reads it and
// branches on these fields alone, never on a family's name.

export type RopeScaling = { kind: 'none' } | { kind: 'linear'; factor: number }

export type ModelSpec = {
  family: 'llama'
  layers: number
  hidden: number
  heads: number
  kvHeads: number
  headDim: number
  ffn: number
  vocab: number
  /** Trained context length in positions. */
  context: number
  norm: { kind: 'rms'; eps: number }
  /**
   * Rotary embedding over pairs (i, i + rotaryDim / 2). Packing permutes the rows of q and k so that every
   * family's pairs lie this way; the angle of pair i at position p is p * base^(-2i / rotaryDim).
   */
  position: { kind: 'rope'; base: number; rotaryDim: number; scaling: RopeScaling }
  mlp: { kind: 'gated'; activation: 'silu' }
  head: { tied: boolean }
}

/** Tensor roles in a packed model. Per layer: `layers.N.ROLE`; otherwise the bare role. */
export type LayerRole = 'attn_norm' | 'q' | 'k' | 'v' | 'o' | 'mlp_norm' | 'gate' | 'up' | 'down'
export type GlobalRole = 'embedding' | 'final_norm' | 'head'
