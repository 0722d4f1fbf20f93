// This module makes the table and the chart of docs/decisions.md from docs/results/decisions-MODEL.json.

import { globSync, readFileSync } from 'node:fs'
import type { Bin, DecisionResults, Scored, TaskResult } from '../../bench/decisions.ts'
import { table } from '../../tools/markdown.ts'
import { ROOT } from '../../tools/root.ts'
import { describeReliability, renderReliability, type Reliability } from './reliability-chart.ts'

const CHART = 'charts/decisions.svg'
const KINDS = ['choice', 'predicate', 'score'] as const

/** What was measured of each packed model, by name. */
export function decisionResults(): DecisionResults[] {
  const files = globSync('docs/results/decisions-*.json', { cwd: ROOT }).toSorted()
  return files.map((file) => JSON.parse(readFileSync(`${ROOT}${file}`, 'utf8')) as DecisionResults)
}

/** Right answers, those of the commonest one, and texts, of all tasks of a kind. */
export function ofKind({ tasks }: DecisionResults, kind: TaskResult['type']) {
  const own = tasks.filter(({ type }) => type === kind)
  const total = (count: (task: TaskResult) => number): number =>
    own.reduce((sum, task) => sum + count(task), 0)
  return {
    right: total(({ calibrated }) => calibrated.right),
    majority: total(({ majority }) => majority),
    count: total(({ count }) => count),
  }
}

export function decisionBlocks(): [name: string, text: string][] {
  const results = decisionResults()
  return [
    ['decisions-tasks', results.map(modelText).join('\n\n')],
    ['decisions-chart', `![${describeReliability(results.map(reliabilityOf))}](${CHART})`],
  ]
}

/** The chart by its path in docs/. */
export function decisionCharts(): [path: string, svg: string][] {
  return [[CHART, renderReliability(decisionResults().map(reliabilityOf))]]
}

function modelText(results: DecisionResults): string {
  const cells = ({ right, brier }: Scored): string[] => [String(right), brier.toFixed(2)]
  const rows = results.tasks.map((task) => [
    task.name,
    task.type,
    `${task.count}`,
    `${task.majority}`,
    ...cells(task.raw),
    ...cells(task.calibrated),
    (task.seconds * 1000).toFixed(0),
  ])
  const kinds = KINDS.map((kind) => ({ kind, ...ofKind(results, kind) }))
  const said = kinds.map(({ kind, right, count }) => `${right} of ${count} for ${kind}`).join(', ')
  return [
    `\`${results.model}\`: right ${said}.`,
    '',
    table(
      [
        'task',
        'kind',
        'texts',
        'commonest answer',
        'uncalibrated: right',
        'Brier',
        'calibrated: right',
        'Brier',
        'CPU ms a question',
      ],
      rows,
      2,
    ),
  ].join('\n')
}

function reliabilityOf({ model, tasks }: DecisionResults): Reliability {
  const bins = tasks[0].calibrated.bins.map((_, index): Bin => {
    const all = tasks.map(({ calibrated }) => calibrated.bins[index])
    const count = all.reduce((sum, bin) => sum + bin.count, 0)
    const weighed = all.reduce((sum, bin) => sum + bin.count * bin.probability, 0)
    return {
      count,
      probability: count === 0 ? 0 : weighed / count,
      right: all.reduce((sum, bin) => sum + bin.right, 0),
    }
  })
  return { label: model, bins: bins.filter(({ count }) => count > 0) }
}
