// Decisions: what replies say of a model is what was measured, and the evaluation set is what the page says it is.

import { expect, test } from 'vitest'
import { evaluationTasks, heldOut } from '../../bench/decisions.ts'
import { decisionResults, ofKind } from '../../report/lib/decision-tables.ts'
import { renderReliability } from '../../report/lib/reliability-chart.ts'
import { MEASURED, reliabilityOf } from '../../src/api/decisions/reliability.ts'
import { parseDecision } from '../../src/api/decisions/schema.ts'

test('the measured figures are those of docs/results', () => {
  const results = decisionResults()
  expect(Object.keys(MEASURED).toSorted()).toEqual(results.map(({ model }) => model).toSorted())
  for (const result of results)
    for (const kind of ['choice', 'predicate', 'score'] as const)
      expect(MEASURED[result.model][kind], `${result.model} ${kind}`).toEqual(ofKind(result, kind))
})

test('the set has 240 texts of six tasks, each answer as often in either half as it can be', () => {
  const tasks = evaluationTasks()
  expect(tasks.map(({ texts }) => texts.length)).toEqual([40, 40, 40, 40, 40, 40])
  expect(new Set(tasks.flatMap(({ texts }) => texts.map(({ text }) => text))).size).toBe(240)
  for (const task of tasks) {
    parseDecision({ model: 'm', input: 'x', questions: [task.question] })
    const counts = Map.groupBy(task.texts, ({ answer }) => answer)
    for (const [answer, texts] of counts) {
      const held = heldOut(task).filter((text) => text.answer === answer).length
      expect(Math.abs(held - texts.length / 2)).toBeLessThanOrEqual(0.5)
    }
  }
})

test('a kind near chance is called so, an unknown model and raw scores are not vouched for', () => {
  const [model] = Object.keys(MEASURED)
  expect(reliabilityOf(model, 'choice', 'content_free')).toBe('measured')
  expect(reliabilityOf(model, 'choice', 'none')).toBe('unmeasured')
  expect(reliabilityOf('another', 'choice', 'content_free')).toBe('unmeasured')
  const kinds = Object.entries(MEASURED).flatMap(([id, kinds]) =>
    Object.entries(kinds).map(([kind, { right, majority, count }]) => {
      const chance = majority / count
      const isNear = right / count <= chance + 2 * Math.sqrt((chance * (1 - chance)) / count)
      return [id, kind, isNear ? 'near_chance' : 'measured'] as const
    }),
  )
  for (const [id, kind, wanted] of kinds)
    expect(reliabilityOf(id, kind as 'choice', 'content_free'), `${id} ${kind}`).toBe(wanted)
})

test('the chart has a dot for each bin, at its place', () => {
  const svg = renderReliability([{ label: 'a <model>', bins: [{ count: 4, probability: 0.5, right: 1 }] }])
  expect(svg.match(/<circle/g)).toHaveLength(1)
  expect(svg).toContain('cx="224.0" cy="304.0" r="2.8"')
  expect(svg).not.toContain('<model>')
})
