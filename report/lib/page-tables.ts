// The tables of the page say what its bytes are made of, and what the benchmark measured beside an empty page.

import { existsSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import type { PageResult } from '../../bench/lib/page-result.ts'
import { buildPage } from '../../tools/page.ts'
import { table } from '../../tools/markdown.ts'

/** The blocks `page-size` and `page-speed`. */
export function pageBlocks(path: string): [name: string, text: string][] {
  return [
    ['page-size', sizeBlock()],
    [
      'page-speed',
      existsSync(path)
        ? speedBlock(JSON.parse(readFileSync(path, 'utf8')) as PageResult)
        : 'Not measured: `npm run page`.',
    ],
  ]
}

const KINDS: readonly [RegExp, string][] = [
  [/^index/, 'HTML'],
  [/\.css$/, 'styles'],
  [/^sw/, 'service worker'],
  [/./, 'script'],
]

function sizeBlock(): string {
  const { files, parts } = buildPage()
  const rows = [...files].map(([name, bytes]) => {
    const kind = KINDS.find(([pattern]) => pattern.test(name))?.[1] ?? name
    return { kind, bytes: bytes.length, zipped: gzipSync(bytes, { level: 9 }).length }
  })
  const sum = (of: 'bytes' | 'zipped'): number => rows.reduce((total, row) => total + row[of], 0)
  const groups = new Map<string, number>()
  for (const [file, bytes] of parts) groups.set(groupOf(file), (groups.get(groupOf(file)) ?? 0) + bytes)
  return [
    table(
      ['file', 'kB', 'kB gzipped'],
      [
        ...rows.map(({ kind, bytes, zipped }) => [kind, kilobytes(bytes), kilobytes(zipped)]),
        ['**all of it**', `**${kilobytes(sum('bytes'))}**`, `**${kilobytes(sum('zipped'))}**`],
      ],
    ),
    '',
    'Script and styles by where they come from, minified, before gzip:',
    '',
    table(
      ['part', 'kB'],
      [...groups].sort(([, a], [, b]) => b - a).map(([group, bytes]) => [group, kilobytes(bytes)]),
    ),
  ].join('\n')
}

/** A package, or a room of page/: of its views each. */
function groupOf(file: string): string {
  const packaged = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]
  if (packaged !== undefined) return packaged
  const room = /^page\/(views\/[^/]+|[^/]+)/.exec(file)?.[1] ?? file
  return `\`page/${room}\``
}

const kilobytes = (bytes: number): string => (bytes / 1000).toFixed(1)

function speedBlock({ chromium, machine, model, rows }: PageResult): string {
  const ms = (value: number | undefined): string => (value === undefined ? '' : String(Math.round(value)))
  return [
    `In headless ${chromium} on ${machine.cpu}, the worker with \`${model}\` under \`wrangler dev\` on the same machine: the median of the rounds, in milliseconds.`,
    '',
    table(
      ['what', 'goal', 'empty page', 'the page', 'of rounds'],
      rows.map(({ what, goalMs, emptyMs, ms: own }) => [
        what,
        `< ${goalMs}`,
        ms(median(emptyMs)),
        `**${ms(median(own))}**`,
        `${ms(Math.min(...own))} to ${ms(Math.max(...own))}`,
      ]),
    ),
  ].join('\n')
}

function median(values: readonly number[] | undefined): number | undefined {
  return values?.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}
