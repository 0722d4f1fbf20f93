// The tables show what a soak run found, in the terminal and in docs/soak.md.

import { existsSync, readFileSync } from 'node:fs'
import { table } from '../tools/markdown.ts'
import { COUNTS, MUST_BE_ZERO, type CountName } from './counts.ts'
import { LEAST_SAMPLES, type Sample, type Verdict } from './memory.ts'

/** What was asked of a run. */
export type SoakSetting = {
  minutes: number
  requests: number
  sessions: number
  clients: number
  seed: number
  model: string
  killEvery: number
}

export type SoakResults = {
  settings: SoakSetting & { queue: number; kvBudget: number }
  seconds: number
  counts: Record<CountName, number>
  /** What went wrong, if anything did. */
  stories: string[]
  /** What there was too little of. */
  missing?: string[]
  /** Of the last process. */
  memory: { verdict: Verdict | undefined; samples: Sample[] }
}

/** Rows of the table of memory over time. */
const MEMORY_ROWS = 10

/** Block by name, out of the committed results. */
export function soakBlocks(file: string): [name: string, text: string][] {
  const results = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as SoakResults) : undefined
  const missing = 'Not measured: `npm run soak -- --save`.'
  return [
    ['soak-settings', results === undefined ? missing : settingsText(results)],
    ['soak-counts', results === undefined ? missing : countsTable(results)],
    ['soak-memory', results === undefined ? missing : `${memoryTable(results)}\n\n${memoryLine(results)}`],
  ]
}

export function countsTable({ counts }: SoakResults): string {
  const names = Object.keys(COUNTS) as CountName[]
  const rows = names.map((name) => [
    COUNTS[name] + (MUST_BE_ZERO.includes(name) ? ' (must be 0)' : ''),
    String((counts as Partial<typeof counts>)[name] ?? 'not counted'),
  ])
  return table(['what', 'times'], rows)
}

/** Whether memory grew, in a sentence. */
export function memoryLine({ memory: { verdict } }: SoakResults): string {
  if (verdict === undefined)
    return `Memory: fewer than ${LEAST_SAMPLES} samples of one process, which say nothing.`
  const { seconds, turns, rise, second, last, grew } = verdict
  const line = `a straight line through heap and linear memory ${rise < 0 ? 'falls' : 'rises'} by ${megabytes(Math.abs(rise))} MB`
  const most = `the most in the second tenth is ${megabytes(second)} MB, in the last tenth ${megabytes(last)} MB`
  return `After the first tenth, over ${Math.round(seconds)} s and ${turns} turns of one process, ${line}; ${most}: ${grew ? 'it grew' : 'no growth'}.`
}

function settingsText({ settings, seconds, counts }: SoakResults): string {
  const { model, sessions, clients, queue, kvBudget, killEvery, seed } = settings
  return [
    `The model is \`${model}\`, the seed ${seed}. ${clients} clients kept ${sessions} conversations going, of three tenants, for ${Math.round(seconds / 60)} minutes;`,
    `the lane takes ${queue} requests and has ${megabytes(kvBudget)} MB of KV pages. In the first part the process was killed every ${killEvery} s or so,`,
    `${counts.kills} times in all.`,
  ].join('\n')
}

function memoryTable({ memory: { samples } }: SoakResults): string {
  const size = Math.max(1, Math.floor(samples.length / MEMORY_ROWS))
  const rows = Array.from({ length: MEMORY_ROWS }, (_, row) => samples.slice(row * size, (row + 1) * size))
    .filter((part) => part.length > 0)
    .map((part) => {
      const most = (value: (sample: Sample) => number): number => Math.max(...part.map(value))
      const last = part[part.length - 1]
      return [
        String(last.turns),
        String(Math.round(last.at)),
        megabytes(most(({ heap }) => heap)),
        megabytes(most(({ linear }) => linear)),
        megabytes(most(({ resident = 0 }) => resident)),
      ]
    })
  return table(['until turn', 'seconds', 'heap, MB', 'linear memory, MB', 'resident, MB'], rows, 0)
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}
