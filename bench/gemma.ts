// Gemma 3 270M by hand in Node, since no isolate holds it, beside llama.cpp on the file that it was packed from: fresh processes in
// turns.

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { buildKernels } from '../tools/build.ts'
import { runInNode } from './hosts/run.ts'
import { caseRuns, promptIds, type Case, type CaseRuns } from './lib/cases.ts'
import { llamaOn } from './lib/llama.ts'
import { gemmaMeasures } from './lib/measures.ts'
import { FORMATS, type GemmaResult } from './lib/result-types.ts'
import { describeMachine, writeResult } from './lib/results.ts'
import { inTurns } from './lib/rounds.ts'
import { BenchError, CHECKED, NODE, ROOT } from './lib/setup.ts'
import { printMeasures } from './lib/verdicts.ts'
import { printSpeeds } from './speed.ts'

const MODEL = 'gemma-3-270m'
const FOLDER = join(ROOT, 'models', MODEL)
const GGUF = join(ROOT, 'models/.cache/gemma-3-270m-q4_k_m.gguf')

const PREFILL: Case = { prompt: 256, decode: 0 }
const DECODE: Case = { prompt: 256, decode: 64 }

/** As wrangler.toml has them. */
const SETTINGS = { window: 1024, sinks: 4, chunk: 32 }

/** Prints the speeds and the ratios, and writes results/gemma.json. Ours has its bounds checked in code. */
export async function gemma(options: { rounds: number; repetitions: number }): Promise<void> {
  const { rounds, repetitions } = options
  const version = execFileSync(NODE, ['--version'], { encoding: 'utf8' }).trim()
  const machine = await describeMachine()
  for (const path of [join(FOLDER, 'manifest.json'), GGUF])
    if (!existsSync(path))
      throw new BenchError(`no ${path}: "npm run islet -- pull ${MODEL}" fetches and packs it`)
  buildKernels()
  const llama = await llamaOn(GGUF, [PREFILL, DECODE], repetitions)
  // The ids of the prompt mean nothing to this model, and cost what others do.
  const job = { ids: promptIds(PREFILL.prompt, 0), decode: DECODE.decode, repetitions, ...SETTINGS }
  const ours = {
    name: 'ours',
    run(): CaseRuns[] {
      const { prefill, decode } = runInNode(job, FOLDER, [NODE, CHECKED])
      return [caseRuns(PREFILL, prefill), caseRuns(DECODE, decode)]
    },
  }
  const measured = await inTurns([ours, llama.variant], rounds)
  printSpeeds(measured.runs)
  const result: GemmaResult = {
    name: 'gemma',
    format: FORMATS.gemma,
    model: MODEL,
    machine,
    node: `${version} ${CHECKED}`,
    llama: llama.about,
    ...measured,
  }
  printMeasures(gemmaMeasures(result))
  writeResult(result)
}
