// This module makes the table of docs/models.md from docs/results/trimmed.json.

import { readFileSync } from 'node:fs'
import { median } from '../../bench/lib/results.ts'
import { TRIMMED_FILE, type TrimmedResult, type TrimmedSide } from '../../bench/trimmed.ts'
import { table } from '../../tools/markdown.ts'

export function trimmedBlocks(): [name: string, text: string][] {
  const { machine, window, ids, of, loss, sides } = JSON.parse(
    readFileSync(TRIMMED_FILE, 'utf8'),
  ) as TrimmedResult
  const [own, beside] = sides
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
  const share = (part: number): string => `${(100 * part).toFixed(1)} %`
  const ratio = (figure: (side: TrimmedSide) => number): string => (figure(own) / figure(beside)).toFixed(2)
  const row = (what: string, show: (side: TrimmedSide) => string, beside = ''): string[] => [
    what,
    ...sides.map(show),
    beside,
  ]
  const rows = [
    row(
      'weights, MB',
      ({ weights }) => megabytes(weights),
      ratio(({ weights }) => weights),
    ),
    row(`peaks of the isolate, MB, window ${window}`, ({ peaks }) => peaks.map(megabytes).join(', ')),
    row(
      'tokens a second, 200 behind 256',
      ({ decode }) => (200 / median(decode)).toFixed(0),
      ratio(({ decode }) => 1 / median(decode)),
    ),
    row(
      'cold object to first token, s',
      ({ cold }) => median(cold).toFixed(2),
      ratio(({ cold }) => median(cold)),
    ),
    row(
      'its weights alone into memory, s',
      ({ streaming }) => median(streaming).toFixed(2),
      ratio(({ streaming }) => median(streaming)),
    ),
  ]
  const text = [
    table(['', ...sides.map(({ model }) => `\`${model}\``), 'beside it'], rows, 1),
    '',
    `Medians of ${own.decode.length} rounds in turns; ${machine.cpu}, ${machine.cores} cores. Beside float32 on the file's weights, over the ${ids} ids of ${of} that stay and ${loss.positions} positions that`,
    `nothing was chosen by: mean KL ${loss.kl.toFixed(4)} ± ${loss.klError.toFixed(4)}, the same most likely id at ${share(loss.sameTop)}. The ids that went had ${share(loss.lostMass)} of the whole model's probability there.`,
  ].join('\n')
  return [['trimmed', text]]
}
