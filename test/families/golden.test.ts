// Logits of each family's tiny checkpoint against the original implementation, for every prefill chunk size,
// prefill and token by token, in full attention and under sinks and window.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { localKv } from '../../cli/lib/kv.ts'
import { openModel } from '../../cli/lib/model.ts'
import { Feed } from '../../src/engine/feed.ts'
import { loadModel, type LoadOptions } from '../../src/engine/load-model.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { GOLDEN, goldenFamily, readTensors, type GoldenTensor } from '../helpers/golden.ts'

type Case = {
  id: string
  mode: 'prefill' | 'decode'
  files: string[]
  input_ids: number[]
  feed?: number[]
  rows?: 'all' | number[]
  weights?: string
  expect: { tensor: string; shape: [number, number] }
}
type Cases = {
  tolerance: { f32_max_abs: number; int8_activations: { rms: number; max_abs: number } }
  cases: Case[]
}
type WindowCase = {
  id: string
  sinks: number
  window: number
  input_ids: number[]
  rows: number[]
  expect: { tensor: string }
}

const CHUNKS = [4, 8, 64, 320]

async function open(path: string, positions: number, options: Partial<LoadOptions>) {
  const { manifest, source } = await openModel(path, {})
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

function difference(got: Float32Array[], expected: GoldenTensor): { maxAbs: number; rms: number } {
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

const FAMILIES = existsSync(`${GOLDEN}/open`) ? readdirSync(`${GOLDEN}/open`).sort() : ['llama1']

describe.each(FAMILIES)('%s', (family) => {
  const folder = goldenFamily(family)
  if (folder === undefined) {
    it.skip('needs ../shared/golden or ISLET_GOLDEN', () => undefined)
    return
  }
  const { tolerance, cases } = JSON.parse(readFileSync(`${folder}/cases.json`, 'utf8')) as Cases
  const logits = readTensors(`${folder}/logits.safetensors`)

  const files = cases.flatMap((golden) =>
    golden.files.map((file) => ({ golden, file, name: `${golden.id}, ${file}` })),
  )
  it.each(files.filter(({ file }) => existsSync(`${folder}/${file}`)))('$name', async ({ golden, file }) => {
    const path = file === 'model.safetensors' ? folder : `${folder}/${file}`
    const expected = logits.get(golden.expect.tensor)!
    const hashes = new Set<string>()
    for (const chunk of CHUNKS) {
      const { model, float } = await open(path, golden.input_ids.length + (golden.feed?.length ?? 0), {
        chunk,
      })
      const { rows, hash } = rowsOf(new Feed(model), golden.input_ids, golden.feed ?? [], chunk)
      hashes.add(hash)
      const prompt = golden.input_ids.length
      const wanted =
        golden.mode === 'decode'
          ? rows.slice(prompt - 1)
          : golden.rows === 'all'
            ? rows
            : golden.rows!.map((i) => rows[i])
      expect(wanted.length).toBe(expected.shape[0])
      const { maxAbs, rms } = difference(wanted, expected)
      if (float) {
        expect(maxAbs).toBeLessThanOrEqual(tolerance.f32_max_abs)
      } else {
        expect(rms).toBeLessThanOrEqual(tolerance.int8_activations.rms)
        expect(maxAbs).toBeLessThanOrEqual(tolerance.int8_activations.max_abs)
      }
    }
    expect(hashes.size, 'every chunk size gives the same bits').toBe(1)
  })

  if (existsSync(`${folder}/window.json`)) {
    const window = JSON.parse(readFileSync(`${folder}/window.json`, 'utf8')) as {
      tolerance_f32: number
      cases: WindowCase[]
    }
    const expected = readTensors(`${folder}/window.safetensors`)
    it.each(window.cases)('window case $id', async (golden) => {
      const hashes = new Set<string>()
      for (const chunk of CHUNKS) {
        const { model } = await open(folder, golden.input_ids.length, {
          chunk,
          window: { window: golden.window, sinks: golden.sinks },
        })
        const { rows, hash } = rowsOf(new Feed(model), golden.input_ids, [], chunk)
        hashes.add(hash)
        const { maxAbs } = difference(
          golden.rows.map((i) => rows[i]),
          expected.get(golden.expect.tensor)!,
        )
        expect(maxAbs).toBeLessThanOrEqual(window.tolerance_f32)
      }
      expect(hashes.size).toBe(1)
    })
  }
})
