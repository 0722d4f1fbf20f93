// This module tables what the persist benchmark counted beside its goals: gaps, rows, bytes, restoring.

import type { PersistResult, PersistTurn } from '../../bench/lib/result-types.ts'
import { median } from '../../bench/lib/results.ts'
import { table } from '../../tools/markdown.ts'

export const SAVES =
  'By the clock: time with storing over time without, the median of the pairs; commits of SQLite are in it. By the time inside saves: what the lane counted of a whole request, beside its decode.'

export const RESTORES =
  'The restore itself: finding the runs of pages by their names, reading them, checking them and putting them into place, beside the prefill to its first token. Each first token goes through HTTP and one step of the model.'

/** Stored and not stored, medians. */
export function persistTable({ stored, unstored, tokens }: PersistResult): string {
  const of = (label: string, turns: readonly PersistTurn[]): string[] => [
    label,
    milliseconds(turns.map(({ seconds }) => seconds)),
    milliseconds(turns.map(({ gap }) => gap)),
    (Math.max(...turns.map(({ gap }) => gap)) * 1e3).toFixed(1),
    milliseconds(turns.map(({ firstToken }) => firstToken)),
    median(turns.map(({ use }) => use.saveMs)).toFixed(0),
    count(turns, ({ rowsWritten }) => rowsWritten),
    count(turns, ({ rowsRead }) => rowsRead),
  ]
  const header = [
    'ms, medians',
    `${tokens} tokens`,
    'longest gap',
    'the longest of all',
    'first token',
    'inside saves',
    'rows written',
    'rows read',
  ]
  return table(header, [of('stored', stored), of('not stored', unstored)])
}

/** Prefilled and restored, medians; and what the positions take in storage. */
export function restoreTable({ restore: { positions, prefill, restored } }: PersistResult): string {
  const of = (label: string, turns: typeof prefill): string[] => [
    label,
    milliseconds(turns.map(({ firstToken }) => firstToken)),
    median(turns.map(({ use }) => use.findMs)).toFixed(1),
    median(turns.map(({ use }) => use.restoreMs)).toFixed(1),
    count(turns, ({ runs }) => runs),
    count(turns, ({ rowsWritten }) => rowsWritten),
    (median(turns.map(({ use }) => use.runBytes)) / 1e6).toFixed(2),
  ]
  const header = [
    `ms, medians, ${positions} positions`,
    'first token',
    'finding',
    'restoring',
    'rows of pages',
    'all rows written',
    'MB',
  ]
  return table(header, [of('prefilled, and stored', prefill), of('restored', restored)])
}

function count(
  turns: readonly { use: PersistTurn['use'] }[],
  what: (use: PersistTurn['use']) => number,
): string {
  return String(median(turns.map(({ use }) => what(use))))
}

function milliseconds(seconds: readonly number[]): string {
  return (median(seconds) * 1e3).toFixed(1)
}
