// Variants in turns, each run a fresh process, the order reversed each round; and medians of what came out.

import type { CaseRuns } from './cases.ts'
import { median } from './results.ts'

/** What one variant gave in one round. */
export type Run = { variant: string; round: number; cases: CaseRuns[] }

/** `run` starts the variant's process, times its cases and ends it. */
export type Variant = { name: string; run(): CaseRuns[] | Promise<CaseRuns[]> }

export type Rounds = {
  runs: Run[]
  /** Runs that failed and were done again, with the reason: none in a sound measurement. */
  retried: string[]
}

/** Runs all rounds. A run that fails is tried once more; the second failure is thrown. */
export async function inTurns(variants: readonly Variant[], rounds: number): Promise<Rounds> {
  const runs: Run[] = []
  const retried: string[] = []
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of round % 2 === 0 ? variants : variants.toReversed()) {
      console.error(`round ${round + 1} of ${rounds}: ${name}`)
      const attempt = async (): Promise<CaseRuns[]> => await run()
      const cases = await attempt().catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error)
        console.error(`bench: ${name} failed, once more: ${reason}`)
        retried.push(`round ${round + 1}, ${name}: ${reason}`)
        return attempt()
      })
      runs.push({ variant: name, round, cases })
    }
  }
  return { runs, retried }
}

/** Names of the variants, in order of their first run. */
export function variantNames(runs: readonly Run[]): string[] {
  return [...new Set(runs.map(({ variant }) => variant))]
}

/** Names of the cases, in order of their first appearance. */
export function caseNames(runs: readonly Run[]): string[] {
  return [...new Set(runs.flatMap(({ cases }) => cases.map((one) => one.case)))]
}

/** Tokens a second of every repetition of a case, in order; empty where the variant did not run it. */
export function speeds(runs: readonly Run[], variant: string, name: string): number[] {
  return runs
    .filter((run) => run.variant === variant)
    .flatMap(({ cases }) => cases.filter((one) => one.case === name))
    .flatMap(({ tokens, runs: timings }) => timings.map(({ seconds }) => tokens / seconds))
}

/** Median tokens a second; undefined where the variant did not run the case. */
export function speed(runs: readonly Run[], variant: string, name: string): number | undefined {
  const all = speeds(runs, variant, name)
  return all.length === 0 ? undefined : median(all)
}

/** The best of several variants' medians, and whose it is. */
export function best(
  runs: readonly Run[],
  variants: readonly string[],
  name: string,
): { variant: string; speed: number } | undefined {
  return variants
    .flatMap((variant) => {
      const value = speed(runs, variant, name)
      return value === undefined ? [] : [{ variant, speed: value }]
    })
    .toSorted((a, b) => b.speed - a.speed)[0]
}
