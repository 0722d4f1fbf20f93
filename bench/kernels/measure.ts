// The child process: times every kernel on every shape beside the two probes, in turns, and prints the rows. How bounds
// are checked is a flag of this process.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Kernels } from '../../src/kernels/kernels.ts'
import { BUILDS, type ComparedRow, type KernelJob } from './job.ts'
import { fill, KERNELS, operandsOf, planRegions, type KernelChoice, type Operands } from './operands.ts'
import { SHAPES, type Shape } from './shapes.ts'

type Dots = (count: number, seed: number) => number
type Probes = { load_bytes(at: number, bytes: number): number; dots: Dots; dots_add: Dots }

/** One kernel of a build on one shape, with the calls of a sample; `other` is the same kernel of the second folder. */
type Task = {
  row: ComparedRow
  operands: Operands
  kernels: () => Kernels
  other: (() => Kernels) | undefined
  dots: Dots
  calls: number
}

const PAGE = 65536
const SAMPLE_MS = 8
const WARM_UP_MS = 60
const MOST_CALLS = 20_000

const job = JSON.parse(process.argv[2]) as KernelJob
const shapes = SHAPES.filter(({ model }) => model.includes(job.model ?? ''))
// The modules' own constants lie in the first page.
const regions = planRegions(shapes, PAGE)
const pages = Math.ceil(regions.end / PAGE)
const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
fill(memory, regions)
const probes = instantiate<Probes>(compiled(job.probes))

const tasks = BUILDS.flatMap(({ build, probe }): Task[] => {
  const file = `islet.${build}.wasm`
  const kernels = instance(join(job.folder, file))
  const against = job.against === undefined ? undefined : join(job.against, file)
  const second = against !== undefined && existsSync(against) ? instance(against) : undefined
  const wanted = KERNELS.filter(({ kernel }) => kernel.includes(job.kernel ?? '') && kernel in kernels())
  return wanted.flatMap((choice) => {
    const other = second !== undefined && choice.kernel in second() ? second : undefined
    return shapes.map((shape) => {
      const operands = operandsOf(choice, shape, regions)
      const row = rowOf(choice, shape, build, operands)
      if (other !== undefined)
        row.other = { seconds: [], equal: resultOf(operands, kernels()) === resultOf(operands, other()) }
      return { row, operands, kernels, other, dots: probes[probe], calls: 1 }
    })
  })
})

for (const task of tasks) await warmUp(task)
for (let round = 0; round < job.rounds; round++) {
  for (const task of round % 2 === 0 ? tasks : tasks.toReversed()) sample(task, round)
}
process.stdout.write(JSON.stringify(tasks.map(({ row }) => row)))

function rowOf(
  { kernel, tokens }: KernelChoice,
  { model, name, rows, cols, count }: Shape,
  build: string,
  { weightBytes, dots }: Operands,
): ComparedRow {
  const sizes = { model, shape: name, rows, cols, tokens, count, weightBytes, dots }
  return { kernel, build, ...sizes, seconds: [], load: [], dot: [] }
}

/** Many short calls until V8 has compiled the kernel anew; then the number of calls that fill a sample. */
async function warmUp(task: Task): Promise<void> {
  const { operands, kernels, other, dots } = task
  const start = performance.now()
  let calls = 0
  while (calls < 4 || performance.now() - start < WARM_UP_MS) {
    for (const of of other === undefined ? [kernels] : [other, kernels]) {
      const build = of()
      operands.prepare(build)
      operands.call(build, calls)
    }
    probes.load_bytes(regions.weights, 4096)
    dots(4096, calls)
    calls++
  }
  // The better code arrives from another thread.
  await new Promise((resolve) => setTimeout(resolve, 5))
  const build = kernels()
  operands.prepare(build)
  const each = milliseconds(4, (i) => operands.call(build, i)) / 4
  task.calls = Math.min(MOST_CALLS, Math.max(1, Math.ceil(SAMPLE_MS / each)))
}

function sample({ row, operands, kernels, other, dots, calls }: Task, round: number): void {
  const { weightBytes, copies } = operands
  const each = (call: (i: number) => void): number => milliseconds(calls, call) / calls / 1e3
  const timed = (of: () => Kernels): number => {
    const build = of()
    operands.prepare(build)
    return each((i) => operands.call(build, i))
  }
  const compare = (): void => void (other && row.other?.seconds.push(timed(other)))
  if (round % 2 === 1) compare()
  row.seconds.push(timed(kernels))
  if (round % 2 === 0) compare()
  row.load.push(each((i) => probes.load_bytes(regions.weights + (i % copies) * weightBytes, weightBytes)))
  row.dot.push(each((i) => dots(operands.dots, i)))
}

function milliseconds(calls: number, call: (i: number) => void): number {
  const start = performance.now()
  for (let i = 0; i < calls; i++) call(i)
  return performance.now() - start
}

/** The hash of a result, from activations quantised by the same module. */
function resultOf(operands: Operands, which: Kernels): string {
  const y = new Uint8Array(memory.buffer, regions.y, operands.resultBytes)
  y.fill(0)
  operands.prepare(which)
  operands.arranged(which, () => operands.call(which, 0))
  return createHash('sha256').update(y).digest('hex')
}

/** Instances of a module, each of which writes the module's constants: builds keep theirs in the same place. */
function instance(path: string): () => Kernels {
  const module = compiled(path)
  return () => instantiate<Kernels>(module)
}

function compiled(path: string): WebAssembly.Module {
  // The types of Workers leave out the constructor that workerd forbids at run time; Node has it.
  const { Module } = WebAssembly as unknown as { Module: new (bytes: Uint8Array) => WebAssembly.Module }
  return new Module(readFileSync(path))
}

function instantiate<Exports>(module: WebAssembly.Module): Exports {
  const abort = (): never => {
    throw new Error('a kernel aborted')
  }
  return new WebAssembly.Instance(module, { env: { memory, abort } }).exports as unknown as Exports
}
