// Shape weights are random bytes that are valid weights of any kind: codes as they fall, constants that keep the stream in bounds.

import { f32ToF16 } from '../../src/formats/f16.ts'
import { rowGroupBytes, TILE_ROWS, TILES } from '../../src/kernels/layout.ts'
import type { ModelSpec } from '../../src/models/spec.ts'
import type { TensorEntry } from '../../src/weights/manifest.ts'
import { BenchError } from './setup.ts'

/** Row groups that are made at once. */
const GROUPS = 32

/** Where constants of 8 bits lie about: each block's own differs from it by a quarter at most. */
const SCALE = 96

/** The spread of a code about the middle of all, for codes that fall evenly. */
const SPREAD = { q4n: 4.61, q6: 18.47, q8: 73.9 } as const

type Kind = keyof typeof SPREAD

/** A source of random numbers: the same for a seed, everywhere. */
export class ShapeRandom {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1
  }

  /** 32 bits (xorshift). */
  next(): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x >>> 0
    return this.#state
  }

  /** From 0 to below 1. */
  uniform(): number {
    return this.next() / 2 ** 32
  }

  fill(words: Uint32Array): void {
    for (let i = 0; i < words.length; i++) words[i] = this.next()
  }
}

/** The stored bytes of a tensor, piece by piece: a row's product with unit activations has about unit variance. */
export function* shapeBytes(entry: TensorEntry, spec: ModelSpec, random: ShapeRandom): Generator<Uint8Array> {
  const { name, kind, rows, cols, length } = entry
  if (kind === 'f32' && rows === 1) {
    yield vectorOf(name, cols, random)
    return
  }
  if (!(kind in SPREAD)) throw new BenchError(`${name} is stored as ${kind}, which no shape is made of`)
  const group = rowGroupBytes(kind as Kind, cols)
  const groups = length / group
  // What each layer adds is small beside the stream of all, as in trained models.
  const isLast = /\.(o|down)$/.test(name)
  const deviation = (isLast ? 0.7 / Math.sqrt(spec.layers) : 1) / Math.sqrt(cols)
  const isTable = /^(embedding|head)/.test(name)
  const wanted = isTable && spec.head.tied ? deviation * 1.5 : deviation
  for (let first = 0; first < groups; first += GROUPS) {
    const count = Math.min(GROUPS, groups - first)
    const words = new Uint32Array((count * group) / 4)
    random.fill(words)
    const bytes = new Uint8Array(words.buffer)
    for (let at = 0; at < bytes.length; at += group)
      writeConstants(bytes.subarray(at, at + group), kind as Kind, cols, wanted)
    yield bytes
  }
  if (rows % TILE_ROWS !== 0) throw new BenchError(`${name} has ${rows} rows, which are no whole groups`)
}

/** Constants of one row group, whose own random bytes they vary by. */
function writeConstants(group: Uint8Array, kind: Kind, cols: number, deviation: number): void {
  const { bytes, cols: width, constants } = TILES[kind]
  const view = new DataView(group.buffer, group.byteOffset, group.length)
  const tiles = Math.ceil(cols / width)
  const scale = f32ToF16(deviation / SPREAD.q8)
  for (let tile = 0; tile < tiles; tile++) {
    const at = tile * bytes + constants
    if (kind === 'q8') {
      for (let row = 0; row < TILE_ROWS; row++) view.setUint16(at + 2 * row, scale, true)
      continue
    }
    const pairs = kind === 'q4n' ? 2 * TILE_ROWS : TILE_ROWS
    for (let i = 0; i < pairs; i++) {
      // Within a quarter of SCALE; the minimum is that of codes about their middle, and a little off.
      const own = SCALE + (group[at + i] % (SCALE / 2)) - SCALE / 4
      const [scaleAt, minimumAt] = kind === 'q4n' ? [at + i, at + pairs + i] : [at + 2 * i, at + 2 * i + 1]
      group[scaleAt] = own
      const middle = kind === 'q4n' ? own / 8 : own / 64
      view.setInt8(minimumAt, Math.round(middle) + (group[minimumAt] % 3) - 1)
    }
  }
  if (kind === 'q8') return
  const unit = deviation / (SCALE * SPREAD[kind] * (kind === 'q4n' ? 2 : 1))
  const bits = new Uint32Array(Float32Array.of(unit).buffer)[0] >>> 16
  for (let row = 0; row < TILE_ROWS; row++) view.setUint16(tiles * bytes + 2 * row, bits, true)
}

/** Norms about 1, biases about 0. The last norm turns signs: else the row of a tied head that fits best is the last id's own. */
function vectorOf(name: string, length: number, random: ShapeRandom): Uint8Array {
  const middle = name.endsWith('bias') ? 0 : 1
  const turns = name === 'final_norm'
  const values = Float32Array.from({ length }, () => {
    const value = middle + 0.2 * (random.uniform() - 0.5)
    return turns && random.uniform() < 0.5 ? -value : value
  })
  return new Uint8Array(values.buffer)
}
