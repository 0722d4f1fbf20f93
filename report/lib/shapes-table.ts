// This module makes the tables of shapes in docs/chain.md: models of real sizes that were measured as chains.

import { readFileSync } from 'node:fs'
import { CHAIN_COST_FILE, type ChainCostResult } from '../../bench/lib/chain-cost-result.ts'
import {
  SHAPES_FILE,
  type ShapeResult,
  type ShapesResult,
  type ShapeStage,
} from '../../bench/lib/shapes-result.ts'
import { table } from '../../tools/markdown.ts'

/** The block `chain-shapes`. */
export function shapeBlocks(): [name: string, text: string][] {
  const { shapes } = JSON.parse(readFileSync(SHAPES_FILE, 'utf8')) as ShapesResult
  const computed = JSON.parse(readFileSync(CHAIN_COST_FILE, 'utf8')) as ChainCostResult
  const text = [
    shapesBlock(shapes, computed),
    '',
    'What each isolate held at its peak:',
    '',
    isolatesBlock(shapes),
  ].join('\n')
  return [['chain-shapes', text]]
}

export function shapesBlock(
  shapes: readonly ShapeResult[],
  { models }: Pick<ChainCostResult, 'models'>,
): string {
  const rows = shapes.map((shape) => {
    const { name, title, weightBytes, stages, load, first, tokens, decode, whole, isSame } = shape
    const computed = models.find((model) => model.name === name)?.oneProcess
    const hops = stages.flatMap((stage) =>
      stage.hops && stage.holds.startsWith('layer') ? stage.hops.slowestMs : [],
    )
    return [
      ...[title, (weightBytes / 1e6).toFixed(0), String(stages.length), load.toFixed(1), first.toFixed(2)],
      ...[(tokens / decode).toFixed(1), (tokens / whole.decode).toFixed(1), computed?.toFixed(1) ?? '-'],
      String(Math.max(...hops)),
      isSame ? 'yes' : '**no**',
    ]
  })
  const [{ machine, prompt, tokens, compared }] = shapes
  const header = [
    ...['', 'weights, MB', 'scripts', 'load, s', `first of ${prompt}, s`, 'tokens a second'],
    ...['whole, in Node', 'computed', 'slowest hop, ms', 'same logits'],
  ]
  const busy = Math.max(...shapes.map(({ machine }) => machine.busy ?? 0))
  return [
    table(header, rows),
    '',
    `${tokens} tokens after ${prompt}, one run each, all scripts in one process and on one thread; *whole*: the model in one memory in Node, one thread too; *computed*: as below, at hops`,
    `in one process. *Slowest hop* is of stages of layers. *Same logits*: those of ${compared} tokens, bit for bit, are the whole model's. ${machine.cpu}, ${machine.cores} cores, of which something else kept up to ${busy.toFixed(1)} busy.`,
  ].join('\n')
}

export function isolatesBlock(shapes: readonly ShapeResult[]): string {
  const megabytes = (values: readonly number[]): string => {
    const [least, most] = [Math.min(...values), Math.max(...values)].map((value) => (value / 1e6).toFixed(1))
    return least === most ? most : `${least} to ${most}`
  }
  const rows = shapes.flatMap(({ title, stages: [hub, ...others] }) => {
    const groups: [string, ShapeStage[]][] = [
      [`hub, ${hub.holds}`, [hub]],
      ['of layers', others.filter(({ holds }) => holds.startsWith('layer'))],
      ['of rows', others.filter(({ holds }) => !holds.startsWith('layer'))],
    ]
    return groups.flatMap(([what, stages]) => {
      if (stages.length === 0) return []
      const each = (of: (stage: ShapeStage) => number): string => megabytes(stages.map(of))
      const bytes = [
        each(({ weightBytes }) => weightBytes),
        each(({ linear }) => linear),
        each(({ heap }) => heap),
        each(({ peak }) => peak),
      ]
      return [[title, what, String(stages.length), ...bytes]]
    })
  })
  const held = shapes.flatMap(({ stages: [{ held }] }) => held ?? [])
  return [
    table(
      ['', 'what they hold', 'isolates', 'weights, MB', 'linear memory', 'JavaScript', 'peak, MB'],
      rows,
      2,
    ),
    '',
    `JavaScript: heap and buffers at their most, sampled while the chain loaded and answered. What hubs hold after a collection is ${megabytes(held)} MB of it.`,
  ].join('\n')
}
