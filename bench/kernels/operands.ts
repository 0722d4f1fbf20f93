// One kernel on one shape, ready to be called: where weights, activations and results lie, and what is in them. The only
// file here that knows the formats; src/kernels/layout.ts has them.

import { Arrangement } from '../../src/graph/arrangement.ts'
import type { KernelName, Kernels } from '../../src/kernels/kernels.ts'
import { BLOCK, TILE_ROWS, TILES, tensorBytes, x1Bytes, x4Bytes } from '../../src/kernels/layout.ts'
import type { Shape } from './shapes.ts'

type Kind = keyof typeof TILES

/** Matrices lie one behind the other over this many bytes, so that weights come from memory, as in a step of a model. */
const WEIGHT_BYTES = 160e6

/** Tokens of a prefill step: CHUNK of wrangler.toml. */
export const PREFILL_TOKENS = 32

/** Bits of activations that one dot takes: a weight of more bits is taken apart into planes. */
const DOT_BITS = 7
const DOT_PRODUCTS = 16

/** Kernels of all kinds: matrix x vector, and matrix x matrix. */
export const KERNELS = (Object.keys(TILES) as Kind[]).flatMap((kind) => [
  { kernel: `gemv_${kind}_q8`, kind, tokens: 1 },
  { kernel: `gemm_${kind}_q8`, kind, tokens: PREFILL_TOKENS },
])
export type KernelChoice = (typeof KERNELS)[number]

export type Regions = { weights: number; x: number; quantised: number; spare: number; y: number; end: number }

/** Linear memory for the largest of `shapes`. */
export function planRegions(shapes: readonly Shape[], start: number): Regions {
  const most = (size: (shape: Shape) => number): number => Math.max(...shapes.map(size))
  const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64
  const columns = most(({ cols }) => cols)
  const weights = aligned(start)
  const x = aligned(
    weights +
      Math.max(
        WEIGHT_BYTES,
        most(({ rows, cols }) => tensorBytes('q8', rows, cols)),
      ),
  )
  const quantised = aligned(x + PREFILL_TOKENS * columns * 4)
  const spare = aligned(quantised + Math.max(x1Bytes(columns), (PREFILL_TOKENS / 4) * x4Bytes(columns)))
  const y = aligned(spare + BLOCK * 4)
  return { weights, x, quantised, spare, y, end: y + PREFILL_TOKENS * stride(most(({ rows }) => rows)) }
}

/**
 * Fills weights and activations, the same every time. Any two bytes of the weights are a normal f16 wherever a scale
 * may lie (0x20 to 0x5b as the upper byte), so that no product is NaN, infinite or denormal.
 */
export function fill(memory: WebAssembly.Memory, regions: Regions): void {
  const words = new Uint32Array(memory.buffer, regions.weights, (regions.x - regions.weights) / 4)
  let seed = 1
  const next = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0)
  const byte = (): number => 0x20 + ((next() >>> 16) % 0x3c)
  for (let i = 0; i < words.length; i++) {
    words[i] = (byte() | (byte() << 8) | (byte() << 16) | (byte() << 24)) >>> 0
  }
  const floats = new Float32Array(memory.buffer, regions.x, (regions.quantised - regions.x) / 4)
  for (let i = 0; i < floats.length; i++) floats[i] = (next() / 2 ** 32) * 2 - 1
}

export type Operands = {
  weightBytes: number
  dots: number
  /** How many matrices lie in the region; call i takes matrix i modulo this. */
  copies: number
  /** Quantises the activations: once before calls. */
  prepare(kernels: Kernels): void
  /** Brings the first matrix into the order of these kernels for `call`, and back. */
  arranged(kernels: Kernels, call: () => void): void
  /** The i-th call. */
  call(kernels: Kernels, i: number): void
  /** Bytes of the result. */
  resultBytes: number
}

export function operandsOf({ kernel, kind, tokens }: KernelChoice, shape: Shape, at: Regions): Operands {
  const { rows, cols } = shape
  const weightBytes = tensorBytes(kind, rows, cols)
  const copies = Math.max(1, Math.floor((at.x - at.weights) / weightBytes))
  const planes = Math.ceil(bitsOf(kind) / DOT_BITS)
  const common = {
    weightBytes,
    copies,
    dots: (rows * cols * tokens * planes) / DOT_PRODUCTS,
    resultBytes: tokens * stride(rows),
    arranged: (kernels: Kernels, call: () => void): void => {
      // A build of before has one order.
      if (!('arrange_nibbles' in kernels)) return call()
      const first = { offset: 0, length: weightBytes, kind, rows, cols }
      const arrangement = new Arrangement(kernels, [first], at.weights)
      arrangement.reach(weightBytes)
      call()
      arrangement.reach(0)
    },
  }
  const weights = (i: number): number => at.weights + (i % copies) * weightBytes
  if (tokens === 1) {
    return {
      ...common,
      prepare: (kernels) => kernels.quantize_x1(at.quantised, at.x, cols, at.spare),
      call: (kernels, i) => {
        const gemv = kernels[kernel as KernelName] as Kernels['gemv_q4_q8']
        gemv(at.y, weights(i), at.quantised, rows, cols)
      },
    }
  }
  const groups = tokens / 4
  const groupBytes = x4Bytes(cols)
  return {
    ...common,
    prepare: (kernels) => {
      for (let group = 0; group < groups; group++) {
        const x = at.x + group * 4 * cols * 4
        kernels.quantize_x4(at.quantised + group * groupBytes, x, cols * 4, 4, cols, at.spare)
      }
    },
    call: (kernels, i) => {
      const gemm = kernels[kernel as KernelName] as Kernels['gemm_q4_q8']
      gemm(at.y, stride(rows), weights(i), at.quantised, rows, cols, groups)
    },
  }
}

/** Bytes of a token's result. */
function stride(rows: number): number {
  return Math.ceil(rows / TILE_ROWS) * TILE_ROWS * 4
}

/** q4m -> 4. */
function bitsOf(kind: Kind): number {
  return Number(/\d+/.exec(kind)?.[0])
}
