// Where reference data lies: ../shared/golden beside the project, or ISLET_GOLDEN.

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export const GOLDEN = process.env['ISLET_GOLDEN'] ?? `${ROOT}../shared/golden`

/** The folder of a golden family, or undefined where the reference data is not at hand. */
export function goldenFamily(family: string): string | undefined {
  const folder = `${GOLDEN}/open/${family}`
  return existsSync(`${folder}/cases.json`) ? folder : undefined
}

export type GoldenTensor = { shape: number[]; values: Float32Array }

/** All float32 tensors of a small safetensors file. */
export function readTensors(path: string): Map<string, GoldenTensor> {
  const bytes = readFileSync(path)
  const length = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >
  const tensors = new Map<string, GoldenTensor>()
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue
    if (entry.dtype !== 'F32') throw new Error(`${name} is ${entry.dtype}, not F32`)
    const [start, end] = entry.data_offsets
    const copy = Uint8Array.from(bytes.subarray(8 + length + start, 8 + length + end))
    tensors.set(name, { shape: entry.shape, values: new Float32Array(copy.buffer) })
  }
  return tensors
}
