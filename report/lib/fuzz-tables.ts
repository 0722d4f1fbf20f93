// The table of generated requests counts what they were answered, by what was done to them.

import { existsSync, readFileSync } from 'node:fs'
import { table } from '../../tools/markdown.ts'

export type FuzzResult = {
  model: string
  /** Of the first run of requests. */
  seed: number
  requests: number
  seconds: number
  slowestMs: number
  /** Replies that the document does not allow, and good requests that were not answered behind one. */
  badly: number
  /** Replies of each kind of request by their status; 0 is none at all. */
  kinds: Record<string, Record<string, number>>
}

/** The block `fuzz`. */
export function fuzzBlocks(path: string): [name: string, text: string][] {
  if (!existsSync(path)) return [['fuzz', 'Not measured: `npm run fuzz -- --save`.']]
  const result = JSON.parse(readFileSync(path, 'utf8')) as FuzzResult
  const rows = Object.entries(result.kinds)
    .map(([kind, counts]) => {
      const inClass = (first: number): number =>
        Object.entries(counts).reduce(
          (sum, [status, count]) => sum + (Math.floor(Number(status) / 100) === first ? count : 0),
          0,
        )
      return [kind, ...[2, 4, 5, 0].map(inClass)].map(String)
    })
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const { requests, seed, model, slowestMs, badly } = result
  return [
    [
      'fuzz',
      [
        `${requests} requests from seed ${seed}, each with a good one behind it, to the worker with \`${model}\`: ${badly} were answered badly. The slowest took ${(slowestMs / 1000).toFixed(1)} s.`,
        '',
        table(['what was done', '2xx', '4xx', '5xx', 'no reply'], rows),
      ].join('\n'),
    ],
  ]
}
