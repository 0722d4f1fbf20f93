// This module makes the tables and the chart of docs/context.md from docs/results/context-extension.json.

import { readFileSync } from 'node:fs'
import { exp } from '../../src/lib/math.ts'
import type { AtLength, ContextResults } from '../../bench/context.ts'
import { describeLines, renderLines, type LineChart } from './line-chart.ts'
import { table } from '../../tools/markdown.ts'

const CHART = 'charts/context-extension.svg'

/** Block by name, out of the committed results. */
export function contextBlocks(file: string): [name: string, text: string][] {
  const results = read(file)
  return [
    ['context-facts', factsBlock(results)],
    ['context-perplexity', perplexityBlock(results)],
    ['context-more', moreBlock(results)],
    ['context-chart', `![${describeLines(chartOf(results))}](${CHART})`],
  ]
}

/** The chart by its path in docs/. */
export function contextCharts(file: string): [path: string, svg: string][] {
  return [[CHART, renderLines(chartOf(read(file)))]]
}

function read(file: string): ContextResults {
  return JSON.parse(readFileSync(file, 'utf8')) as ContextResults
}

function chartOf({ model, ways }: ContextResults): LineChart {
  return {
    title: 'Beyond the trained length',
    unit: 'perplexity of the same tokens, both axes logarithmic',
    across: 'length of the prompt, tokens',
    digits: 1,
    lines: ways.map(({ name, lengths }) => ({
      label: name,
      points: lengths.map(({ length, nats }) => [length, exp(nats)] as const),
    })),
    mark: { at: model.trained, label: `trained length, ${model.trained}` },
  }
}

function factsBlock({ model, text, ways }: ContextResults): string {
  const { weights, layers, heads, headDim, base, trained } = model
  const errors = ways.flatMap(({ lengths }) => lengths).filter(({ length }) => length <= 2 * trained)
  const error = Math.max(...errors.map((one) => one.error))
  return [
    `The model has ${(weights / 1e6).toFixed(2)} million weights: ${layers} layers, ${heads} heads of ${headDim}, rotary base ${base}, trained at`,
    `${trained} positions. The held-out text has ${text.tokens} tokens. At each of ${text.places} places the last ${text.block} tokens count,`,
    `${text.counted} in all, and they are the same at every length: only what stands before them differs. KV is in ${model.kv}.`,
    `Up to twice the trained length the standard error is at most ${error.toFixed(3)} nats a token, ${((exp(error) - 1) * 100).toFixed(0)} % of the perplexity;`,
    'differences between lengths are much surer than that, as the tokens are the same (second table).',
  ].join('\n')
}

function perplexityBlock(results: ContextResults): string {
  return byLength(results, ({ nats }) => exp(nats).toFixed(nats > 5 ? 0 : 2))
}

/** What a length costs or gives, token by token, against the way's own figure at the trained length. */
function moreBlock(results: ContextResults): string {
  return byLength(results, ({ length, more, moreError }) =>
    length === results.model.trained
      ? '0'
      : `${more < 0 ? '−' : '+'}${Math.abs(more).toFixed(3)} ± ${moreError.toFixed(3)}`,
  )
}

function byLength({ ways }: ContextResults, cell: (one: AtLength) => string): string {
  const header = ['length', 'alpha', ...ways.map(({ name }) => name)]
  const ntk = ways.find((way) => way.ntk)
  const rows = ways[0].lengths.map(({ length }, i) => [
    String(length),
    String(ntk?.lengths[i].alpha ?? 1),
    ...ways.map(({ lengths }) => cell(lengths[i])),
  ])
  return table(header, rows)
}
