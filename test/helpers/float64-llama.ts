// The graph of LLaMA and of its near relations (ALiBi, sliding layers, norms of heads, LogN) in float64 under the window's rule, as
// ../shared/golden/open/llama2/window.json states it. It knows relative distances alone, no absolute position and no page: what it
// says of a far position cannot have drifted.

import type { OpenedModel } from '../../cli/lib/model.ts'
import type { ModelSpec, Position } from '../../src/models/spec.ts'

type Matrix = { rows: number; cols: number; values: Float32Array }
type Kept = { position: number; k: Float64Array; v: Float64Array }

/** Reads the tensors of a model that was packed as f32 throughout. */
export async function readFloats({ manifest, source }: OpenedModel): Promise<Map<string, Matrix>> {
  const pieces: Uint8Array[] = []
  for (const { file } of manifest.shards) {
    const stream = await source.open(file)
    pieces.push(new Uint8Array(await new Response(stream).arrayBuffer()))
  }
  const { buffer } = Uint8Array.from(Buffer.concat(pieces))
  return new Map(
    manifest.tensors.map(({ name, kind, rows, cols, offset }) => {
      if (kind !== 'f32') throw new Error(`${name} is ${kind}`)
      return [name, { rows, cols, values: new Float32Array(buffer, offset, rows * cols) }]
    }),
  )
}

type Window = { window: number; sinks: number }

/** One sequence. A query at p sees key j if j < sinks or j > p - window; keys that were never run are not seen either. */
export class Float64Llama {
  readonly #spec: ModelSpec
  readonly #tensors: Map<string, Matrix>
  readonly #window: Window
  readonly #ntk: number
  readonly #kept: Kept[][]

  /** `ntk`: alpha of the prompt, for a model that has it. */
  constructor(spec: ModelSpec, tensors: Map<string, Matrix>, window: Window, ntk = 1) {
    this.#spec = spec
    this.#tensors = tensors
    this.#window = window
    this.#ntk = ntk
    this.#kept = Array.from({ length: spec.layers }, () => [])
  }

  /** Runs one id; its logits. */
  run(id: number, position: number): Float64Array {
    const { layers, hidden, head, norm, embeddingScale, mlp } = this.#spec
    const embedding = this.#tensor('embedding')
    const row = embedding.values.subarray(id * hidden, (id + 1) * hidden)
    const x = Float64Array.from(row, (value) => value * embeddingScale)
    const act = mlp.activation === 'silu' ? silu : gelu
    for (let layer = 0; layer < layers; layer++) {
      const at = (role: string): Matrix => this.#tensor(`layers.${layer}.${role}`)
      const attended = multiply(at('o'), this.#attend(layer, this.#norm(x, at('attn_norm')), position))
      add(x, norm.post ? this.#norm(attended, at('attn_post_norm')) : attended)
      const normed = this.#norm(x, at('mlp_norm'))
      const up = multiply(at('up'), normed)
      const down = multiply(
        at('down'),
        multiply(at('gate'), normed).map((g, i) => act(g) * up[i]),
      )
      add(x, norm.post ? this.#norm(down, at('mlp_post_norm')) : down)
    }
    const weights = head.tied ? embedding : this.#tensor('head')
    const logits = multiply(weights, this.#norm(x, this.#tensor('final_norm')))
    return head.normalised ? logits.map((logit, i) => logit / rowLength(weights, i)) : logits
  }

  #tensor(name: string): Matrix {
    const tensor = this.#tensors.get(name)
    if (tensor === undefined) throw new Error(`no tensor ${name}`)
    return tensor
  }

  #norm(x: Float64Array, { values }: Matrix): Float64Array {
    const mean = x.reduce((sum, each) => sum + each * each, 0) / x.length
    return x.map((each, i) => (each / Math.sqrt(mean + this.#spec.norm.eps)) * values[i])
  }

  /** q, k or v of a normed row, with its bias, each head normed where the family norms them. */
  #project(layer: number, role: 'q' | 'k' | 'v', normed: Float64Array): Float64Array {
    const { attention, headDim } = this.#spec
    const out = multiply(this.#tensor(`layers.${layer}.${role}`), normed)
    if (attention.bias.qkv) add(out, this.#tensor(`layers.${layer}.${role}_bias`).values)
    if (!attention.qkNorm || role === 'v') return out
    for (let at = 0; at < out.length; at += headDim) {
      const head = out.subarray(at, at + headDim)
      head.set(this.#norm(head, this.#tensor(`layers.${layer}.${role}_norm`)))
    }
    return out
  }

  /** A layer's own window stays where it is no wider than the one that was configured. */
  #kindOf(layer: number): { position: Position } & Window {
    const { kinds, kindOfLayer } = this.#spec.attention
    const { position, window } = kinds[kindOfLayer?.[layer] ?? 0]
    const isOwn = window !== undefined && window <= this.#window.window
    return { position, ...(isOwn ? { window, sinks: 0 } : this.#window) }
  }

  /** (heads, headDim): attention of the normed row over what its position sees. */
  #attend(layer: number, normed: Float64Array, position: number): Float64Array {
    const { heads, kvHeads, headDim, attention } = this.#spec
    const { window, sinks, position: kind } = this.#kindOf(layer)
    const q = this.#project(layer, 'q', normed)
    const seen = this.#kept[layer].filter((key) => key.position < sinks || key.position > position - window)
    seen.push({ position, k: this.#project(layer, 'k', normed), v: this.#project(layer, 'v', normed) })
    this.#kept[layer] = seen
    const last = Math.min(position, sinks + window - 1)
    const { logn } = attention
    const grown = logn === undefined || last + 1 <= logn ? 1 : Math.log(last + 1) / Math.log(logn)
    const out = new Float64Array(heads * headDim)
    for (let head = 0; head < heads; head++) {
      const from = Math.floor(head / (heads / kvHeads)) * headDim
      const query = q.subarray(head * headDim, (head + 1) * headDim)
      const scores = seen.map((key) => {
        const distance = (key.position < sinks ? last : position) - key.position
        const k = key.k.subarray(from, from + headDim)
        if (kind.kind === 'alibi')
          return dot(query, k) * attention.scale - alibiSlopes(heads)[head] * distance
        return this.#turned(query, k, distance, kind) * attention.scale * grown
      })
      const highest = Math.max(...scores)
      const weights = scores.map((score) => Math.exp(score - highest))
      const sum = weights.reduce((a, b) => a + b, 0)
      seen.forEach(({ v }, i) => {
        for (let d = 0; d < headDim; d++) out[head * headDim + d] += (weights[i] / sum) * v[from + d]
      })
    }
    return out
  }

  /** Product of a query and a key, rotated by their distance: pairs are (i, i + headDim / 2). */
  #turned(q: Float64Array, k: Float64Array, distance: number, position: Position): number {
    if (position.kind !== 'rope') throw new Error(`a position of kind ${position.kind}`)
    const { base, rotaryDim, scaling } = position
    if (scaling.kind === 'yarn' || rotaryDim !== q.length) throw new Error('not known here')
    const half = rotaryDim / 2
    const grown = base * this.#ntk ** (rotaryDim / (rotaryDim - 2))
    const step = scaling.kind === 'linear' ? distance / scaling.factor : distance
    let sum = 0
    for (let i = 0; i < half; i++) {
      const angle = step * grown ** (-i / half)
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
      sum += q[i] * (k[i] * cos + k[i + half] * sin) + q[i + half] * (k[i + half] * cos - k[i] * sin)
    }
    return sum
  }
}

/** arXiv 2108.12409: 2^(-8 / n), 2^(-16 / n) ... for a power of two; else those of the next lower one, then every other of its double's. */
function alibiSlopes(heads: number): number[] {
  const power = 2 ** Math.floor(Math.log2(heads))
  const run = (n: number): number[] => Array.from({ length: n }, (_, i) => 2 ** ((-8 * (i + 1)) / n))
  const between = run(2 * power).filter((_, i) => i % 2 === 0)
  return [...run(power), ...between].slice(0, heads)
}

const silu = (x: number): number => x / (1 + Math.exp(-x))

const gelu = (x: number): number =>
  0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))

function multiply({ rows, cols, values }: Matrix, x: Float64Array): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) =>
    dot(values.subarray(row * cols, (row + 1) * cols), x),
  )
}

function rowLength({ cols, values }: Matrix, row: number): number {
  const part = values.subarray(row * cols, (row + 1) * cols)
  return Math.sqrt(dot(part, part))
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}

function add(x: Float64Array, y: ArrayLike<number>): void {
  for (let i = 0; i < x.length; i++) x[i] += y[i]
}
