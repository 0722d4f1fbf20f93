// Gets llama.cpp ready: installs its prebuilt library, takes the headers from the bundle beside it and compiles
// native/llama-bench.c against both. Nothing else is compiled or downloaded; done once, kept in bench/build.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { arch, platform } from 'node:os'
import { join, resolve } from 'node:path'

export const BENCH = resolve(import.meta.dirname, '..')
export const ROOT = resolve(BENCH, '..')
const BUILD = join(BENCH, 'build')

/** A benchmark that cannot run here: run.ts prints the message alone and exits 1. */
export class BenchError extends Error {}

/** Where the compiled program, its libraries and the prompt's ids are. */
export type Native = { program: string; backends: string; ids: string; release: string }

/** Installs and compiles what is missing. Throws BenchError where this machine cannot. */
export function setUpLlama(): Native {
  if (platform() !== 'linux' || arch() !== 'x64') {
    throw new BenchError(
      `llama.cpp's side runs on linux-x64 only, this is ${platform()}-${arch()}; try --only ours`,
    )
  }
  need('gcc', 'install gcc (Debian: apt-get install gcc)')
  need('git', 'install git')
  const packages = join(BENCH, 'node_modules')
  const lock = readFileSync(join(BENCH, 'package-lock.json'))
  const stamp = join(packages, '.islet-lock')
  const digest = createHash('sha256').update(lock).digest('hex')
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== digest) {
    console.error("bench: npm ci in bench/ (llama.cpp's prebuilt library, no install scripts)")
    run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], BENCH)
    writeFileSync(stamp, digest)
  }

  const backends = join(packages, '@node-llama-cpp/linux-x64/bins/linux-x64')
  if (!existsSync(backends))
    throw new BenchError(`no ${backends}: the layout of @node-llama-cpp/linux-x64 changed`)
  mkdirSync(BUILD, { recursive: true })
  const headers = unpackHeaders()
  const ids = join(BUILD, 'ids.txt')
  writeFileSync(ids, readFileSync(join(BENCH, 'prompts/license.json'), 'utf8').replace(/[^0-9]+/g, ' '))
  const metadata = join(backends, '_nlcBuildMetadata.json')
  const release = (
    JSON.parse(readFileSync(metadata, 'utf8')) as { buildOptions: { llamaCpp: { release: string } } }
  ).buildOptions.llamaCpp.release
  return { program: compile(headers, backends), backends, ids, release }
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

/** Linked by file name, as the libraries carry their release in it; found again at run time by rpath. */
function compile(headers: string, backends: string): string {
  const source = join(BENCH, 'native/llama-bench.c')
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
  const program = join(BUILD, `llama-bench-${digest}`)
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

function run(command: string, args: string[], cwd: string = ROOT): void {
  try {
    execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] })
  } catch (error) {
    const lines = String((error as { stderr?: Buffer }).stderr ?? error).split('\n')
    const said = lines.filter((line) => line.trim() !== '' && !line.startsWith('npm warn')).slice(0, 3)
    throw new BenchError(`"${command} ${args[0]}" failed: ${said.join(' | ')}`)
  }
}
