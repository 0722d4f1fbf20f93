// Beside the other way to run a GGUF in WebAssembly: wllama, llama.cpp compiled by Emscripten, in headless Chromium on
// one thread, with flash attention and without, as either may be the faster. Same file, same prompts, in turns with our worker.

import { copyFileSync, existsSync, linkSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readTokenizer } from '../src/tokenizer/packed.ts'
import type { Case } from './lib/cases.ts'
import { caseRuns, textPrompt } from './lib/cases.ts'
import { findChromium, runPage, type Chromium } from './lib/chromium.ts'
import { peersMeasures } from './lib/measures.ts'
import { MODEL, MODEL_FOLDER, findGguf, prepareModel } from './lib/model.ts'
import { oursVariant } from './lib/ours.ts'
import { FLASH, FORMATS, type PeersResult } from './lib/result-types.ts'
import { describeMachine, sha256File, writeResult } from './lib/results.ts'
import { inTurns, type Variant } from './lib/rounds.ts'
import { BENCH, BenchError, BUILD, installPackages, packageVersion } from './lib/setup.ts'
import { printMeasures } from './lib/verdicts.ts'
import type { WllamaJob, WllamaReport } from './pages/wllama.ts'
import { printSpeeds } from './speed.ts'

const PREFILL: Case = { prompt: 256, decode: 0 }
const DECODE: Case = { prompt: 256, decode: 64 }

/** Packages of bench/package.json. */
const WLLAMAS = [
  { name: 'wllama-2', version: 2 },
  { name: 'wllama-3', version: 3 },
] as const

const WARM_UP_TOKENS = 32
const LIMIT_MS = 600_000

type Peer = Pick<WllamaJob, 'version' | 'flashAttention'> & { name: string }
type Prompt = WllamaJob['prompts'][number]

/** Prints speeds and ratios, and writes results/peers.json. */
export async function peers({ rounds, repetitions }: { rounds: number; repetitions: number }): Promise<void> {
  const machine = await describeMachine()
  prepareModel()
  installPackages()
  const chromium = findChromium()
  const gguf = findGguf()
  const prompt = prompter()
  const prompts = [prompt(WARM_UP_TOKENS, 0), ...serials(repetitions).map((r) => prompt(DECODE.prompt, r))]
  const both = WLLAMAS.flatMap((wllama) => [
    { ...wllama, flashAttention: false },
    { ...wllama, flashAttention: true },
  ])
  const measured = await inTurns(
    [
      ...both.map((peer) => wllamaVariant(peer, chromium, gguf, prompts)),
      oursVariant([PREFILL, DECODE], repetitions, (length, serial) => prompt(length, serial).ids),
    ],
    rounds,
  )
  printSpeeds(measured.runs)
  const result: PeersResult = {
    name: 'peers',
    format: FORMATS.peers,
    model: MODEL,
    machine,
    chromium: chromium.version,
    ggufSha256: sha256File(gguf),
    ...measured,
  }
  printMeasures(peersMeasures(result))
  writeResult(result)
}

function wllamaVariant(
  { name, version, flashAttention }: Peer,
  chromium: Chromium,
  gguf: string,
  prompts: Prompt[],
): Variant {
  const job: WllamaJob = { version, flashAttention, prompts, decode: DECODE.decode }
  const files = { wllama: join(BENCH, 'node_modules', name, 'esm'), gguf: folderOf(gguf) }
  const script = join(BENCH, 'pages/wllama.ts')
  return {
    name: `wllama ${packageVersion(name)}${flashAttention ? FLASH : ''}`,
    async run() {
      const report = (await runPage(chromium, { script, job, files, limitMs: LIMIT_MS })) as WllamaReport
      if (report.threads !== 1) throw new BenchError(`${name} used ${report.threads} threads`)
      return [caseRuns(PREFILL, report.prefill), caseRuns(DECODE, report.decode)]
    },
  }
}

function prompter(): (length: number, serial: number) => Prompt {
  const tokenizer = readTokenizer(new Uint8Array(readFileSync(join(MODEL_FOLDER, 'tokenizer.bin'))))
  return (length, serial) => textPrompt(tokenizer, length, serial)
}

/** 1 to `count`. */
function serials(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1)
}

/** A folder that holds the file alone, as model.gguf: no other model is served by accident. */
function folderOf(gguf: string): string {
  const folder = join(BUILD, `gguf-${sha256File(gguf).slice(0, 12)}`)
  const path = join(folder, 'model.gguf')
  if (existsSync(path)) return folder
  mkdirSync(folder, { recursive: true })
  try {
    linkSync(gguf, path)
  } catch {
    copyFileSync(gguf, path)
  }
  return folder
}
