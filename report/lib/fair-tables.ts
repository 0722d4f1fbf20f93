// The tables of fair shares come from docs/results/fair.json: what each load of A's does to B's first token.

import { existsSync, readFileSync } from 'node:fs'
import { FAIR_GOALS, type FairResult, type FairResults, type Waits } from '../../bench/lib/fair-result.ts'
import { table } from '../../tools/markdown.ts'

/** The block `fair`: a table for each model that was measured. */
export function fairBlocks(file: string): [name: string, text: string][] {
  const results = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as FairResults) : {}
  const texts = Object.entries(results).map(([model, result]) => modelText(model, result))
  return [['fair', texts.length === 0 ? 'Not measured: `npm run fair -- --save`.' : texts.join('\n\n')]]
}

function modelText(model: string, { machine, tries, alone, ordinary, loads }: FairResult): string {
  const { median, worst } = FAIR_GOALS
  const cells = (waits: Waits): string[] => [
    ...[waits.median, waits.worst].map((seconds) => String(Math.round(seconds * 1000))),
    ...[waits.median, waits.worst].map((seconds) => (seconds / ordinary.median).toFixed(1)),
  ]
  return [
    `\`${model}\`, ${tries} requests of B beside each load, on ${machine.cpu}, ${machine.cores} cores. With nobody beside it A gets`,
    `${alone.one.toFixed(1)} tokens a second of one stream, ${alone.four.toFixed(1)} of four.`,
    '',
    table(
      [
        'load of A',
        'median, ms',
        'worst, ms',
        `median, times (${median} at most)`,
        `worst, times (${worst} at most)`,
      ],
      [
        ['one ordinary stream', ...cells(ordinary)],
        ...Object.entries(loads).map(([name, waits]) => [name, ...cells(waits)]),
      ],
    ),
  ].join('\n')
}
