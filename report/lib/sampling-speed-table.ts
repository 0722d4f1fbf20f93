// This module tables what a choice costs above greedy, from what bench/sampling-speed.ts keeps.

import { existsSync, readFileSync } from 'node:fs'
import { SAMPLING_GOALS, type SamplingSpeed } from '../../bench/lib/sampling-speed-result.ts'
import { median } from '../../bench/lib/results.ts'
import { table } from '../../tools/markdown.ts'

/** The block of docs/performance.md, out of the results file. */
export function samplingSpeedBlock(file: string): [name: string, text: string] {
  if (!existsSync(file)) return ['sampling-speed', 'Not measured: `node bench/sampling-speed.ts --save`.']
  const { model, machine, vocab, tokens, greedy, cases } = JSON.parse(
    readFileSync(file, 'utf8'),
  ) as SamplingSpeed
  const usual = median(greedy)
  const rows = cases.map(({ name, ms }) => {
    const goal = SAMPLING_GOALS[name]
    const above = median(ms) - usual
    const verdict = goal === undefined ? '' : above <= goal ? 'met' : '**not met**'
    return [name, above.toFixed(2), goal === undefined ? '-' : goal.toFixed(2), verdict]
  })
  const text = [
    table(['ms a token above greedy', 'measured', 'goal', ''], rows),
    '',
    `\`${model}\`, ${vocab.toLocaleString('en')} logits, greedy ${usual.toFixed(3)} ms: medians of ${greedy.length} rounds in turns, of ${tokens} tokens each, in Node ${machine.node.replace('v', '')} on ${machine.cpu}.`,
  ]
  return ['sampling-speed', text.join('\n')]
}
