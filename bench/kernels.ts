// Each matrix kernel on the real shapes of three models, beside two limits of the machine measured in the same run, once
// with bounds checked in code, as in workerd, and once by guard pages, as in Node. Or beside a second build folder.

import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { buildKernels } from '../tools/build.ts'
import { BUILDS, type ComparedRow, type KernelJob } from './kernels/job.ts'
import { PREFILL_TOKENS } from './kernels/operands.ts'
import { summary } from './kernels/summary.ts'
import { FORMATS, type KernelRow, type KernelsResult } from './lib/result-types.ts'
import { dotFlags, nodeDots } from './lib/dots.ts'
import { describeMachine, median, printTable, writeResult } from './lib/results.ts'
import { BENCH, BenchError, BUILD, CHECKED, NODE, ROOT, run } from './lib/setup.ts'

export type KernelsOptions = {
  rounds: number
  against: string | undefined
  kernel: string | undefined
  model: string | undefined
}

/** Prints a row for each kernel and shape; writes results/kernels.json when everything was measured. */
export async function kernels({ rounds, against, kernel, model }: KernelsOptions): Promise<void> {
  const node = execFileSync(NODE, ['--version'], { encoding: 'utf8' }).trim()
  // Node 22 computes dots by pairs wherever it runs, and knows no flag for that.
  const flags = nodeDots(NODE, []) === 'quads' ? dotFlags() : []
  const machine = { ...(await describeMachine()), node, dots: nodeDots(NODE, flags) }
  buildKernels()
  const job: KernelJob = {
    rounds,
    folder: join(ROOT, 'build'),
    probes: compileProbes(),
    ...(against !== undefined && { against: buildFolder(against) }),
    kernel,
    model,
  }
  console.error('kernels: bounds checked in code')
  const checked = measure(job, [...flags, CHECKED])
  if (against !== undefined) return printComparison(checked)
  console.error('kernels: bounds checked by guard pages')
  const trapped = measure(job, flags)
  printRows(checked, trapped)
  if (kernel !== undefined || model !== undefined) return
  const result: KernelsResult = {
    name: 'kernels',
    format: FORMATS.kernels,
    model: 'matrices of SmolLM2-135M, Qwen2.5-0.5B and LLaMA-7B',
    machine,
    tokens: PREFILL_TOKENS,
    checked,
    trapped,
  }
  writeResult(result)
}

function measure(job: KernelJob, flags: string[]): ComparedRow[] {
  const args = [...flags, join(BENCH, 'kernels/measure.ts'), JSON.stringify(job)]
  try {
    const text = execFileSync(NODE, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      maxBuffer: 1 << 28,
    })
    return JSON.parse(text) as ComparedRow[]
  } catch (error) {
    throw new BenchError(`the kernels could not be measured: ${(error as Error).message.split('\n')[0]}`)
  }
}

/** kernels/probes.ts, with the flags of the kernels' own build. */
function compileProbes(): string {
  const [source, out] = [join(BENCH, 'kernels/probes.ts'), join(BUILD, 'probes.wasm')]
  const made = statSync(out, { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (made > statSync(source).mtimeMs) return out
  const asc = join(ROOT, 'node_modules/assemblyscript/bin/asc.js')
  run(process.execPath, [asc, source, '--config', 'asconfig.json', '--target', 'relaxed', '--outFile', out])
  return out
}

function buildFolder(path: string): string {
  const folder = resolve(path)
  const files = BUILDS.map(({ build }) => `islet.${build}.wasm`)
  if (!files.some((file) => existsSync(join(folder, file))))
    throw new BenchError(`--against ${path}: neither ${files.join(' nor ')} in it`)
  return folder
}

const percent = (part: number): string => `${(part * 100).toFixed(0)} %`
const nanoseconds = (seconds: number): string => (seconds * 1e9).toFixed(0)
const shapeOf = ({ rows, cols, shape }: KernelRow): string => `${rows} x ${cols} (${shape})`

function printRows(checked: readonly KernelRow[], trapped: readonly KernelRow[]): void {
  printTable(
    ['kernel', 'build', 'model', 'shape', 'ns', 'GMAC/s', 'GB/s', 'loading', 'dots', 'ns with guard pages'],
    checked.map((row, i) => {
      const { seconds, gmacs, gigabytes, ofLoad, ofDots } = summary(row)
      const numbers = [
        nanoseconds(seconds),
        gmacs.toFixed(1),
        gigabytes.toFixed(1),
        percent(ofLoad),
        percent(ofDots),
      ]
      return [
        row.kernel,
        row.build,
        row.model,
        shapeOf(row),
        ...numbers,
        nanoseconds(summary(trapped[i]).seconds),
      ]
    }),
  )
}

function printComparison(rows: readonly ComparedRow[]): void {
  printTable(
    ['kernel', 'build', 'model', 'shape', 'ns, other', 'ns, ours', 'ratio', 'exact match'],
    rows.map((row) => {
      const ours = median(row.seconds)
      const names = [row.kernel, row.build, row.model, shapeOf(row)]
      if (row.other === undefined) return [...names, '-', nanoseconds(ours), '-', 'not there']
      const theirs = median(row.other.seconds)
      const ratio = (theirs / ours).toFixed(2)
      return [...names, nanoseconds(theirs), nanoseconds(ours), ratio, row.other.equal ? 'yes' : 'NO']
    }),
  )
}
