// This module compiles the kernels: assembly/ to build/islet.*.wasm, when a source is newer.

import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** Builds what is stale. Throws when the compiler refuses. */
export function buildKernels(): void {
  const sources = [...globSync('assembly/**/*.ts', { cwd: ROOT }), 'asconfig.json']
  const newest = Math.max(...sources.map((source) => modified(`${ROOT}${source}`)))
  for (const target of ['quads', 'relaxed', 'plain']) {
    if (modified(`${ROOT}build/islet.${target}.wasm`) > newest) continue
    mkdirSync(`${ROOT}build`, { recursive: true })
    const asc = `${ROOT}node_modules/assemblyscript/bin/asc.js`
    const args = [asc, 'assembly/index.ts', '--config', 'asconfig.json', '--target', target]
    const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 2, 2] })
    if (status !== 0) throw new Error(`the ${target} kernels did not compile`)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildKernels()
