// The LLaMA graph in float64 under the window's rule, as ../shared/golden/open/llama2/window.json states it. It knows relative
// distances alone, no absolute position and no page: what it says of a far position cannot have drifted.

import type { OpenedModel } from '../../cli/lib/model.ts'
import type { ModelSpec } from '../../src/models/spec.ts'

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

/** One sequence. A query at p sees key j if j < sinks or j > p - window; keys that were never run are not seen either. */
export class Float64Llama {
  readonly #spec: ModelSpec
  readonly #tensors: Map<string, Matrix>
  readonly #window: { window: number; sinks: number }
  readonly #kept: Kept[][]

  constructor(spec: ModelSpec, tensors: Map<string, Matrix>, window: { window: number; sinks: number }) {
    this.#spec = spec
    this.#tensors = tensors
    this.#window = window
    this.#kept = Array.from({ length: spec.layers }, () => [])
  }

  /** Runs one id; its logits. */
  run(id: number, position: number): Float64Array {
    const { layers, hidden, head } = this.#spec
    const embedding = this.#tensor('embedding')
    const x = Float64Array.from(embedding.values.subarray(id * hidden, (id + 1) * hidden))
    for (let layer = 0; layer < layers; layer++) {
      const at = (role: string): Matrix => this.#tensor(`layers.${layer}.${role}`)
      add(x, multiply(at('o'), this.#attend(layer, this.#norm(x, at('attn_norm')), position)))
      const normed = this.#norm(x, at('mlp_norm'))
      const up = multiply(at('up'), normed)
      const gated = multiply(at('gate'), normed).map((g, i) => (g / (1 + Math.exp(-g))) * up[i])
      add(x, multiply(at('down'), gated))
    }
    return multiply(head.tied ? embedding : this.#tensor('head'), this.#norm(x, this.#tensor('final_norm')))
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

  /** (heads, headDim): attention of the normed row over what its position sees. */
  #attend(layer: number, normed: Float64Array, position: number): Float64Array {
    const { heads, kvHeads, headDim } = this.#spec
    const { window, sinks } = this.#window
    const of = (role: string): Float64Array => multiply(this.#tensor(`layers.${layer}.${role}`), normed)
    const q = of('q')
    const seen = this.#kept[layer].filter((key) => key.position < sinks || key.position > position - window)
    seen.push({ position, k: of('k'), v: of('v') })
    this.#kept[layer] = seen
    const moved = position >= sinks + window
    const out = new Float64Array(heads * headDim)
    for (let head = 0; head < heads; head++) {
      const from = Math.floor(head / (heads / kvHeads)) * headDim
      const query = q.subarray(head * headDim, (head + 1) * headDim)
      const scores = seen.map((key) => {
        const last = moved && key.position < sinks ? sinks + window - 1 : position
        return this.#score(query, key.k.subarray(from, from + headDim), last - key.position)
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

  /** Scaled product of a query and a key, rotated by their distance: pairs are (i, i + headDim / 2). */
  #score(q: Float64Array, k: Float64Array, distance: number): number {
    const { headDim, attention } = this.#spec
    const [{ position }] = attention.kinds
    if (position.kind !== 'rope') throw new Error(`a position of kind ${position.kind}`)
    const half = headDim / 2
    let dot = 0
    for (let i = 0; i < half; i++) {
      const angle = distance * position.base ** (-i / half)
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
      dot += q[i] * (k[i] * cos + k[i + half] * sin) + q[i + half] * (k[i + half] * cos - k[i] * sin)
    }
    return dot / Math.sqrt(headDim)
  }
}

function multiply({ rows, cols, values }: Matrix, x: Float64Array): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => {
    let sum = 0
    for (let i = 0; i < cols; i++) sum += values[row * cols + i] * x[i]
    return sum
  })
}

function add(x: Float64Array, y: Float64Array): void {
  for (let i = 0; i < x.length; i++) x[i] += y[i]
}
