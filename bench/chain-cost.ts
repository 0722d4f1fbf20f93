// `npm run chain-cost`: what chains of isolates take of time and money, computed of measured rates, into docs/results/chain-cost.json.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CHUNKS } from '../src/graph/chain-memory.ts'
import { readConfig } from '../src/env.ts'
import type { StageCount } from '../src/packing/plan-stages.ts'
import { billOf, timesOf, tokenOnOneThread, type Rates, type Scene } from './lib/chain-cost.ts'
import { CHAIN_COST_FILE, type ChainCostModel, type ChainCostResult } from './lib/chain-cost-result.ts'
import { linksOf, wholeOf } from './lib/chain-links.ts'
import { CHAIN_FILE, type ChainResult } from './lib/chain-result.ts'
import { CONFIGS, planned, TITLES, type ChainModelName } from './lib/chain-models.ts'
import { measuredRates } from './lib/chain-rates.ts'
import { compactJson } from './lib/results.ts'

/** Of the platform, between objects in one place: taken, not measured. */
const PLATFORM_HOP_MS = 1

/** A session ends 2 s after its last call, and who looks after it does so once a second (src/chain/link.ts). */
const AWAKE_AFTER = 3

/** Without stages: a lane's last look for what is to be written. */
const AWAKE_ALONE = 0.25

/** Each model, and of how many scripts its chain is. */
const CASES: [ChainModelName, StageCount][] = [
  ['smollm2-135m', 'auto'],
  ['smollm2-135m', 2],
  ...Object.keys(CONFIGS)
    .slice(1)
    .map((name): [ChainModelName, StageCount] => [name as ChainModelName, 'auto']),
]

function readHops(): ChainCostResult['hops'] {
  const { hops } = JSON.parse(readFileSync(CHAIN_FILE, 'utf8')) as ChainResult
  return { one: hops.one, two: hops.two }
}

function costOf(
  name: ChainModelName,
  stages: StageCount,
  rates: Rates,
  scene: Scene,
  hops: ChainCostResult['hops'],
): ChainCostModel {
  const { spec, tensors, bytes } = planned(CONFIGS[name])
  const chain = linksOf(wholeOf(spec, tensors, bytes), stages)
  const times = timesOf(chain, rates, scene)
  const awakeAfter = chain.links.length === 1 ? AWAKE_ALONE : scene.awakeAfter
  return {
    name,
    title: TITLES[name],
    isServed: chain.isServed,
    weightBytes: chain.weightBytes,
    mostBytes: chain.mostBytes,
    times,
    bill: billOf(chain, times, { ...scene, awakeAfter }),
    here: 1 / timesOf(chain, rates, { ...scene, hopMs: hops.two }).token,
    oneProcess: 1 / tokenOnOneThread(chain, rates, { ...scene, prompt: 64, answer: 32, hopMs: hops.one }),
  }
}

function main(): void {
  const { lane } = readConfig({})
  const scene: Scene = {
    prompt: 512,
    answer: 256,
    hopMs: PLATFORM_HOP_MS,
    chunk: 32,
    calls: CHUNKS,
    awakeAfter: AWAKE_AFTER,
    kept: lane.lifetimes.pages / 1e3,
    workerMs: { request: 5, token: 0.1 },
    turns: 4,
  }
  const { rates, commit, cpu } = measuredRates()
  const hops = readHops()
  const models = CASES.map(([name, stages]) => costOf(name, stages, rates, scene, hops))
  for (const { title, times, bill } of models)
    console.log(
      `${title}: ${times.isolates} isolates, ${(1 / times.token).toFixed(1)} tokens a second, $${bill.total.toFixed(2)}`,
    )
  const result: ChainCostResult = { rates, cpu, commit, hops, scene, models }
  writeFileSync(CHAIN_COST_FILE, `${compactJson(rounded(result))}\n`)
}

/** Six digits of each number: the same file on every machine. */
function rounded(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, part: unknown) =>
      typeof part === 'number' && !Number.isInteger(part) ? Number(part.toPrecision(6)) : part,
    ),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
