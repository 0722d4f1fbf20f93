// A chart for each goal is chosen here from the results; chart.ts draws it.

import { fastestBuild, passes } from '../../bench/kernels/summary.ts'
import { GOALS, type Goal, type GoalId } from '../../bench/lib/goals.ts'
import { peersOf } from '../../bench/lib/measures.ts'
import { caseName, parseCase } from '../../bench/lib/cases.ts'
import {
  LLAMA_VARIANTS,
  type GemmaResult,
  type LlamaVariant,
  type SessionsResult,
} from '../../bench/lib/result-types.ts'
import { median } from '../../bench/lib/results.ts'
import { best, caseNames, speed, speeds, variantNames, type Run } from '../../bench/lib/rounds.ts'
import type { Results } from './bench-results.ts'
import { caseText } from './bench-words.ts'
import type { Bar, Chart, Mark } from './chart.ts'
import { gapChart, longestChart, promptChart } from './gap-charts.ts'

const TOKENS = 'tokens a second'

const LLAMA_NAMES: Record<LlamaVariant, string> = { same: 'llama.cpp, Q4_1', q4_0: 'llama.cpp, Q4_0' }

const HOST_NAMES: Record<string, string> = {
  node: 'Node',
  chromium: 'Chromium',
  workerd: 'workerd, over HTTP',
}

/** The chart of a goal, or undefined while nothing was measured for it. */
export function goalChart(id: GoalId, results: Results): Chart | undefined {
  const drawn = DRAWN[id](results)
  return drawn === undefined ? undefined : { title: GOALS[id].title, ...drawn }
}

type Drawn = Omit<Chart, 'title'> | undefined

const DRAWN: Record<GoalId, (results: Results) => Drawn> = {
  'decode-256-same': (results) => beside('decode-256-same', results, ['decode:64@256'], ['same']),
  'decode-256-best': (results) => beside('decode-256-best', results, ['decode:64@256'], LLAMA_VARIANTS),
  'decode-1024-best': (results) => beside('decode-1024-best', results, ['decode:64@1024'], LLAMA_VARIANTS),
  'prefill-same': (results) => beside('prefill-same', results, ['prefill:256', 'prefill:1024'], ['same']),
  'prefill-256-best': (results) => beside('prefill-256-best', results, ['prefill:256'], LLAMA_VARIANTS),
  'prefill-1024-best': (results) => beside('prefill-1024-best', results, ['prefill:1024'], LLAMA_VARIANTS),
  wllama: ({ peers }) =>
    peers && {
      unit: TOKENS,
      digits: 1,
      groups: caseNames(peers.runs).map((name) => {
        const others = [...peersOf(peers.runs)].flatMap(([peer, variants]) => {
          const found = best(peers.runs, variants, name)
          return found === undefined ? [] : [{ peer, ...found }]
        })
        const fastest = Math.max(...others.map(({ speed }) => speed))
        return {
          label: caseText(name),
          bars: [
            ours(peers.runs, name, 'Islet', wanted('wllama', fastest)),
            ...others.map(({ peer, variant }) => other(peers.runs, variant, name, peer)),
          ],
        }
      }),
    },
  window: ({ window }) => {
    if (window === undefined) return undefined
    const { near, far, tokens } = window
    const rates = (seconds: readonly number[]): number[] => seconds.map((one) => tokens / one)
    const marks = wanted('window', 1 / median(near.seconds.map((one) => one / tokens)))
    const bars: Bar[] = [
      { label: `after ${far.position} tokens`, values: rates(far.seconds), tone: 'ours', marks },
      { label: `after ${near.position} tokens`, values: rates(near.seconds), tone: 'other' },
    ]
    return { unit: TOKENS, digits: 1, groups: [{ label: '', bars }] }
  },
  sessions: ({ sessions }) => sessions && sessionsChart(sessions, 4, 'sessions', 1),
  'sessions-4': ({ sessions }) => sessions && sessionsChart(sessions, 4, 'sessions-4'),
  'sessions-8': ({ sessions }) => sessions && sessionsChart(sessions, 8, 'sessions-8'),
  'sessions-16': ({ sessions }) => sessions && sessionsChart(sessions, 16, 'sessions-16'),
  gap: ({ gaps }) => gaps && gapChart(gaps),
  'gap-longest': ({ gaps }) => gaps && longestChart(gaps),
  'gap-prompt': ({ gaps }) => gaps && promptChart(gaps),
  'gemma-decode': ({ gemma }) => gemma && gemmaChart(gemma, 'gemma-decode', 'decode:64@256'),
  'gemma-prefill': ({ gemma }) => gemma && gemmaChart(gemma, 'gemma-prefill', 'prefill:256'),
  hosts: ({ hosts }) =>
    hosts && {
      unit: TOKENS,
      digits: 1,
      groups: caseNames(hosts.runs).map((name) => {
        const bars = variantNames(hosts.runs).map((variant): Bar => {
          const values = speeds(hosts.runs, variant, name)
          return { label: HOST_NAMES[variant] ?? variant, values, tone: 'ours' }
        })
        const fastest = Math.max(...bars.map(({ values }) => median(values)))
        const marks: Mark[] = [{ at: fastest / GOALS.hosts.goal, kind: 'goal' }]
        return { label: caseText(name), bars: bars.map((bar) => ({ ...bar, marks })) }
      }),
    },
  kernels: ({ kernels }) =>
    kernels && {
      unit: '% of the time that the kernel takes, matrices of SmolLM2-135M',
      digits: 0,
      groups: passes(kernels.checked)
        .filter(({ model, build }) => model === 'SmolLM2-135M' && build === fastestBuild(kernels.checked))
        .map(({ kernel, tokens, pass }) => ({
          label: `${kernel}, ${tokens} tokens`.replace(/\b1 tokens/, '1 token'),
          bars: [
            { label: 'loading alone', values: [pass.ofLoad * 100], tone: 'ours' },
            { label: 'dots alone', values: [pass.ofDots * 100], tone: 'other' },
          ],
        })),
    },
  memory: ({ memory }) => {
    if (memory === undefined) return undefined
    const { heap, linear, peak, limit, largest } = memory
    const megabytes = (bytes: number): number[] => [bytes / 1e6]
    const split: Bar[] = [
      { label: 'linear memory', values: megabytes(linear), tone: 'other' },
      { label: 'JavaScript heap', values: megabytes(heap.usedSize), tone: 'other' },
      { label: "the host's objects", values: megabytes(heap.embedderHeapUsedSize), tone: 'other' },
      { label: 'array buffers', values: megabytes(heap.backingStorageSize), tone: 'other' },
      {
        label: 'the isolate at its peak',
        values: megabytes(peak),
        tone: 'ours',
        marks: [
          { at: GOALS.memory.goal, kind: 'goal' },
          { at: limit / 1e6, kind: 'limit' },
        ],
      },
    ]
    const tried = (largest?.tried ?? []).toSorted((a, b) => a.window - b.window)
    const windows = tried.flatMap(({ window, peak: reached }): Bar[] =>
      reached === undefined
        ? []
        : [
            {
              label: `WINDOW ${window}`,
              values: megabytes(reached),
              tone: window === largest?.window ? 'ours' : 'other',
              marks: [{ at: limit / 1e6, kind: 'limit' }],
            },
          ],
    )
    return {
      unit: 'MB (10^6 bytes)',
      digits: 1,
      groups: [
        { label: `WINDOW ${memory.window}`, bars: split },
        ...(windows.length > 0 ? [{ label: 'peaks of other windows', bars: windows }] : []),
      ],
    }
  },
  persist: ({ persist }) => {
    if (persist === undefined) return undefined
    const { stored, unstored, tokens } = persist
    const rates = (turns: typeof stored): number[] => turns.map(({ seconds }) => tokens / seconds)
    const marks: Mark[] = [{ at: median(rates(unstored)) / GOALS.persist.goal, kind: 'goal' }]
    const bars: Bar[] = [
      { label: 'stored', values: rates(stored), tone: 'ours', marks },
      { label: 'not stored', values: rates(unstored), tone: 'other' },
    ]
    return { unit: TOKENS, digits: 1, groups: [{ label: '', bars }] }
  },
  restore: ({ persist }) => {
    if (persist === undefined) return undefined
    const { prefill, restored } = persist.restore
    const first = (turns: typeof prefill): number[] => turns.map(({ firstToken }) => firstToken * 1e3)
    const inside = restored.map(({ use }) => use.findMs + use.restoreMs)
    const marks: Mark[] = [{ at: median(first(prefill)) / GOALS.restore.goal, kind: 'goal' }]
    const bars: Bar[] = [
      { label: 'the restore itself', values: inside, tone: 'ours', marks },
      { label: 'first token, restored', values: first(restored), tone: 'ours' },
      { label: 'first token, prefilled', values: first(prefill), tone: 'other' },
    ]
    return { unit: 'milliseconds', digits: 1, groups: [{ label: '', bars }] }
  },
  cold: ({ cold }) => {
    if (cold === undefined) return undefined
    const { firstToken, streaming } = cold
    const marks: Mark[] = [{ at: GOALS.cold.goal * median(streaming), kind: 'goal' }]
    const bars: Bar[] = [
      { label: 'first token', values: firstToken, tone: 'ours', marks },
      { label: 'streaming alone', values: streaming, tone: 'other' },
    ]
    return { unit: 'seconds', digits: 3, groups: [{ label: '', bars }] }
  },
  'cold-slow': ({ 'cold-slow': slow }) => {
    if (slow === undefined) return undefined
    const marks = wanted('cold-slow', median(slow.streaming))
    const bars: Bar[] = [
      { label: 'first token', values: slow.firstToken, tone: 'ours', marks },
      { label: 'streaming alone', values: slow.streaming, tone: 'other' },
    ]
    return { unit: 'seconds', digits: 3, groups: [{ label: '', bars }] }
  },
}

/** Ours with the goal's marks, above llama.cpp's variants, for each case that was run. */
function beside(
  id: GoalId,
  { speed: result }: Results,
  cases: readonly string[],
  against: readonly LlamaVariant[],
): Drawn {
  const present = result === undefined ? [] : cases.filter((name) => caseNames(result.runs).includes(name))
  if (result === undefined || present.length === 0) return undefined
  const groups = present.map((name) => ({
    label: caseText(name),
    bars: [
      ours(result.runs, name, 'Islet', wanted(id, best(result.runs, against, name)?.speed)),
      ...against.map((variant) => other(result.runs, variant, name, LLAMA_NAMES[variant])),
    ],
  }))
  return { unit: TOKENS, digits: 1, groups }
}

function gemmaChart({ runs }: GemmaResult, id: GoalId, name: string): Drawn {
  const marks = wanted(id, speed(runs, 'same', name))
  const bars = [ours(runs, name, 'Islet', marks), other(runs, 'same', name, 'llama.cpp, the same file')]
  return { unit: TOKENS, digits: 1, groups: [{ label: '', bars }] }
}

/** Sessions together beside llama.cpp's `others` sequences. */
function sessionsChart({ runs }: SessionsResult, count: number, id: GoalId, others = count): Drawn {
  const name = caseNames(runs).find((each) => parseCase(each).sequences === count)!
  const beside = caseName({ ...parseCase(name), sequences: others })
  const marks = wanted(id, best(runs, LLAMA_VARIANTS, beside)?.speed)
  const bars = [
    ours(runs, name, `Islet, ${count} sessions`, marks),
    ...LLAMA_VARIANTS.map((variant) => other(runs, variant, beside, LLAMA_NAMES[variant])),
  ]
  return { unit: TOKENS, digits: 1, groups: [{ label: '', bars }] }
}

function ours(runs: readonly Run[], name: string, label: string, marks: readonly Mark[]): Bar {
  return { label, values: speeds(runs, 'ours', name), tone: 'ours', marks }
}

function other(runs: readonly Run[], variant: string, name: string, label: string): Bar {
  return { label, values: speeds(runs, variant, name), tone: 'other' }
}

/** Where ours must end, given what it is compared with. */
function wanted(id: GoalId, against: number | undefined): Mark[] {
  const { goal, stretch }: Goal = GOALS[id]
  if (against === undefined) return []
  return [
    ...(goal === undefined ? [] : [{ at: goal * against, kind: 'goal' as const }]),
    ...(stretch === undefined ? [] : [{ at: stretch * against, kind: 'stretch' as const }]),
  ]
}
