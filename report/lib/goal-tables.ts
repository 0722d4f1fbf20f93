// The goals in Markdown: one table of all, and for each goal a section of table, chart and provenance. What was missed is
// shown like what was met.

import { fastestBuild, passes, type Pass } from '../../bench/kernels/summary.ts'
import { GOALS, inUnit, verdict, type Goal, type GoalId, type Measure } from '../../bench/lib/goals.ts'
import {
  coldMeasures,
  gapsMeasures,
  gemmaMeasures,
  hostsMeasures,
  memoryMeasures,
  peersMeasures,
  persistMeasures,
  sessionsMeasures,
  slowMeasures,
  speedMeasures,
  windowMeasures,
} from '../../bench/lib/measures.ts'
import type { KernelsResult, LlamaAbout, Mode } from '../../bench/lib/result-types.ts'
import { howToMeasure, provenance, type Results } from './bench-results.ts'
import { caseText } from './bench-words.ts'
import { describeChart } from './chart.ts'
import { gapsText } from './gap-charts.ts'
import { goalChart } from './goal-charts.ts'
import { persistTable, RESTORES, restoreTable, SAVES } from './persist-tables.ts'
import { table } from '../../tools/markdown.ts'

/** Which benchmark measures a goal. */
const MODES: Record<GoalId, Mode> = {
  'decode-256-same': 'speed',
  'decode-256-best': 'speed',
  'decode-1024-best': 'speed',
  'prefill-same': 'speed',
  'prefill-256-best': 'speed',
  'prefill-1024-best': 'speed',
  wllama: 'peers',
  window: 'window',
  sessions: 'sessions',
  'sessions-4': 'sessions',
  'sessions-8': 'sessions',
  'sessions-16': 'sessions',
  gap: 'gaps',
  'gap-longest': 'gaps',
  'gap-prompt': 'gaps',
  'gemma-decode': 'gemma',
  'gemma-prefill': 'gemma',
  hosts: 'hosts',
  kernels: 'kernels',
  memory: 'memory',
  persist: 'persist',
  restore: 'persist',
  cold: 'cold',
  'cold-slow': 'cold-slow',
}

export const GOAL_IDS = Object.keys(GOALS) as GoalId[]

/** Where a chart lies, from docs/. */
export function chartFile(id: GoalId): string {
  return `charts/${id}.svg`
}

/** All goals, a row each; with several numbers the worst decides. */
export function goalsTable(results: Results): string {
  const rows = GOAL_IDS.map((id) => {
    const { what, against }: Goal = GOALS[id]
    const measures = measuresOf(id, results)
    const values = [...new Set(measures.map(({ value }) => inUnit(id, value)))].join(', ')
    return [what, against, ...wanted(id), values === '' ? '-' : values, overall(id, measures, results)]
  })
  return table(['what', 'against', 'goal', 'stretch', 'measured', ''], rows, 2)
}

/** The section of one goal. */
export function goalSection(id: GoalId, results: Results): string {
  const mode = MODES[id]
  const result = results[mode]
  const chart = goalChart(id, results)
  if (result === undefined || chart === undefined) return howToMeasure(mode)
  const { what, against }: Goal = GOALS[id]
  const rows = measuresOf(id, results).map((measure) => [
    labelText(measure),
    ...wanted(id),
    inUnit(id, measure.value),
    strong(verdict(measure)),
  ])
  return [
    `${capital(what)}, against ${against}.`,
    ...(rows.length > 0 ? [table([GOALS[id].title, 'goal', 'stretch', 'measured', ''], rows)] : []),
    ...(EXTRA[id]?.(results) ?? []),
    `![${describeChart(chart)}](${chartFile(id)})`,
    provenance(result, mode !== 'memory'),
  ].join('\n\n')
}

/** What a goal's section says beside its numbers. */
const EXTRA: Partial<Record<GoalId, (results: Results) => string[]>> = {
  'decode-256-same': ({ speed }) => (speed === undefined ? [] : [llamaText(speed.llama)]),
  wllama: ({ peers }) => [
    `Each wllama with flash attention and without, whichever was faster in the case; ${peers?.chromium}. Ours goes through HTTP in workerd.`,
  ],
  window: ({ window }) => [
    `${window?.near.seconds.length} pairs of ${window?.tokens} tokens each, in one Durable Object whose KV pool holds both sequences (bench/engine-worker): the worker's own pool holds one full window.`,
  ],
  sessions: ({ sessions }) => [
    `Of a worker whose KV pool holds 16 of them, for measuring only: ${((sessions?.linearMemoryBytes ?? 0) / 1e6).toFixed(1)} MB of linear memory. Time runs from the first token of whoever is first to the last token of whoever is last.`,
  ],
  gap: ({ gaps }) => (gaps === undefined ? [] : [gapsText(gaps)]),
  'gemma-decode': ({ gemma }) => [
    `Ours in Node ${gemma?.node}, one thread; llama.cpp ${gemma?.llama.release}, one thread, flash attention, KV f16.`,
  ],
  hosts: ({ hosts }) => [
    `${hosts?.chromium}. Node and Chromium run the engine by hand, workerd the whole worker over HTTP. The float32 logits of all ${Object.keys(hosts?.logitsSha256 ?? {}).length} have one SHA-256: ${[...new Set(Object.values(hosts?.logitsSha256 ?? {}))].map((hash) => `\`${hash.slice(0, 16)}\``).join(', ')}.`,
  ],
  kernels: ({ kernels }) => (kernels === undefined ? [] : [kernelsTable(kernels)]),
  persist: ({ persist }) => (persist === undefined ? [] : [persistTable(persist), SAVES]),
  restore: ({ persist }) => (persist === undefined ? [] : [restoreTable(persist), RESTORES]),
  memory: ({ memory }) => {
    const { largest, limit } = memory ?? {}
    if (largest === undefined || limit === undefined) return []
    return [
      `The largest window whose measured peak stays within ${limit / 1e6} MB, in steps of 64: **${largest.window}**.`,
    ]
  },
}

function measuresOf(id: GoalId, results: Results): Measure[] {
  const {
    speed,
    peers,
    window,
    sessions,
    hosts,
    memory,
    persist,
    cold,
    gaps,
    gemma,
    'cold-slow': slow,
  } = results
  const all = [
    ...(speed === undefined ? [] : speedMeasures(speed)),
    ...(peers === undefined ? [] : peersMeasures(peers)),
    ...(window === undefined ? [] : windowMeasures(window)),
    ...(sessions === undefined ? [] : sessionsMeasures(sessions)),
    ...(gemma === undefined ? [] : gemmaMeasures(gemma)),
    ...(hosts === undefined ? [] : hostsMeasures(hosts)),
    ...(memory === undefined ? [] : memoryMeasures(memory)),
    ...(persist === undefined ? [] : persistMeasures(persist)),
    ...(cold === undefined ? [] : coldMeasures(cold)),
    ...(gaps === undefined ? [] : gapsMeasures(gaps)),
    ...(slow === undefined ? [] : slowMeasures(slow)),
  ]
  return all.filter(({ goal }) => goal === id)
}

function overall(id: GoalId, measures: readonly Measure[], results: Results): string {
  if (results[MODES[id]] === undefined) return 'not measured'
  if (measures.length === 0) return 'reported below'
  const found = measures.map(verdict)
  return strong(
    (['not met', 'met', 'stretch goal met'] as const).find((one) => found.includes(one)) ?? 'reported',
  )
}

function wanted(id: GoalId): string[] {
  const { goal, stretch, sense }: Goal = GOALS[id]
  const words = (value: number | undefined): string =>
    value === undefined ? '-' : `${sense} ${inUnit(id, value)}`
  return [words(goal), words(stretch)]
}

function strong(words: string): string {
  return words === 'not met' ? '**not met**' : words
}

/** `decode:64@256, wllama 2.4.0` with its case in words. */
function labelText({ label }: Measure): string {
  return label.replace(/\b(?:prefill|decode):[\d@]+/, caseText)
}

/** How llama.cpp was run. */
export function llamaText({ release, backend, threads, kv, files }: LlamaAbout): string {
  const tensors = Object.entries(files.q4_0.tensors).map(([type, count]) => `${count} ${type}`)
  return [
    `llama.cpp ${release} (${backend}), ${threads?.[0]} thread, flash attention, KV ${kv}: on the file that our model was packed from, and on that file`,
    `requantised to Q4_0 by itself (${tensors.join(', ')}). Ours goes through HTTP, the router, the lane and the stream; llama.cpp is called in its own process.`,
  ].join('\n')
}

function kernelsTable({ checked, trapped }: KernelsResult): string {
  const chosen = fastestBuild(checked)
  const [all, guarded] = [passes(checked), passes(trapped)]
  const time = (from: readonly Pass[], { kernel, model }: Pass, build: string): string => {
    const found = from.find((one) => one.kernel === kernel && one.model === model && one.build === build)
    return found === undefined ? '-' : milliseconds(found.pass.seconds)
  }
  const others = [...new Set(all.map(({ build }) => build))].filter((build) => build !== chosen)
  const rows = all
    .filter(({ build }) => build === chosen)
    .map((one) => [
      one.kernel,
      one.model,
      String(one.tokens),
      milliseconds(one.pass.seconds),
      one.pass.gmacs.toFixed(1),
      one.pass.gigabytes.toFixed(1),
      `${(one.pass.ofLoad * 100).toFixed(0)} %`,
      `${(one.pass.ofDots * 100).toFixed(0)} %`,
      time(guarded, one, chosen),
      ...others.map((build) => time(all, one, build)),
    ])
  const names = ['kernel', 'model', 'tokens', 'ms', 'GMAC/s', 'GB/s', 'loading', 'dots', 'ms, guard pages']
  return [
    table([...names, ...others.map((build) => `ms, ${build}`)], rows, 2),
    '',
    `The build called ${chosen}, which is the faster one here. Milliseconds for every matrix of the model once, as if all were of the kernel's kind,`,
    'with bounds checked in code as in workerd; at the right by guard pages as in Node. Loading and dots: the part of that time which loading',
    'the same bytes takes with nothing computed, and as many dots with nothing loaded. Weights come from memory, not from a cache.',
  ].join('\n')
}

function milliseconds(seconds: number): string {
  return (seconds * 1e3).toFixed(2)
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}
