// This module makes the tables of docs/chain.md that are computed: what chains take of time and of money.

import { readFileSync } from 'node:fs'
import {
  CHAIN_COST_FILE,
  type ChainCostModel,
  type ChainCostResult,
} from '../../bench/lib/chain-cost-result.ts'
import { BILLED_GB, PRICES, PRICES_READ } from '../../bench/lib/prices.ts'
import { table } from '../../tools/markdown.ts'

/** The block `chain-cost`. */
export function chainCostBlocks(): [name: string, text: string][] {
  const result = JSON.parse(readFileSync(CHAIN_COST_FILE, 'utf8')) as ChainCostResult
  return [['chain-cost', [costBlock(result), '', 'And of money:', '', billBlock(result)].join('\n')]]
}

export function costBlock({ models, scene, hops, cpu, commit }: ChainCostResult): string {
  const rows = models.map((model) => {
    const { weightBytes, times, here } = model
    const { isolates, hops: calls, computing, token, first } = times
    return [
      nameOf(model),
      (weightBytes / 1e6).toFixed(0),
      String(isolates),
      String(calls),
      (computing * 1e3).toFixed(1),
      (1 / token).toFixed(1),
      here.toFixed(1),
      first.toFixed(1),
    ]
  })
  const header = [
    ...['', 'weights, MB', 'isolates', 'hops a token', 'computing a token, ms'],
    ...[`tokens a second, hops of ${scene.hopMs} ms`, `of ${hops.two.toFixed(1)} ms`],
    `first of ${scene.prompt}, s`,
  ]
  return [
    table(header, rows),
    '',
    `Computed, not measured, of SmolLM2's speed in one object (${cpu}, commit ${commit.slice(0, 7)}); a hop of ${hops.two.toFixed(1)} ms is as measured here between two processes.`,
    'Models with a star are those whose single layers no isolate holds: they are computed with halves of layers, which nothing serves today.',
  ].join('\n')
}

export function billBlock({ models, scene }: ChainCostResult): string {
  const { prompt, answer, turns, awakeAfter } = scene
  const rows = models.map((model) => {
    const { duration, requests, rows, storage, worker, total, alone, shared } = model.bill
    const parts = [duration, rows, storage, requests + worker, total, alone, shared]
    return [nameOf(model), String(model.times.isolates), ...parts.map(dollars)]
  })
  const header = [
    ...['', 'isolates', 'duration', 'rows', 'storage', 'requests', '$ in all'],
    ...['each turn alone', `${turns} at once`],
  ]
  const million = (price: number): string => `$${(price * 1e6).toFixed(price * 1e6 < 0.1 ? 3 : 2)}`
  return [
    table(header, rows),
    '',
    `In $ for a million tokens answered: turns of ${prompt} tokens of prompt and ${answer} of answer, one behind the other; *alone*: all objects are awake ${awakeAfter} s longer;`,
    `*${turns} at once*: as many turns share the stages. Prices as read on ${PRICES_READ}: ${million(PRICES.gigabyteSecond)} for a million GB-s, at ${BILLED_GB * 1e3} MB an object; rows ${million(PRICES.rowWritten)} a million`,
    `written, ${million(PRICES.rowRead)} read; storage $${PRICES.gigabyteMonth.toFixed(2)} a GB-month; requests ${million(PRICES.workerRequest)} a million to the Worker, ${million(PRICES.objectRequest)} to an object, and ${million(PRICES.workerCpuMs)} a million ms of a Worker's CPU.`,
  ].join('\n')
}

function nameOf({ title, isServed, times }: ChainCostModel): string {
  return `${title}${isServed ? '' : '*'}${times.isolates === 1 ? ', in one isolate' : ''}`
}

function dollars(amount: number): string {
  return amount.toFixed(amount < 0.1 ? 3 : 2)
}
