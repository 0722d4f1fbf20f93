// `node bench/sampling-speed.ts`: what choosing an id costs above greedy, on rows of logits of the packed model.
// Each setting samples the same rows, in turns with the others; the first round warms up and is not counted.

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { fileSource } from '../cli/lib/file-source.ts'
import { nodeKernels } from '../cli/lib/kernels.ts'
import { DEFAULT_SAMPLING, type SamplingOptions } from '../src/protocol/generation.ts'
import { createScratch, type Scratch } from '../src/sampling/candidates.ts'
import { createSampler, type SamplerExtras } from '../src/sampling/sampler.ts'
import { loadFor } from './hosts/load.ts'
import { promptIds } from './lib/cases.ts'
import { MODEL, MODEL_FOLDER, prepareModel } from './lib/model.ts'
import { compactJson, describeMachine, median, printTable } from './lib/results.ts'
import { ROOT } from './lib/setup.ts'
import type { SamplingSpeed } from './lib/sampling-speed-result.ts'

const RESULTS = `${ROOT}/docs/results/sampling-speed.json`
/** Rows of logits that are sampled, one behind each of as many ids of a prompt. */
const ROWS = 64
const REPEAT = 8

const OFF = { ...DEFAULT_SAMPLING, temperature: 1, seed: 1 }
type Case = { name: string; options: SamplingOptions; extras?: SamplerExtras }
const GREEDY: Case = { name: 'greedy', options: { ...OFF, temperature: 0 } }
const CASES: Case[] = [
  { name: 'temperature 1', options: OFF },
  { name: 'top_p 0.9', options: { ...OFF, topP: 0.9 } },
  { name: 'logprobs 5', options: GREEDY.options, extras: { topLogprobs: 5 } },
  { name: 'temperature 0.7', options: { ...OFF, temperature: 0.7 } },
  { name: 'top_k 40', options: { ...OFF, topK: 40 } },
  { name: 'min_p 0.05', options: { ...OFF, minP: 0.05 } },
  { name: 'typical_p 0.9', options: { ...OFF, typicalP: 0.9 } },
]

async function rowsOfLogits(): Promise<Float32Array[]> {
  const ids = promptIds(ROWS, 1)
  const job = { ids, decode: 1, window: 512, sinks: 4, chunk: 32, repetitions: 1 }
  const model = await loadFor(job, fileSource(MODEL_FOLDER), nodeKernels())
  const pages = Array.from({ length: ROWS / 16 }, (_, i) => i)
  return ids.map((id, position) =>
    model
      .run([{ id, position, pages, yields: 'logits' }])
      .logits(0)
      .slice(),
  )
}

/** Milliseconds a token, the median: what else the machine does falls on some of them. */
function time({ options, extras }: Case, rows: readonly Float32Array[], scratch: Scratch): number {
  const sampler = createSampler(options, { ...extras, scratch })
  const occurrences = { prompt: new Set<number>(), generated: new Map<number, number>() }
  const taken: number[] = []
  for (let i = 0; i < REPEAT; i++)
    for (const [row, logits] of rows.entries()) {
      const context = { ...occurrences, position: i * ROWS + row }
      const start = performance.now()
      sampler.sample(logits, context)
      taken.push(performance.now() - start)
    }
  return median(taken)
}

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, save: { type: 'boolean', default: false } },
})
const machine = await describeMachine()
prepareModel()
const rows = await rowsOfLogits()
const scratch = createScratch(rows[0].length)
const greedy: number[] = []
const cases: SamplingSpeed['cases'] = CASES.map(({ name }) => ({ name, ms: [] }))
for (let round = 0; round <= Number(values.rounds); round++)
  for (const [i, one] of [GREEDY, ...CASES].entries()) {
    const ms = Number(time(one, rows, scratch).toFixed(4))
    if (round > 0) (i === 0 ? greedy : cases[i - 1].ms).push(ms)
  }
const result: SamplingSpeed = {
  model: MODEL,
  machine,
  vocab: rows[0].length,
  tokens: ROWS * REPEAT,
  greedy,
  cases,
}
printTable(
  ['ms a token', 'whole', 'above greedy'],
  [{ name: 'greedy', ms: greedy }, ...cases].map(({ name, ms }) => [
    name,
    median(ms).toFixed(3),
    (median(ms) - median(greedy)).toFixed(3),
  ]),
)
if (values.save) writeFileSync(RESULTS, `${compactJson(result)}\n`)
