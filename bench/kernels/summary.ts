// What rows of raw times come to: one kernel on one shape, and one kernel on all matrices of a model.

import type { KernelRow } from '../lib/result-types.ts'
import { median } from '../lib/results.ts'

export type Summary = {
  seconds: number
  gmacs: number
  gigabytes: number
  /** How much of the time loading the same bytes alone, or the same dots alone, takes. */
  ofLoad: number
  ofDots: number
}

export function summary(row: KernelRow): Summary {
  const macs = row.rows * row.cols * row.tokens
  return summed(median(row.seconds), median(row.load), median(row.dot), macs, row.weightBytes)
}

/** A kernel on every matrix of the model once, as if all were of its kind. */
export type Pass = Pick<KernelRow, 'kernel' | 'build' | 'model' | 'tokens'> & { pass: Summary }

export function passes(rows: readonly KernelRow[]): Pass[] {
  const groups = Map.groupBy(rows, ({ kernel, build, model }) => `${kernel} ${build} ${model}`)
  return [...groups.values()].map((group) => {
    const sum = (of: (row: KernelRow) => number): number =>
      group.reduce((all, row) => all + row.count * of(row), 0)
    const [{ kernel, build, model, tokens }] = group
    const pass = summed(
      sum((row) => median(row.seconds)),
      sum((row) => median(row.load)),
      sum((row) => median(row.dot)),
      sum((row) => row.rows * row.cols * row.tokens),
      sum((row) => row.weightBytes),
    )
    return { kernel, build, model, tokens, pass }
  })
}

function summed(seconds: number, load: number, dots: number, macs: number, bytes: number): Summary {
  return {
    seconds,
    gmacs: macs / seconds / 1e9,
    gigabytes: bytes / seconds / 1e9,
    ofLoad: load / seconds,
    ofDots: dots / seconds,
  }
}

/** The build that is the faster one at prefill: what the engine's choice by a result of the host comes to. */
export function fastestBuild(rows: readonly KernelRow[]): string {
  const [first] = passes(rows)
    .filter(({ kernel }) => kernel === 'gemm_q4m_q8')
    .toSorted((a, b) => a.pass.seconds - b.pass.seconds)
  return first?.build ?? rows[0].build
}
