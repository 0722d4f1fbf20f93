// llama.cpp's side of a round: one fresh process of native/llama-bench.c on one file.

import { execFileSync } from 'node:child_process'
import type { Case, CaseRuns } from './cases.ts'
import { caseName, measuredTokens, parseCase } from './cases.ts'
import { findGguf } from './model.ts'
import type { GgufFile, Native } from './native.ts'
import { describeGguf, requantise, setUpLlama } from './native.ts'
import { LLAMA_VARIANTS, type LlamaAbout, type LlamaVariant } from './result-types.ts'
import type { Variant } from './rounds.ts'
import { BenchError } from './setup.ts'

/** What the program prints. `backend`: the CPU variant that it loaded; threads: [decode, batch]. */
type LlamaRun = {
  system: string
  backend: string
  threads: number[]
  cases: Omit<CaseRuns, 'tokens'>[]
}

/** Both files as variants of a benchmark. */
export type Llama = {
  variants: Variant[]
  /** For the result file; whole once a variant has run. */
  about: LlamaAbout
}

/** How far CPU time may exceed wall time before we say that more than one thread worked. */
const ONE_THREAD = 1.05

/** CPU time below this part of wall time: another process had our core, the figure is too low. */
const UNDISTURBED = 0.95

/** Installs, compiles and requantises what is missing. */
export async function prepareLlama(cases: readonly Case[], repetitions: number): Promise<Llama> {
  const native = setUpLlama()
  const same = await describeGguf(findGguf())
  const files: Record<LlamaVariant, GgufFile> = { same, q4_0: await requantise(native, same) }
  const about = {
    ...ABOUT,
    release: native.release,
    files: { same: said(files.same), q4_0: said(files.q4_0) },
  }
  const variants = LLAMA_VARIANTS.map((name) =>
    variantOf(name, about, () => runLlama(native, files[name].path, cases, repetitions)),
  )
  return { variants, about }
}

/** One file as a variant. */
export async function llamaOn(
  gguf: string,
  cases: readonly Case[],
  repetitions: number,
): Promise<{ variant: Variant; about: LlamaAbout<'same'> }> {
  const native = setUpLlama()
  const about = { ...ABOUT, release: native.release, files: { same: said(await describeGguf(gguf)) } }
  const run = (): LlamaRun => runLlama(native, gguf, cases, repetitions)
  return { variant: variantOf('same', about, run), about }
}

const ABOUT = { flashAttention: true, kv: 'f16' } as const

function said({ sha256, tensors }: GgufFile): Pick<GgufFile, 'sha256' | 'tensors'> {
  return { sha256, tensors }
}

function variantOf(name: LlamaVariant, about: object, run: () => LlamaRun): Variant {
  return {
    name,
    run: () => {
      const { cases: found, ...machine } = run()
      Object.assign(about, machine)
      return found.map((one) => ({ ...one, tokens: measuredTokens(parseCase(one.case)) }))
    },
  }
}

/** Times every case `repetitions` times after one warm-up each, on one thread. */
function runLlama(native: Native, gguf: string, cases: readonly Case[], repetitions: number): LlamaRun {
  const args = [native.backends, gguf, native.ids, String(repetitions), ...cases.map(caseName)]
  let text: string
  try {
    text = execFileSync(native.bench, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
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
