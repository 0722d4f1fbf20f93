// This module makes the table of a chain's speed in docs/chain.md from docs/results/chain.json.

import { readFileSync } from 'node:fs'
import { CHAIN_FILE, chainSpeed, type ChainResult } from '../../bench/lib/chain-result.ts'
import { median } from '../../bench/lib/results.ts'
import { table } from '../../tools/markdown.ts'

export function chainBlock(): [name: string, text: string] {
  const { machine, model, hubLayers, layers, prompt, hops, cases } = JSON.parse(
    readFileSync(CHAIN_FILE, 'utf8'),
  ) as ChainResult
  const rows = cases.map((one) => {
    const speeds = one.pairs.map((pair) => chainSpeed(one, pair))
    const [low, middle, high] = [Math.min(...speeds), median(speeds), Math.max(...speeds)]
    const shown = (speed: number): string => speed.toFixed(2)
    return [
      `${one.name}: ${one.of} beside ${one.against}`,
      `**${shown(middle)}**`,
      `${shown(low)} to ${shown(high)}`,
      `${one.goal}`,
    ]
  })
  const text = [
    table(['tokens a second, beside each other', 'ratio', 'of pairs', 'goal'], rows, 1),
    '',
    `A hop takes ${hops.one.toFixed(2)} ms in one process (goal 0.15) and ${hops.two.toFixed(2)} ms between two, there and back, without computing.`,
    `${model}, ${hubLayers} of ${layers} layers with the table in the hub; prompts of ${prompt} tokens; medians of ${cases[0].pairs.length} pairs in turns; ${machine.cpu}, ${machine.cores} cores, which two processes, the client and wrangler's own share.`,
  ].join('\n')
  return ['chain', text]
}
