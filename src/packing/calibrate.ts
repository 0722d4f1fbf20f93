// This file calibrates: it runs a text through the float graph and looks at the inputs of the matrices.
// One layer's floats are held at a time.

import { dequantize } from '../formats/blocks.ts'
import { f16ToF32, f32ToF16 } from '../formats/f16.ts'
import { loadModel, type LoadOptions } from '../graph/load-model.ts'
import type { Row } from '../graph/model.ts'
import { normRows } from '../graph/norm.ts'
import { planMemory } from '../graph/memory-layout.ts'
import { padded, rowBytes } from '../graph/buffers.ts'
import { fastestKernels } from '../kernels/choose.ts'
import type { Kernels } from '../kernels/kernels.ts'
import { PAGE_POSITIONS } from '../kernels/layout.ts'
import type { LayerRange } from '../weights/layer-range.ts'
import type { TensorEntry } from '../weights/manifest.ts'
import { weightBytes } from '../weights/stream.ts'
import { type Calibration, inputOf, type InputStatistics } from './calibration.ts'
import { makeManifest } from './make-manifest.ts'
import { memorySource } from './pack-memory.ts'
import { packInto } from './pack.ts'
import { readRows, readVector } from './rows.ts'
import { shardCutter } from './shards.ts'
import type { ModelSource, SourceTensor } from './source.ts'

/** Makes kernels on a memory. */
type MakeKernels = (memory: WebAssembly.Memory) => Kernels

const FULL = { window: undefined, sinks: 0 }

/**
 * Means and variances over the positions of `ids`, but for the first: what a model keeps at the beginning of a text is
 * like nothing that follows. Of keys there are those too: the mean over texts that begin with each of `starts`.
 */
export async function calibrate(
  source: ModelSource,
  ids: readonly number[],
  modules: LoadOptions['kernels'],
  onLayer: (done: number, total: number) => void = () => undefined,
  starts: readonly number[] = ids.slice(0, 1),
): Promise<Calibration> {
  const { spec } = source
  const kernels: MakeKernels =
    typeof modules === 'function' ? modules : (memory) => fastestKernels(modules, memory)
  const seen = new Map<string, InputStatistics>()
  let stream = await embedded(source, [...ids, ...starts])
  for (let layer = 0; layer < spec.layers; layer++) {
    const all = ids.length + starts.length
    stream = await throughLayer(source, layer, stream, ids.length, all, kernels, (input, values, cols) => {
      seen.set(input, statisticsOf(values, 1, ids.length, cols))
      if (input.endsWith('.key'))
        seen.set(input.replace(/key$/, 'first_key'), statisticsOf(values, ids.length, all, cols))
    })
    onLayer(layer + 1, spec.layers)
  }
  const last = await normed(source, stream, ids.length, kernels)
  seen.set('head', statisticsOf(last, 1, ids.length, spec.hidden))
  return seen
}

/** The residual stream of `ids` before the first layer. */
async function embedded({ tensors, spec }: ModelSource, ids: readonly number[]): Promise<Float32Array> {
  const table = tensorOf(tensors, 'embedding')
  const out = new Float32Array(ids.length * spec.hidden)
  for (const [i, id] of ids.entries())
    dequantize(table.type, await readRows(table, id, 1), out.subarray(i * spec.hidden, (i + 1) * spec.hidden))
  return out.map((value) => value * spec.embeddingScale)
}

type Note = (input: string, values: Float32Array, cols: number) => void

/**
 * Runs one layer in floats, whose kernels are asked for all products: what they read is noted. The first `length` of `rows`
 * rows are a text, each of the others is the first position of one.
 */
async function throughLayer(
  source: ModelSource,
  layer: number,
  stream: Float32Array,
  length: number,
  rows: number,
  kernels: MakeKernels,
  note: Note,
): Promise<Float32Array> {
  const { spec } = source
  const range: LayerRange = { from: layer, to: layer + 1, embedding: false, head: false }
  const { manifest, weights } = await layerInFloats(source, layer)
  const textPages = Math.ceil(length / PAGE_POSITIONS)
  const pageCount = textPages + rows - length
  const options = {
    window: FULL,
    chunk: 4 * Math.ceil(rows / 4),
    kv: 'f32',
    maxPositions: rows,
    range,
    pages: pageCount,
  } as const
  const base = planMemory(spec, weightBytes(manifest), options).weights
  const roles = new Map(manifest.tensors.map(({ name, offset }) => [base + offset, name]))
  const noted = new Set<string>()
  let running = false
  const keys = new Float32Array(rows * spec.kvHeads * spec.headDim)
  const watching = (memory: WebAssembly.Memory): Kernels => {
    const own = kernels(memory)
    const read = (at: number, count: number): Float32Array => new Float32Array(memory.buffer, at, count)
    return {
      ...own,
      matmul_f32: (y, yStride, w, x, xStride, outs, cols, tokens) => {
        const input = running ? inputOf(roles.get(w) ?? '', spec) : undefined
        if (input !== undefined && !noted.has(input)) {
          noted.add(input) // matrices that read the same
          const values = new Float32Array(tokens * cols)
          for (let row = 0; row < tokens; row++) values.set(read(x + row * xStride, cols), row * cols)
          note(input, values, cols)
        }
        own.matmul_f32(y, yStride, w, x, xStride, outs, cols, tokens)
      },
      kv_write_f32: (k, v, slot, key, value, kvHeads, headDim) => {
        // Rows come in their order.
        if (running) keys.set(read(key, kvHeads * headDim), written++ * kvHeads * headDim)
        own.kv_write_f32(k, v, slot, key, value, kvHeads, headDim)
      },
    }
  }
  let written = 0
  const stage = await loadModel(manifest, weights, { ...options, kernels: watching })
  running = true
  const pages = Array.from({ length: textPages }, (_, page) => page)
  const all = Array.from({ length: rows }, (_, row): Row => {
    const start = row - length
    const place = start < 0 ? { position: row, pages } : { position: 0, pages: [textPages + start] }
    return { id: 0, ...place, yields: 'hidden' }
  })
  const out = stage.run(all, stream).stream()
  stage.release()
  note(`layers.${layer}.key`, keys, spec.kvHeads * spec.headDim)
  return out
}

/** The layer's tensors alone, as floats, in memory. */
async function layerInFloats(source: ModelSource, layer: number) {
  const own = { ...source, tensors: source.tensors.filter(({ role }) => role.startsWith(`layers.${layer}.`)) }
  const files = new Map<string, Uint8Array[]>()
  const cutter = shardCutter(
    (file, piece) => void (files.get(file) ?? files.set(file, []).get(file))?.push(piece),
  )
  const tensors: TensorEntry[] = await packInto(own, { quant: 'f32', embedding: 'f32' }, cutter.sink)
  return {
    manifest: makeManifest(own, undefined, tensors, cutter.finish(), new Uint8Array(0)),
    weights: memorySource(files),
  }
}

/** What the final norm makes of the stream. */
async function normed(
  { tensors, spec }: ModelSource,
  stream: Float32Array,
  rows: number,
  kernels: MakeKernels,
): Promise<Float32Array> {
  const width = padded(spec.hidden)
  const bytes = rowBytes(spec.hidden)
  const x = 65536
  const memory = new WebAssembly.Memory({ initial: Math.ceil((x + (rows + 2) * bytes) / 65536) })
  const floats = new Float32Array(memory.buffer)
  const vector = async (role: string, at: number) => {
    floats.set(await readVector(tensorOf(tensors, role), spec.hidden), at / 4)
    return { at, kind: 'f32', rows: 1, cols: spec.hidden } as const
  }
  for (let row = 0; row < rows; row++)
    floats.set(stream.subarray(row * spec.hidden, (row + 1) * spec.hidden), x / 4 + row * width)
  const weight = await vector('final_norm', x + rows * bytes)
  const bias =
    spec.norm.kind === 'layer' ? await vector('final_norm_bias', x + (rows + 1) * bytes) : undefined
  normRows(kernels(memory), spec, { weight, bias }, x, x, rows)
  const out = new Float32Array(rows * spec.hidden)
  for (let row = 0; row < rows; row++) {
    const at = x / 4 + row * width
    out.set(floats.subarray(at, at + spec.hidden), row * spec.hidden)
  }
  return out
}

/** Of the rows [from, to), or the last one where those are none, in float64. */
function statisticsOf(values: Float32Array, from: number, to: number, cols: number): InputStatistics {
  const first = Math.min(from, to - 1)
  const count = to - first
  const sums = new Float64Array(cols)
  const squares = new Float64Array(cols)
  for (let row = first; row < to; row++) {
    for (let col = 0; col < cols; col++) {
      const value = values[row * cols + col]
      sums[col] += value
      squares[col] += value * value
    }
  }
  const mean = Float32Array.from(sums, (sum) => asHalf(sum / count))
  const variance = Float32Array.from(squares, (square, col) => {
    const average = sums[col] / count
    return asHalf(Math.max(0, square / count - average * average))
  })
  return { mean, variance }
}

/** As a file keeps it, so that what was kept and what was just seen pack to the same bytes. */
function asHalf(value: number): number {
  const half = f32ToF16(Math.min(65504, Math.max(-65504, value)))
  return f16ToF32(half)
}

function tensorOf(tensors: readonly SourceTensor[], role: string): SourceTensor {
  const found = tensors.find((tensor) => tensor.role === role)
  if (found === undefined) throw new Error(`the checkpoint has no ${role}`)
  return found
}
