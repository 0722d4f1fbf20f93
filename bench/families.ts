// `npm run families`: runs every case of the reference data and writes docs/results/families.json, what docs/families.md says of
// each family. Without the reference data it says so and leaves the file as it is.

import { existsSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { familiesIn, GOLDEN, goldenFamily } from '../test/helpers/golden.ts'
import {
  difference,
  fileCases,
  runCase,
  runWindowCase,
  windowCases,
  type Ran,
} from '../test/helpers/golden-run.ts'
import { buildKernels } from '../tools/build.ts'
import { ROOT } from '../tools/root.ts'

/** The largest differences of so many cases; `file` is the checkpoint's format and kind, `window` the cases under sinks and window. */
export type FamilyResult = {
  file: string
  /** Run in floating point, weights and cache; else as served, with INT8 activations. */
  float: boolean
  cases: number
  /** Rows of logits that were compared. */
  rows: number
  maxAbs: number
  /** Of the case that is furthest away. */
  rms: number
}
/** By folder of the reference data. */
export type FamilyResults = Record<string, FamilyResult[]>

const RESULTS = `${ROOT}docs/results/families.json`

/** Any chunk gives the same bits (test/families/golden.test.ts). */
const CHUNK = 64

async function familyResults(folder: string): Promise<FamilyResult[]> {
  const results = new Map<string, FamilyResult>()
  const add = (file: string, { rows, float }: Ran, expected: Parameters<typeof difference>[1]): void => {
    const { maxAbs, rms } = difference(rows, expected)
    const known = results.get(file) ?? { file, float, cases: 0, rows: 0, maxAbs: 0, rms: 0 }
    results.set(file, {
      file,
      float,
      cases: known.cases + 1,
      rows: known.rows + rows.length,
      maxAbs: Math.max(known.maxAbs, maxAbs),
      rms: Math.max(known.rms, rms),
    })
  }
  for (const each of fileCases(folder).cases) add(each.file, await runCase(each, CHUNK), each.expected)
  for (const { golden, expected } of windowCases(folder).cases)
    add('window', await runWindowCase(folder, golden, CHUNK), expected)
  const rounded = (value: number): number => Number(value.toPrecision(3))
  return [...results.values()].map((each) => ({
    ...each,
    maxAbs: rounded(each.maxAbs),
    rms: rounded(each.rms),
  }))
}

async function main(): Promise<number> {
  if (!existsSync(`${GOLDEN}/open`)) {
    process.stderr.write(
      `islet: no reference data at ${GOLDEN} (ISLET_GOLDEN names another place): nothing was run, and docs/results/families.json stays as it is\n`,
    )
    return 0
  }
  buildKernels()
  const results: FamilyResults = {}
  for (const family of familiesIn(`${GOLDEN}/open`)) {
    results[family] = await familyResults(goldenFamily(family))
    for (const { file, cases, maxAbs, rms } of results[family])
      process.stdout.write(
        `${family.padEnd(18)}${file.padEnd(26)}${String(cases).padStart(3)} cases  max ${maxAbs.toExponential(1)}  rms ${rms.toExponential(1)}\n`,
      )
  }
  writeFileSync(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`)
  return 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main()
