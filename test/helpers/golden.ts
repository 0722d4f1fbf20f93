// Goldens lie in two sets: the full one, and one cut from it in test/golden. The full one is ../shared/golden, or where
// ISLET_GOLDEN points.

import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The set in the repository, NAME/cases.json: what test/golden/cut.ts made of the full one. */
export const CUT = `${ROOT}test/golden`
/** Where the full set lies, if it is there: open/NAME/cases.json. */
export const GOLDEN = placeOfGolden(`${ROOT}../shared/golden`, process.env)

/** ISLET_GOLDEN, or the default place. With ISLET_REQUIRE_GOLDEN (CI) a full set at the default place that would not be used is an error. */
export function placeOfGolden(usual: string, env: Record<string, string | undefined>): string {
  const place = env['ISLET_GOLDEN'] ?? usual
  if (env['ISLET_REQUIRE_GOLDEN'] === undefined || !existsSync(usual)) return place
  const used = existsSync(`${place}/open`) && realpathSync(place) === realpathSync(usual)
  if (!used) throw new Error(`${usual}/open is not what tests use (but ${place}), and CI uses the full set`)
  return place
}

/** Names of a set's families. */
export function familiesIn(set: string): string[] {
  if (!existsSync(set)) return []
  return readdirSync(set)
    .filter((family) => existsSync(`${set}/${family}/cases.json`))
    .sort()
}

/** The folder of a golden family: of the full set, else of the cut one. */
export function goldenFamily(family: string): string {
  const full = `${GOLDEN}/open/${family}`
  return existsSync(`${full}/cases.json`) ? full : `${CUT}/${family}`
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
