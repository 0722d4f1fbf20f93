// This module words and charts what the gaps benchmark measured: tokens of an answer beside a prompt that is read.

import { GOALS, type Goal, type GoalId } from '../../bench/lib/goals.ts'
import type { GapsCase, GapsResult } from '../../bench/lib/result-types.ts'
import { median } from '../../bench/lib/results.ts'
import type { Bar, Chart, Mark } from './chart.ts'

type Drawn = Omit<Chart, 'title'>

/** What the session's tokens are apart with nothing beside them, and how often it was tried. */
export function gapsText({ cases, window, prompt, decoding }: GapsResult): string {
  const usual = median(cases.flatMap(({ visits }) => visits.flatMap((visit) => visit.usual)))
  const tries = cases.map(({ visits }) => visits.length)
  return [
    `A session decodes behind ${decoding} ids, and ${prompt.toLocaleString('en')} others are asked for: with the same key, and with another one; ${tries.join(' and ')} tries, WINDOW ${window}.`,
    `Before that its tokens are ${(usual * 1e3).toFixed(1)} ms apart.`,
  ].join('\n')
}

export function gapChart({ cases }: GapsResult): Drawn {
  const middle = ({ gaps }: { gaps: number[] }): number => median(gaps) * 1e3
  return milliseconds(cases.map((one) => bar(one, one.visits.map(middle), 'gap')))
}

export function longestChart({ cases }: GapsResult): Drawn {
  const longest = ({ gaps }: { gaps: number[] }): number => Math.max(...gaps) * 1e3
  return milliseconds(cases.map((one) => bar(one, one.visits.map(longest), 'gap-longest')))
}

export function promptChart({ cases }: GapsResult): Drawn {
  const groups = cases.map(({ keys, visits }) => {
    const alone = visits.map((visit) => visit.alone * 1e3)
    const marks: Mark[] = [{ at: GOALS['gap-prompt'].goal * median(alone), kind: 'goal' }]
    const beside = visits.map((visit) => visit.beside * 1e3)
    const bars: Bar[] = [
      { label: 'beside', values: beside, tone: 'ours', marks },
      { label: 'alone', values: alone, tone: 'other' },
    ]
    return { label: keysText(keys), bars }
  })
  return { unit: 'milliseconds', digits: 0, groups }
}

function milliseconds(bars: readonly Bar[]): Drawn {
  return { unit: 'milliseconds', digits: 1, groups: [{ label: '', bars: [...bars] }] }
}

function bar({ keys }: GapsCase, values: readonly number[], id: GoalId): Bar {
  const { goal, stretch }: Goal = GOALS[id]
  const marks: Mark[] = [
    ...(goal === undefined ? [] : [{ at: goal, kind: 'goal' as const }]),
    ...(stretch === undefined ? [] : [{ at: stretch, kind: 'stretch' as const }]),
  ]
  return { label: keysText(keys), values: [...values], tone: 'ours', marks }
}

function keysText(keys: number): string {
  return keys === 1 ? 'one key' : 'a key each'
}
