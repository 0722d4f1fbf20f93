// This interface is the ABI of assembly/index.ts in TypeScript. wasm.ts and reference/ implement it, bit for
// bit alike. All arguments are byte offsets into one memory, or sizes; argument order is outputs, inputs,
// sizes, constants.

type Gemv = (y: number, w: number, x: number, rows: number, cols: number) => void
/** `groups` of four tokens; y has `stride` bytes from token to token. */
type Gemm = (
  y: number,
  stride: number,
  w: number,
  x: number,
  rows: number,
  cols: number,
  groups: number,
) => void
type Embed = (out: number, w: number, row: number, cols: number) => void

export type Kernels = {
  /** (cols) f32 -> x1 blocks; `spare` is 128 bytes for a ragged last block. */
  quantize_x1(out: number, x: number, cols: number, spare: number): void
  /** (tokens <= 4, cols) f32 -> x4 blocks. */
  quantize_x4(out: number, x: number, stride: number, tokens: number, cols: number, spare: number): void
  /**
   * Brings nibbles of 4-bit kinds from the order of the file into the one that this build multiplies by, which may be the
   * same: `tiles` tiles of `tile` bytes that follow each other, once. Matrices of these kinds are for the others below
   * what it has left.
   */
  arrange_nibbles(w: number, tiles: number, tile: number): void
  /** Takes back what `arrange_nibbles` did. */
  restore_nibbles(w: number, tiles: number, tile: number): void
  /** Up to so many tokens gemv of 4-bit kinds, token by token, is as fast as gemm. */
  q4_vector_rows(): number
  gemv_q4_q8: Gemv
  gemv_q4m_q8: Gemv
  gemv_q4n_q8: Gemv
  gemv_q5_q8: Gemv
  gemv_q6_q8: Gemv
  gemv_q8_q8: Gemv
  gemm_q4_q8: Gemm
  gemm_q4m_q8: Gemm
  gemm_q4n_q8: Gemm
  gemm_q5_q8: Gemm
  gemm_q6_q8: Gemm
  gemm_q8_q8: Gemm
  matmul_f32(
    y: number,
    yStride: number,
    w: number,
    x: number,
    xStride: number,
    rows: number,
    cols: number,
    tokens: number,
  ): void
  embed_q4: Embed
  embed_q4m: Embed
  embed_q4n: Embed
  embed_q5: Embed
  embed_q6: Embed
  embed_q8: Embed
  /** table: f32 cos[half], sin[half]; out may be x. */
  rope(out: number, x: number, heads: number, headDim: number, half: number, table: number): void
  /** Walsh-Hadamard transform of each head, in place. */
  hadamard(x: number, heads: number, headDim: number): void
  /** k transformed by hadamard. */
  kv_write_q8(
    keys: number,
    values: number,
    slot: number,
    k: number,
    v: number,
    kvHeads: number,
    headDim: number,
  ): void
  kv_write_f32(
    keys: number,
    values: number,
    slot: number,
    k: number,
    v: number,
    kvHeads: number,
    headDim: number,
  ): void
  /**
   * (heads, headDim) f32, transformed by hadamard -> per head f32 scale * factor, i32 start, 8 unused bytes,
   * i8 codes.
   */
  quantize_query(out: number, q: number, heads: number, headDim: number, factor: number): void
  /**
   * Scores of a run of pages, whose values lie `offset` bytes behind the keys (0: they are in the cache);
   * slots outside [low, high) are hidden. scores (heads, stride) f32.
   */
  score_q8(
    scores: number,
    stride: number,
    query: number,
    table: number,
    offset: number,
    pages: number,
    low: number,
    high: number,
    heads: number,
    kvHeads: number,
    headDim: number,
  ): void
  score_f32(
    scores: number,
    stride: number,
    query: number,
    table: number,
    pages: number,
    low: number,
    high: number,
    heads: number,
    kvHeads: number,
    headDim: number,
    factor: number,
  ): void
  /** scores -> exp(score - max) in place over n slots; sums (heads) f32. */
  softmax(scores: number, stride: number, sums: number, n: number, heads: number): void
  /**
   * out[head] = weights x values over a run of pages, `offset` bytes behind the keys; the weights are
   * overwritten.
   */
  values_q8(
    out: number,
    weights: number,
    stride: number,
    table: number,
    offset: number,
    pages: number,
    heads: number,
    kvHeads: number,
    headDim: number,
  ): void
  /** out[head] += weights x values over a run of pages. */
  values_f32(
    out: number,
    weights: number,
    stride: number,
    table: number,
    offset: number,
    pages: number,
    heads: number,
    kvHeads: number,
    headDim: number,
  ): void
  /** out[head] *= 1 / sums[head]. */
  scale_heads(out: number, sums: number, heads: number, headDim: number): void
  /** scores[head][slot] += slopes[head] * (distance + slot) over n slots. */
  alibi(scores: number, stride: number, slopes: number, distance: number, n: number, heads: number): void
  rms_norm(out: number, x: number, weight: number, n: number, eps: number): void
  layer_norm(out: number, x: number, weight: number, bias: number, n: number, eps: number): void
  silu_mul(out: number, gate: number, up: number, n: number): void
  gelu_mul(out: number, gate: number, up: number, n: number): void
  gelu(out: number, x: number, n: number): void
  add(x: number, y: number, n: number): void
  /** y is f16; n rounded up to 8. */
  add_half(x: number, y: number, n: number): void
  mul(x: number, y: number, n: number): void
  scale(x: number, n: number, factor: number): void
  /** `blocks` x 64 bytes into a checksum's state of 16 words (lib/checksum.ts). */
  absorb_blocks(state: number, bytes: number, blocks: number): void
  /** Four products x * w, summed. Only with w in 0..127 is it the same everywhere: choose.ts looks beyond. */
  dot_four(x: number, w: number): number
  /** Two products x * w, summed. */
  dot_pair(x: number, w: number): number
  /** v * fraction / 32768, halves up. */
  share_one(v: number, fraction: number): number
}

export type KernelName = keyof Kernels
