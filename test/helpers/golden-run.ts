// Runs a case of the reference data: which files it is for, our logits for it, and how far they are from the expected ones.

import { existsSync, readFileSync } from 'node:fs'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { localKv } from '../../cli/lib/kv.ts'
import { openModel } from '../../cli/lib/model.ts'
import { Feed } from '../../src/graph/feed.ts'
import { loadModel, type LoadOptions } from '../../src/graph/load-model.ts'
import type { PackOptions } from '../../src/packing/pack.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { readTensors, type GoldenTensor } from './golden.ts'

export type Case = {
  id: string
  mode: 'prefill' | 'decode'
  files: string[]
  input_ids: number[]
  feed?: number[]
  /** Which rows are expected: positions of a prefill, steps of a decode (all when absent). */
  rows?: 'all' | number[]
  weights?: string
  expect: { tensor: string; shape: [number, number] }
}
export type Tolerance = { f32_max_abs: number; int8_activations: { rms: number; max_abs: number } }

/** A case of a family with one of the files that it must hold for. */
export type FileCase = {
  golden: Case
  file: string
  name: string
  path: string
  expected: GoldenTensor
  /** How the checkpoint is packed; as it is when absent. */
  pack?: PackOptions
}

/** Rounds as ggml's Q8_0 does: for families that have no GGUF files. */
const AS_Q8_0: PackOptions = { quant: 'q8', embedding: 'q8', rounding: 'nearest' }

export type WindowCase = {
  id: string
  sinks: number
  window: number
  input_ids: number[]
  rows: number[]
  expect: { tensor: string }
}

/** Logits of the rows that are expected, and the hash of all rows' bits; `float` where the checkpoint is run in floating point. */
export type Ran = { rows: Float32Array[]; hash: string; float: boolean }

/** All cases of a family's folder, once for each of their files. */
export function fileCases(folder: string): { tolerance: Tolerance; cases: FileCase[] } {
  const { tolerance, cases } = JSON.parse(readFileSync(`${folder}/cases.json`, 'utf8')) as {
    tolerance: Tolerance
    cases: Case[]
  }
  const logits = readTensors(`${folder}/logits.safetensors`)
  const all = cases.flatMap((golden) =>
    golden.files.map((file) => ({
      golden,
      file,
      name: `${golden.id}, ${file}`,
      path: file === 'model.safetensors' ? folder : `${folder}/${file}`,
      expected: logits.get(golden.expect.tensor)!,
    })),
  )
  const rounded = cases
    .filter(({ files, weights }) => files.length === 0 && weights === 'q8_0 dequantised')
    .map((golden) => ({
      golden,
      file: 'model.safetensors',
      name: `${golden.id}, packed as INT8`,
      path: folder,
      expected: logits.get(golden.expect.tensor)!,
      pack: AS_Q8_0,
    }))
  return { tolerance, cases: [...all, ...rounded] }
}

/** The cases under sinks and window of a family's folder, if it has any. */
export function windowCases(folder: string): {
  tolerance: number
  cases: { golden: WindowCase; expected: GoldenTensor }[]
} {
  if (!existsSync(`${folder}/window.json`)) return { tolerance: 0, cases: [] }
  const { tolerance_f32: tolerance, cases } = JSON.parse(readFileSync(`${folder}/window.json`, 'utf8')) as {
    tolerance_f32: number
    cases: WindowCase[]
  }
  const logits = readTensors(`${folder}/window.safetensors`)
  return {
    tolerance,
    cases: cases.map((golden) => ({ golden, expected: logits.get(golden.expect.tensor)! })),
  }
}

/** Our logits of a case, in steps of at most `chunk` rows. */
export async function runCase({ golden, path, pack }: FileCase, chunk: number): Promise<Ran> {
  const { input_ids: ids, feed = [] } = golden
  const { model, float } = await open(path, ids.length + feed.length, { chunk }, pack)
  const { rows, hash } = rowsOf(new Feed(model), ids, feed, chunk)
  const from = golden.mode === 'decode' ? rows.slice(ids.length - 1) : rows
  return { rows: Array.isArray(golden.rows) ? golden.rows.map((i) => from[i]) : from, hash, float }
}

/** Our logits of a case under sinks and window. */
export async function runWindowCase(folder: string, golden: WindowCase, chunk: number): Promise<Ran> {
  const { window, sinks, input_ids: ids } = golden
  const { model, float } = await open(folder, ids.length, { chunk, window: { window, sinks } })
  const { rows, hash } = rowsOf(new Feed(model), ids, [], chunk)
  return { rows: golden.rows.map((i) => rows[i]), hash, float }
}

/** How far rows of logits are from the expected ones. */
export function difference(got: Float32Array[], expected: GoldenTensor): { maxAbs: number; rms: number } {
  const vocab = expected.shape[1]
  let maxAbs = 0
  let squares = 0
  got.forEach((row, i) => {
    row.forEach((value, id) => {
      const d = Math.abs(value - expected.values[i * vocab + id])
      maxAbs = Math.max(maxAbs, d)
      squares += d * d
    })
  })
  return { maxAbs, rms: Math.sqrt(squares / expected.values.length) }
}

async function open(path: string, positions: number, options: Partial<LoadOptions>, pack: PackOptions = {}) {
  const { manifest, source } = await openModel(path, pack)
  // A prompt that sees itself both ways is one step.
  const least = manifest.spec.prefix === undefined ? 0 : 4 * Math.ceil(positions / 4)
  const chunk = Math.max(options.chunk ?? 64, least)
  const kv = localKv(manifest)
  const model = await loadModel(manifest, source, {
    window: { window: undefined, sinks: 0 },
    kv,
    maxPositions: positions,
    kernels: nodeKernels(),
    ...options,
    chunk,
    logitRows: chunk,
  })
  return { model, float: manifest.float }
}

/** All logits rows of ids in prefill, then of fed ids one at a time; and the hash of their bits. */
function rowsOf(
  feed: Feed,
  ids: number[],
  fed: number[],
  chunk: number,
): { rows: Float32Array[]; hash: string } {
  const rows: Float32Array[] = []
  const hash = sha256()
  const keep = (logits: Float32Array): void => {
    rows.push(logits.slice())
    hash.update(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength))
  }
  feed.run(ids, keep, chunk)
  for (const id of fed) feed.run([id], keep)
  return { rows, hash: hash.hex() }
}
