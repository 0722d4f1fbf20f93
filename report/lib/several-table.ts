// This module makes the table of several sessions in docs/memory.md from docs/results/several.json.

import { readFileSync } from 'node:fs'
import { SEVERAL_FILE, type SeveralResult } from '../../bench/lib/several-result.ts'
import { table } from '../../tools/markdown.ts'

export function severalBlock(): [name: string, text: string] {
  const { machine, window, sessions, tokens, cases } = JSON.parse(
    readFileSync(SEVERAL_FILE, 'utf8'),
  ) as SeveralResult
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
  const rows = cases.map(({ withSchema, answers, peak, held }) => [
    withSchema ? 'a schema of 20 properties each' : 'no schema',
    String(answers),
    megabytes(peak),
    megabytes(held),
  ])
  const text = [
    table(['', 'answers of each', 'peak, MB', 'after a collection, MB'], rows, 1),
    '',
    `${sessions} sessions at once, half of them streamed, up to ${tokens} tokens an answer, a window of ${window}; the worst of ${cases[0].peaks.length} runs; ${machine.cpu}, ${machine.cores} cores.`,
  ].join('\n')
  return ['several', text]
}
