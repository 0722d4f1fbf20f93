// This script plants the bugs of mutants.json one at a time in a copy of the project, and the nearest tests must turn red.
// `node test/mutants/plant.ts [part of an id or file ...]`. It takes half an hour, so CI does not run it. Run whole, it writes
// docs/mutants.md; run for some, it prints their fates alone.

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../../tools/root.ts'
import { GOLDEN } from '../helpers/golden.ts'
import { planted, readMutants, type Mutant } from './list.ts'
import { mutantTable, type Fate } from './table.ts'

/** What tests read but no mutant changes. */
const LINKED = ['node_modules', 'models']
const LEFT_OUT = ['.git', '.wrangler', '.ci', ...LINKED]

/** A test that hangs has caught its bug too. */
const MOST_MS = 120_000

/** All of the tests, without a bug. */
const ALL_MS = 30 * 60_000

function copyProject(): string {
  const copy = mkdtempSync(join(tmpdir(), 'islet-mutants-'))
  for (const name of LINKED) if (existsSync(join(ROOT, name))) symlinkSync(join(ROOT, name), join(copy, name))
  const isCopied = (path: string): boolean => !LEFT_OUT.some((name) => path.startsWith(join(ROOT, name)))
  cpSync(ROOT, copy, { recursive: true, filter: isCopied })
  return copy
}

function runs(copy: string, args: string[], timeout = MOST_MS): boolean {
  // Beside the copy there is no larger set of reference data.
  const env = { ...process.env, ISLET_GOLDEN: GOLDEN }
  const result = spawnSync(process.execPath, args, { cwd: copy, env, stdio: 'ignore', timeout })
  return result.status === 0
}

function passes(copy: string, tests: readonly string[], timeout?: number): boolean {
  const paths = tests.map((test) => `test/${test}`)
  return runs(copy, ['node_modules/vitest/vitest.mjs', 'run', '--bail', '1', ...paths], timeout)
}

/** Kernels are compiled with the bug, and put back as they were afterwards. A bug that no compiler takes is none. */
function fateOf(copy: string, mutant: Mutant): Fate {
  if (mutant.equivalent !== undefined) return 'equivalent'
  const path = join(copy, mutant.file)
  const original = readFileSync(path, 'utf8')
  const isKernel = mutant.file.startsWith('assembly/')
  writeFileSync(path, planted(original, mutant))
  try {
    if (isKernel && !runs(copy, ['tools/build.ts'])) return 'DOES NOT COMPILE'
    return passes(copy, mutant.tests) ? 'SURVIVED' : 'caught'
  } finally {
    writeFileSync(path, original)
    // Written anew they are younger than the sources, so nothing compiles them again.
    if (isKernel) cpSync(join(ROOT, 'build'), join(copy, 'build'), { recursive: true })
  }
}

const wanted = process.argv.slice(2)
const isWanted = ({ id, file }: Mutant): boolean =>
  wanted.length === 0 || wanted.some((part) => id.includes(part) || file.includes(part))
const mutants = readMutants().filter(isWanted)
const copy = copyProject()
try {
  cpSync(join(ROOT, 'build'), join(copy, 'build'), { recursive: true })
  const tests = [...new Set(mutants.flatMap((mutant) => mutant.tests))]
  if (tests.length > 0 && !passes(copy, tests, ALL_MS))
    throw new Error('the tests fail before any bug is planted')
  const fates = mutants.map((mutant) => {
    const start = performance.now()
    const fate = fateOf(copy, mutant)
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    console.log(`${fate.padEnd(16)} ${seconds.padStart(6)} s  ${mutant.id}`)
    return [mutant, fate] as const
  })
  const page = join(ROOT, 'docs/mutants.md')
  if (wanted.length === 0) writeFileSync(page, mutantTable(fates, readFileSync(page, 'utf8')))
  process.exitCode = fates.every(([, fate]) => fate === 'caught' || fate === 'equivalent') ? 0 : 1
} finally {
  rmSync(copy, { recursive: true, force: true })
}
