// llama.cpp's side of a round: one fresh process of native/llama-bench.c.

import { execFileSync } from 'node:child_process'
import type { Case, Timing } from './cases.ts'
import { caseName } from './cases.ts'
import type { Native } from './setup.ts'
import { BenchError } from './setup.ts'

/** What the program prints. `backend`: the CPU variant that it loaded; threads: [decode, batch]. */
export type LlamaRun = {
  system: string
  backend: string
  threads: number[]
  cases: { case: string; runs: Timing[] }[]
}

/** How far CPU time may exceed wall time before we say that more than one thread worked. */
const ONE_THREAD = 1.05

/** CPU time below this part of wall time: another process had our core, the figure is too low. */
const UNDISTURBED = 0.95

/** Times every case `repetitions` times after one warm-up each, on one thread. */
export function runLlama(
  native: Native,
  gguf: string,
  cases: readonly Case[],
  repetitions: number,
): LlamaRun {
  const args = [native.backends, gguf, native.ids, String(repetitions), ...cases.map(caseName)]
  let text: string
  try {
    text = execFileSync(native.program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  } catch (error) {
    throw new BenchError(`llama-bench failed: ${(error as Error).message}`)
  }
  const result = JSON.parse(text) as LlamaRun
  for (const { case: name, runs } of result.cases) {
    for (const { seconds, cpuSeconds } of runs) {
      if (cpuSeconds !== undefined && cpuSeconds > seconds * ONE_THREAD) {
        throw new BenchError(
          `llama.cpp used ${cpuSeconds} s of CPU in ${seconds} s (${name}): not one thread`,
        )
      }
      if (cpuSeconds !== undefined && cpuSeconds < seconds * UNDISTURBED) {
        console.error(
          `bench: llama.cpp had the core for ${cpuSeconds} of ${seconds} s (${name}): the machine is busy`,
        )
      }
    }
  }
  return result
}
