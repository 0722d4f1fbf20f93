// The model that both sides run: the packed folder for ours, the GGUF that it came from for llama.cpp.

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { buildKernels } from '../../tools/build.ts'
import { placeModel } from '../../tools/site.ts'
import { BenchError, ROOT } from './setup.ts'

export const MODEL = process.env['ISLET_BENCH_MODEL'] ?? 'smollm2-135m-instruct'
export const MODEL_FOLDER = join(ROOT, 'models', MODEL)
const GGUF = process.env['ISLET_BENCH_GGUF'] ?? join(ROOT, 'models/.cache/SmolLM2-135M-Instruct.Q4_1.gguf')

/** Makes `wrangler dev` ready to serve MODEL: pulled, kernels built, placed among the assets. Call once. */
export function prepareModel(): void {
  ensure(join(MODEL_FOLDER, 'manifest.json'))
  buildKernels()
  placeModel(MODEL_FOLDER)
}

/** The path of the GGUF, pulled if need be. */
export function findGguf(): string {
  ensure(GGUF)
  return GGUF
}

function ensure(path: string): void {
  if (existsSync(path)) return
  const pull = ['scripts/islet.mjs', 'pull', MODEL]
  try {
    execFileSync(process.execPath, pull, { cwd: ROOT, stdio: ['ignore', 2, 2] })
  } catch {
    throw new BenchError(`"npm run islet -- pull ${MODEL}" failed: its message is above`)
  }
  if (!existsSync(path))
    throw new BenchError(`no ${path} after pulling; ISLET_BENCH_GGUF and ISLET_BENCH_MODEL name others`)
}
