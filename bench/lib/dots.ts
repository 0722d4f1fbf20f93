// A host's class says how it computes a four-byte dot: `quads` in one instruction, `pairs` in several.

import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dotsByPairs } from '../../src/kernels/choose.ts'
import { BenchError, ROOT } from './setup.ts'

export type Dots = 'pairs' | 'quads'

/** What V8 is told so that it does without AVX-VNNI, as on a host that has none. */
const WITHOUT = '--no-enable-avx-vnni'

/** miniflare hands these flags to workerd. */
const FLAGS = 'MINIFLARE_WORKERD_V8_FLAGS'

const KERNELS = join(ROOT, 'build/islet.quads.wasm')

const PROBE = `const memory = new WebAssembly.Memory({ initial: 1 })
const { exports } = new WebAssembly.Instance(kernels, { env: { memory, abort() {} } })
console.log(exports.dot_four(127, 255))`

/** V8's flags for hosts that are forced into a class: none where the machine is taken as it is. */
export function dotFlags(): string[] {
  return process.env[FLAGS]?.split(' ').includes(WITHOUT) === true ? [WITHOUT] : []
}

/** The class of the workers that this process starts; undefined while no kernels are built. */
export function workerdDots(): Dots | undefined {
  if (!existsSync(KERNELS)) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'islet-dots-'))
  const source = `import kernels from 'kernels.wasm'\nexport default { test() {\n${PROBE}\n} }`
  try {
    copyFileSync(KERNELS, join(folder, 'kernels.wasm'))
    writeFileSync(join(folder, 'worker.js'), source)
    writeFileSync(
      join(folder, 'config.capnp'),
      `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  v8Flags = ${JSON.stringify(dotFlags())},
  services = [(name = "main", worker = (
    modules = [
      (name = "worker.js", esModule = embed "worker.js"),
      (name = "kernels.wasm", wasm = embed "kernels.wasm")],
    compatibilityDate = "2025-01-01"))]);\n`,
    )
    const { default: program } = createRequire(join(ROOT, 'package.json'))('workerd') as { default: string }
    return classOf(program, ['test', join(folder, 'config.capnp')])
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The class of a Node with these flags. Throws BenchError where it does not start. */
export function nodeDots(program: string, flags: readonly string[]): Dots {
  const script = `const kernels = new WebAssembly.Module(require('fs').readFileSync(${JSON.stringify(KERNELS)}))\n`
  return classOf(program, [...flags, '-e', script + PROBE])
}

/** Makes the workers of this process and its children hosts of one class. Throws BenchError where they cannot be. */
export function forceDots(wanted: Dots): void {
  if (workerdDots() === wanted) return
  if (wanted === 'pairs') process.env[FLAGS] = [process.env[FLAGS], WITHOUT].filter(Boolean).join(' ')
  if (workerdDots() !== wanted) throw new BenchError(`this machine has no hosts of ${wanted}`)
}

function classOf(program: string, args: string[]): Dots {
  try {
    const sum = Number(execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }))
    return dotsByPairs({ dot_four: () => sum }) ? 'pairs' : 'quads'
  } catch (error) {
    const [line] = (error as Error).message.split('\n')
    throw new BenchError(`the host does not say how it computes dots: ${line}`)
  }
}
