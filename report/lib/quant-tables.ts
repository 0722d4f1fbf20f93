// This module makes the tables of docs/quantising.md from docs/results/quantising.json.

import { readFileSync } from 'node:fs'
import type { Loss, QuantResults, WeightLoss } from '../../bench/quant-loss.ts'
import type { ServedLoss } from '../../bench/lib/served-loss.ts'
import { table } from '../../tools/markdown.ts'

/** Block by name, out of the committed results. */
export function quantBlocks(file: string): [name: string, text: string][] {
  const results = JSON.parse(readFileSync(file, 'utf8')) as QuantResults
  return [
    ['quant-loss', floatBlock(results.float)],
    [
      'quant-weights',
      table(['squared error, % of the squares', 'nearest', 'search', 'left'], errorRows(results.weights)),
    ],
    ['quant-table', results.table === undefined ? NOT_YET : tableBlock(results.table)],
    ['quant-served', results.served === undefined ? NOT_YET : servedBlock(results.served)],
    ['quant-speed', results.speed === undefined ? NOT_YET : speedBlock(results.speed)],
  ]
}

const NOT_YET =
  'Nothing is committed here yet: `npm run quant-loss` measures it where the default model can be had.'

const HEADER = ['`islet pack`', 'MB', 'mean KL', 'same top token', 'nats a token, more', 'perplexity']

function floatBlock({ weights, tokens, context, losses }: QuantResults['float']): string {
  return [
    table(HEADER, losses.map(lossRow)),
    '',
    `${thousands(weights)} thousand weights, ${tokens} tokens that count, in chunks of ${context}; against \`--quant f32\`.`,
  ].join('\n')
}

function tableBlock({ model, weights, tokens, losses, errors }: NonNullable<QuantResults['table']>): string {
  return [
    table(HEADER, losses.map(lossRow)),
    '',
    `${model}: ${thousands(weights)} thousand weights in the table, ${tokens} tokens that count; against its Q8_0 kept as it is.`,
    'In squared error:',
    '',
    table(['% of the squares', 'nearest', 'search', 'left'], errorRows(errors)),
  ].join('\n')
}

function servedBlock({ model, positions, rows, shares }: ServedLoss): string {
  const wayRow = ({ calibrated, bytes, kl, klError, sameTop }: ServedLoss['rows'][number]): string[] => [
    calibrated ? 'as it is served' : '`--calibrate no`',
    (bytes / 1e6).toFixed(2),
    `${kl.toFixed(5)} ± ${klError.toPrecision(1)}`,
    `${(sameTop * 100).toFixed(1)} %`,
  ]
  return [
    table([`${model}, ${positions} positions`, 'MB', 'mean KL', 'same top token'], rows.map(wayRow)),
    '',
    'Shares of what is lost as it is served:',
    '',
    table(
      ['part', 'nats'],
      shares.map(({ kind, part, kl }) => [`${kind}, ${part}`, kl.toFixed(5)]),
    ),
  ].join('\n')
}

function lossRow(loss: Loss): string[] {
  const { options, bytes, kl, klError, sameTop, difference, differenceError, perplexity } = loss
  const words = Object.entries(options).map(([name, value]) => `--${name} ${value}`)
  const sign = difference < 0 ? '' : '+'
  const itself = options.quant === 'f32'
  return [
    `\`${words.join(' ')}\``,
    (bytes / 1e6).toFixed(2),
    itself ? '0' : `${kl.toFixed(5)} ± ${klError.toPrecision(1)}`,
    itself ? '100 %' : `${(sameTop * 100).toFixed(1)} %`,
    itself ? '0' : `${sign}${difference.toFixed(4)} ± ${differenceError.toFixed(4)}`,
    perplexity.toFixed(3),
  ]
}

/** A row for each kind: what rounding leaves, what searching leaves, and their ratio. */
function errorRows(errors: readonly WeightLoss[]): string[][] {
  const of = (kind: string, rounding: string): number | undefined =>
    errors.find((each) => each.kind === kind && each.rounding === rounding)?.error
  return [...new Set(errors.map(({ kind }) => kind))].map((kind) => {
    const [nearest, search] = [of(kind, 'nearest') ?? NaN, of(kind, 'search') ?? NaN]
    return [`\`${kind}\``, percent(nearest), percent(search), (search / nearest).toFixed(3)]
  })
}

function speedBlock({
  machine,
  table,
  weights,
  search,
  nearest,
}: NonNullable<QuantResults['speed']>): string {
  const each = (seconds: number): string => ((seconds * 1e6) / table).toFixed(2)
  const all = (seconds: number): string => ((seconds * weights) / table).toFixed(0)
  return (
    `Searching takes ${each(search)} s for a million weights, rounding ${each(nearest)} s: ${all(search)} s and ` +
    `${all(nearest)} s\nfor a model of ${(weights / 1e6).toFixed(0)} million, on one core (${machine}).`
  )
}

function percent(share: number): string {
  return (share * 100).toFixed(4)
}

function thousands(count: number): string {
  return Math.round(count / 1000).toString()
}
