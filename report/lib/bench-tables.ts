// The blocks and charts of the documents that come out of bench/results/*.json, which `npm run bench` writes. A result
// that is not there says how to get it.

import { GOALS } from '../../bench/lib/goals.ts'
import {
  LLAMA_VARIANTS,
  type ColdResult,
  type MemoryResult,
  type PersistResult,
  type SpeedResult,
  type WarmResult,
} from '../../bench/lib/result-types.ts'
import { median, type Result } from '../../bench/lib/results.ts'
import { best, caseNames, speed } from '../../bench/lib/rounds.ts'
import { howToMeasure, provenance, readResults } from './bench-results.ts'
import { caseText } from './bench-words.ts'
import { renderChart } from './chart.ts'
import { costTable, turnCostTable } from './cost.ts'
import { goalChart } from './goal-charts.ts'
import { chartFile, GOAL_IDS, goalSection, goalsTable, llamaText } from './goal-tables.ts'
import { table } from '../../tools/markdown.ts'

/** Block by name, out of the results in `folder`. */
export function benchBlocks(folder: string): [name: string, text: string][] {
  const results = readResults(folder)
  const block = <T extends Result>(
    result: T | undefined,
    mode: Parameters<typeof howToMeasure>[0],
    words: (result: T) => string,
  ): string =>
    result === undefined ? howToMeasure(mode) : `${words(result)}\n\n${provenance(result, mode !== 'memory')}`
  return [
    ['goals', goalsTable(results)],
    ...GOAL_IDS.map((id): [string, string] => [`goal-${id}`, goalSection(id, results)]),
    ['speed', block(results.speed, 'speed', speedTable)],
    ['cost', block(results.speed, 'speed', (measured) => costTable(measured, results.sessions))],
    ['turn-cost', block(results.persist, 'persist', (measured) => turnCosts(measured, results.cold))],
    ['warm', block(results.warm, 'warm', warmTable)],
    ['measured-memory', block(results.memory, 'memory', memoryTable)],
  ]
}

/** Charts by their path from docs/: of the goals that were measured. */
export function benchCharts(folder: string): [path: string, svg: string][] {
  const results = readResults(folder)
  return GOAL_IDS.flatMap((id) => {
    const chart = goalChart(id, results)
    return chart === undefined ? [] : [[chartFile(id), renderChart(chart)]]
  })
}

function turnCosts(persist: PersistResult, cold: ColdResult | undefined): string {
  return cold === undefined ? howToMeasure('cold') : turnCostTable(persist, cold)
}

function speedTable({ runs, llama, model }: SpeedResult): string {
  const cells = caseNames(runs).map((name) => {
    const [ours, same] = [speed(runs, 'ours', name), speed(runs, 'same', name)]
    const fastest = best(runs, LLAMA_VARIANTS, name)?.speed
    return [
      caseText(name),
      number(ours, 1),
      number(same, 1),
      number(fastest, 1),
      number(ours !== undefined && same !== undefined ? ours / same : undefined, 2),
      number(ours !== undefined && fastest !== undefined ? ours / fastest : undefined, 2),
    ]
  })
  const header = [
    `tokens a second, ${model}`,
    'Islet',
    'llama.cpp, same file',
    'its best',
    'ratio',
    'to its best',
  ]
  return `${table(header, cells)}\n\n${llamaText(llama)}`
}

function warmTable({ ratio, turns, alone }: WarmResult): string {
  const cells = [
    [
      `first token of a second turn, ${turns[0].newTokens} new tokens`,
      milliseconds(turns.map(({ seconds }) => seconds)),
    ],
    ['prefill of as many fresh tokens alone', milliseconds(alone)],
  ]
  return `${table(['milliseconds, medians', ''], cells)}\n\nRatio ${ratio.toFixed(2)}, over ${turns.length} rounds.`
}

function memoryTable({ linear, heap, peak, peaks, held, featured, limit, largest }: MemoryResult): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
  const cells = [
    ['linear memory', megabytes(linear)],
    ['JavaScript heap', megabytes(heap.usedSize)],
    ["the host's objects", megabytes(heap.embedderHeapUsedSize)],
    ['array buffers', megabytes(heap.backingStorageSize)],
    [`**the isolate at its peak**, in the worst of ${peaks.length} runs`, `**${megabytes(peak)}**`],
    ['after a collection', megabytes(linear + held)],
    ['its peak with log probabilities, a schema and tools in use', megabytes(featured.peak)],
    ['after a collection', megabytes(linear + featured.held)],
  ]
  const verdict = Math.max(peak, featured.peak) <= limit ? 'within' : '**above**'
  const most = largest === undefined ? '' : ` The largest window within it: ${largest.window}.`
  return [
    table(['measured, MB', ''], cells),
    '',
    `That is ${verdict} the limit of ${megabytes(limit)} MB, above which the benchmark fails; the goal is ${GOALS.memory.goal} MB.${most}`,
  ].join('\n')
}

function number(value: number | undefined, digits: number): string {
  return value?.toFixed(digits) ?? '-'
}

function milliseconds(seconds: readonly number[]): string {
  return (median(seconds) * 1e3).toFixed(1)
}
