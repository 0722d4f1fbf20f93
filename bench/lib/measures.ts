// The numbers that the goals ask for, out of the raw values of a result.

import { caseName, parseCase } from './cases.ts'
import type { GoalId, Measure } from './goals.ts'
import {
  FLASH,
  LLAMA_VARIANTS,
  type ColdResult,
  type GapsResult,
  type GemmaResult,
  type HostsResult,
  type MemoryResult,
  type PeersResult,
  type PersistResult,
  type SessionsResult,
  type SlowResult,
  type SpeedResult,
  type WindowResult,
} from './result-types.ts'
import { median } from './results.ts'
import { best, caseNames, speed, variantNames, type Run } from './rounds.ts'

/** Where a case of the speed mode counts; cases that are not here are measured for their own sake. */
const SPEED_GOALS: Record<string, { same?: GoalId; best?: GoalId }> = {
  'prefill:256': { same: 'prefill-same', best: 'prefill-256-best' },
  'prefill:1024': { same: 'prefill-same', best: 'prefill-1024-best' },
  'decode:64@256': { same: 'decode-256-same', best: 'decode-256-best' },
  'decode:64@1024': { best: 'decode-1024-best' },
}

/** By sessions. */
const BATCH_GOALS: Partial<Record<number, GoalId>> = { 4: 'sessions-4', 8: 'sessions-8', 16: 'sessions-16' }

export function speedMeasures({ runs }: Pick<SpeedResult, 'runs'>): Measure[] {
  return Object.entries(SPEED_GOALS).flatMap(([name, goals]) => {
    const ours = speed(runs, 'ours', name)
    if (ours === undefined) return []
    return [
      ...measure(goals.same, name, ours, speed(runs, 'same', name)),
      ...measure(goals.best, name, ours, best(runs, LLAMA_VARIANTS, name)?.speed),
    ]
  })
}

/** Against each version at its better setting, case by case. */
export function peersMeasures({ runs }: Pick<PeersResult, 'runs'>): Measure[] {
  return caseNames(runs).flatMap((name) =>
    [...peersOf(runs)].flatMap(([peer, variants]) =>
      measure('wllama', `${name}, ${peer}`, speed(runs, 'ours', name), best(runs, variants, name)?.speed),
    ),
  )
}

/** The settings of each wllama, as variants. */
export function peersOf(runs: readonly Run[]): Map<string, string[]> {
  const others = variantNames(runs).filter((variant) => variant !== 'ours')
  return Map.groupBy(others, (variant) => variant.replace(FLASH, ''))
}

/** Speed far in over speed near the start: the pairs' medians. */
export function windowMeasures({ near, far }: Pick<WindowResult, 'near' | 'far'>): Measure[] {
  return measure('window', 'decode', 1 / median(far.seconds), 1 / median(near.seconds))
}

/** Four sessions beside a single decode, and each number of sessions beside a batch of as many sequences. */
export function sessionsMeasures({ runs }: Pick<SessionsResult, 'runs'>): Measure[] {
  return caseNames(runs.filter(({ variant }) => variant === 'ours')).flatMap((name) => {
    const { sequences, ...one } = parseCase(name)
    const ours = speed(runs, 'ours', name)
    const label = `${sequences} sessions`
    const single = best(runs, LLAMA_VARIANTS, caseName(one))?.speed
    return [
      ...measure(sequences === 4 ? 'sessions' : undefined, label, ours, single),
      ...measure(BATCH_GOALS[sequences ?? 1], label, ours, best(runs, LLAMA_VARIANTS, name)?.speed),
    ]
  })
}

export function gemmaMeasures({ runs }: Pick<GemmaResult, 'runs'>): Measure[] {
  return caseNames(runs).flatMap((name) => {
    const goal = parseCase(name).decode === 0 ? 'gemma-prefill' : 'gemma-decode'
    return measure(goal, name, speed(runs, 'ours', name), speed(runs, 'same', name))
  })
}

export function hostsMeasures({ runs }: Pick<HostsResult, 'runs'>): Measure[] {
  return caseNames(runs).flatMap((name) => {
    const all = variantNames(runs).flatMap((variant) => speed(runs, variant, name) ?? [])
    return measure('hosts', name, Math.max(...all), Math.min(...all))
  })
}

export function memoryMeasures({
  window,
  peak,
  featured,
}: Pick<MemoryResult, 'window' | 'peak' | 'featured'>): Measure[] {
  if (window !== 1024) return []
  return [
    { goal: 'memory', label: 'peak', value: peak / 1e6 },
    { goal: 'memory', label: 'peak with log probabilities, a schema and tools', value: featured.peak / 1e6 },
  ]
}

export function coldMeasures({
  firstToken,
  streaming,
}: Pick<ColdResult, 'firstToken' | 'streaming'>): Measure[] {
  return measure('cold', 'first token', median(firstToken), median(streaming))
}

export function slowMeasures({
  firstToken,
  streaming,
}: Pick<SlowResult, 'firstToken' | 'streaming'>): Measure[] {
  return measure('cold-slow', 'first token', median(firstToken), median(streaming))
}

/** Time with storing over time without: the median of the pairs' ratios by the clock, and by what was counted inside saves. */
export function persistMeasures({
  stored,
  unstored,
  restore: { prefill, restored },
}: Pick<PersistResult, 'stored' | 'unstored' | 'restore'>): Measure[] {
  const pairs = stored.map(({ seconds }, pair) => seconds / unstored[pair].seconds)
  const first = ({ firstToken }: { firstToken: number }): number => firstToken
  const saving = stored.map(({ use, seconds }) => 1 + use.saveMs / 1e3 / seconds)
  const inside = restored.map(({ use }) => (use.findMs + use.restoreMs) / 1e3)
  return [
    ...measure('persist', 'by the clock', median(pairs), 1),
    ...measure('persist', 'by the time inside saves', median(saving), 1),
    ...measure('restore', 'the restore itself', median(prefill.map(first)), median(inside)),
  ]
}

/** By case: the median gap and the longest, of the visits' the median; the prompt's time beside over its time alone. */
export function gapsMeasures({ cases }: Pick<GapsResult, 'cases'>): Measure[] {
  return cases.flatMap(({ keys, visits }): Measure[] => {
    if (visits.length === 0) return []
    const label = keys === 1 ? 'one key' : 'a key each'
    const longest = visits.map(({ gaps }) => Math.max(...gaps))
    const beside = median(visits.map((visit) => visit.beside))
    return [
      { goal: 'gap', label, value: median(visits.flatMap(({ gaps }) => gaps)) * 1e3 },
      { goal: 'gap-longest', label, value: median(longest) * 1e3 },
      ...measure('gap-prompt', label, beside, median(visits.map(({ alone }) => alone))),
    ]
  })
}

function measure(
  goal: GoalId | undefined,
  label: string,
  value: number | undefined,
  against: number | undefined,
): Measure[] {
  if (goal === undefined || value === undefined || against === undefined) return []
  return [{ goal, label, value: value / against }]
}
