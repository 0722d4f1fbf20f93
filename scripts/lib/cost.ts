// What a million tokens cost on the platform, from measured speed and its price for the time an object is awake.

import { LLAMA_VARIANTS, type SessionsResult, type SpeedResult } from '../../bench/lib/result-types.ts'
import { caseNames, speed } from '../../bench/lib/rounds.ts'
import { caseText } from './bench-words.ts'
import { table } from './markdown.ts'

/** A Durable Object is billed for wall-clock time at this size, whatever it uses, and at this price a GB-s. */
const BILLED_GB = 0.128
const DOLLARS_PER_GB_SECOND = 12.5 / 1e6

/** $ for a million tokens at this many tokens a second. */
export function dollarsPerMillion(tokensPerSecond: number): number {
  return (1e6 / tokensPerSecond) * BILLED_GB * DOLLARS_PER_GB_SECOND
}

/** A row for each case of the speed benchmark, and one for sessions that share an object where that was measured. */
export function costTable({ runs }: SpeedResult, sessions: SessionsResult | undefined): string {
  const cases = caseNames(runs).flatMap((name) => row(caseText(name), speed(runs, 'ours', name)))
  const together = caseNames(sessions?.runs.filter(({ variant }) => !isLlama(variant)) ?? []).flatMap(
    (name) =>
      row(`decode, ${sessions?.sessions} sessions together`, speed(sessions?.runs ?? [], 'ours', name)),
  )
  return [
    table(['', 'tokens a second', '$ for a million tokens'], [...cases, ...together]),
    '',
    `An object is billed for the time that it is awake, at ${BILLED_GB * 1e3} MB whatever it uses: $${(DOLLARS_PER_GB_SECOND * 1e6).toFixed(2)} for a million GB-s.`,
    "Requests and stored rows come on top, and the platform's machines are not this one.",
  ].join('\n')
}

function row(label: string, tokensPerSecond: number | undefined): string[][] {
  if (tokensPerSecond === undefined) return []
  return [[label, tokensPerSecond.toFixed(1), dollarsPerMillion(tokensPerSecond).toFixed(4)]]
}

function isLlama(variant: string): boolean {
  return (LLAMA_VARIANTS as readonly string[]).includes(variant)
}
