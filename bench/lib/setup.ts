// Where things are, how a benchmark says that it cannot run, and the packages that it compares with.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const BENCH = resolve(import.meta.dirname, '..')
export const ROOT = resolve(BENCH, '..')

/** What is compiled, unpacked or requantised once and kept. */
export const BUILD = join(BENCH, 'build')

/** The Node in which kernels and models run by hand. */
export const NODE = process.env['ISLET_BENCH_NODE'] ?? process.execPath

/** Every bound checked in code: what workerd does, which may not reserve the address space for guard pages. */
export const CHECKED = '--wasm-enforce-bounds-checks'

/** A benchmark that cannot run here: run.ts prints the message alone and exits 1. */
export class BenchError extends Error {}

/** Installs the packages of bench/package-lock.json unless they are there. Returns their folder. */
export function installPackages(): string {
  const packages = join(BENCH, 'node_modules')
  const stamp = join(packages, '.islet-lock')
  const digest = createHash('sha256')
    .update(readFileSync(join(BENCH, 'package-lock.json')))
    .digest('hex')
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== digest) {
    console.error(
      "bench: npm ci in bench/ (llama.cpp's prebuilt library, wllama, Chromium; no install scripts)",
    )
    run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], BENCH)
    writeFileSync(stamp, digest)
  }
  mkdirSync(BUILD, { recursive: true })
  return packages
}

/** The version of a package of bench/node_modules. */
export function packageVersion(name: string): string {
  const text = readFileSync(join(BENCH, 'node_modules', name, 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** Runs a tool silently. Throws BenchError with the first lines that it said. */
export function run(
  command: string,
  args: string[],
  cwd: string = ROOT,
  env: Record<string, string> = {},
): void {
  try {
    execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } })
  } catch (error) {
    const lines = String((error as { stderr?: Buffer }).stderr ?? error).split('\n')
    const said = lines.filter((line) => line.trim() !== '' && !line.startsWith('npm warn')).slice(0, 3)
    throw new BenchError(`"${command} ${args[0]}" failed: ${said.join(' | ')}`)
  }
}
