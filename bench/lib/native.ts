// Gets llama.cpp ready: installs its prebuilt library, takes the headers from the bundle beside it and compiles the two
// programs of native/ against both. Nothing else is compiled or downloaded; done once, kept in bench/build.

import { gguf } from '@huggingface/gguf'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { arch, platform } from 'node:os'
import { join } from 'node:path'
import { sha256File } from './results.ts'
import { BENCH, BenchError, BUILD, installPackages, run } from './setup.ts'

/** Where the compiled programs, their libraries and the prompt's ids are. */
export type Native = { bench: string; quantize: string; backends: string; ids: string; release: string }

/** A GGUF file for llama.cpp, and how many of its tensors have which type. */
export type GgufFile = { path: string; sha256: string; tensors: Record<string, number> }

/** ggml's numbers of the types that either file has. */
const TYPE_NAMES = new Map([
  [0, 'F32'],
  [2, 'Q4_0'],
  [3, 'Q4_1'],
  [8, 'Q8_0'],
])

/** Installs and compiles what is missing. Throws BenchError where this machine cannot. */
export function setUpLlama(): Native {
  if (platform() !== 'linux' || arch() !== 'x64') {
    throw new BenchError(
      `llama.cpp's side runs on linux-x64 only, this is ${platform()}-${arch()}; try --only ours`,
    )
  }
  need('gcc', 'install gcc (Debian: apt-get install gcc)')
  need('git', 'install git')
  const backends = join(installPackages(), '@node-llama-cpp/linux-x64/bins/linux-x64')
  if (!existsSync(backends))
    throw new BenchError(`no ${backends}: the layout of @node-llama-cpp/linux-x64 changed`)
  const headers = unpackHeaders()
  const ids = join(BUILD, 'ids.txt')
  writeFileSync(ids, readFileSync(join(BENCH, 'prompts/license.json'), 'utf8').replace(/[^0-9]+/g, ' '))
  const metadata = join(backends, '_nlcBuildMetadata.json')
  const release = (
    JSON.parse(readFileSync(metadata, 'utf8')) as { buildOptions: { llamaCpp: { release: string } } }
  ).buildOptions.llamaCpp.release
  return {
    bench: compile('llama-bench', headers, backends),
    quantize: compile('llama-quantize', headers, backends),
    backends,
    ids,
    release,
  }
}

/** `path`, with what its header says. */
export async function describeGguf(path: string): Promise<GgufFile> {
  const { tensorInfos } = await gguf(path, { allowLocalFile: true })
  const tensors: Record<string, number> = {}
  for (const { dtype } of tensorInfos) {
    const name = TYPE_NAMES.get(dtype) ?? `type ${dtype}`
    tensors[name] = (tensors[name] ?? 0) + 1
  }
  return { path, sha256: sha256File(path), tensors }
}

/**
 * The file for llama.cpp's repacked fast path: every matrix of the layers in Q4_0, embedding and head in Q8_0. Made once
 * from `source`; its header is read again to see that it is so.
 */
export async function requantise(native: Native, source: GgufFile): Promise<GgufFile> {
  const program = createHash('sha256')
    .update(readFileSync(native.quantize))
    .update(native.release)
    .digest('hex')
  const path = join(BUILD, `q4_0-${source.sha256.slice(0, 12)}-${program.slice(0, 12)}.gguf`)
  if (!existsSync(path)) {
    console.error('bench: llama.cpp requantises the model to Q4_0')
    const partial = `${path}.partial`
    run(native.quantize, [native.backends, source.path, partial])
    renameSync(partial, path)
  }
  const made = await describeGguf(path)
  const { Q4_0: layers = 0, Q8_0: head = 0, F32: vectors = 0, ...others } = made.tensors
  if (layers === 0 || head === 0 || Object.keys(others).length > 0) {
    throw new BenchError(
      `${path} has tensors ${JSON.stringify(made.tensors)}: ${layers} in Q4_0 and ${head} in Q8_0 beside ${vectors} vectors are not what was asked for`,
    )
  }
  return made
}

/**
 * The headers of the same release: a git bundle inside a package of which nothing else is wanted, so it is
 * downloaded without being installed (its optional dependencies are GPU builds of many hundred MB).
 */
function unpackHeaders(): string {
  const { headers: pinned } = JSON.parse(readFileSync(join(BENCH, 'package.json'), 'utf8')) as {
    headers: { package: string; bundle: string; integrity: string }
  }
  const folder = join(BUILD, `headers-${pinned.package}`)
  if (existsSync(join(folder, 'include/llama.h'))) return folder
  console.error(`bench: npm pack ${pinned.package} (35 MB) for llama.cpp's headers`)
  const scratch = mkdtempSync(join(BUILD, 'unpack-'))
  try {
    run('npm', ['pack', pinned.package, '--ignore-scripts', '--pack-destination', scratch], BENCH)
    const tarball = join(scratch, `${pinned.package.replace('@', '-')}.tgz`)
    const integrity = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`
    if (integrity !== pinned.integrity)
      throw new BenchError(`${pinned.package} is ${integrity}, not ${pinned.integrity}`)
    run('tar', ['-xzf', tarball, '-C', scratch, pinned.bundle])
    const clone = join(scratch, 'clone')
    run('git', ['clone', '--quiet', '--no-checkout', join(scratch, pinned.bundle), clone])
    run('git', ['-C', clone, 'checkout', '--quiet', 'HEAD', '--', 'include', 'ggml/include'])
    rmSync(join(clone, '.git'), { recursive: true })
    renameSync(clone, folder)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  return folder
}

/** native/NAME.c, linked by file name, as the libraries carry their release in it; found again at run time by rpath. */
function compile(name: string, headers: string, backends: string): string {
  const source = join(BENCH, `native/${name}.c`)
  const libraries = readdirSync(backends).filter((file) =>
    /^lib(llama|ggml|ggml-base)(\.v[\d.]+)?\.so$/.test(file),
  )
  const includes = ['include', 'ggml/include'].map((folder) => `-I${join(headers, folder)}`)
  const flags = ['-O2', '-std=c11', '-Wall', ...includes, source, `-L${backends}`, `-Wl,-rpath,${backends}`]
  const all = [...flags, ...libraries.map((file) => `-l:${file}`)]
  const digest = createHash('sha256')
    .update(readFileSync(source))
    .update(all.join(' '))
    .digest('hex')
    .slice(0, 12)
  const program = join(BUILD, `${name}-${digest}`)
  if (!existsSync(program)) run('gcc', [...all, '-o', program])
  return program
}

function need(command: string, advice: string): void {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' })
  } catch {
    throw new BenchError(`${command} is missing: ${advice}; or measure our side alone with --only ours`)
  }
}
