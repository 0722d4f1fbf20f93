// The table of several answers comes from docs/results/choices.json: their prefill, and all of their tokens beside sessions.

import { existsSync, readFileSync } from 'node:fs'
import type { ChoicesResult } from '../../bench/lib/choices-result.ts'
import { table } from '../../tools/markdown.ts'

/** The block `choices`; a file that is not there was not measured. */
export function choicesBlock(file: string): string {
  if (!existsSync(file)) return 'Not measured.'
  const { machine, model, pairs, answers, prefill, together } = JSON.parse(
    readFileSync(file, 'utf8'),
  ) as ChoicesResult
  return [
    `\`${model}\`, medians of ${pairs} interleaved pairs on ${machine.cpu}, a load of ${machine.load.toFixed(1)} when it began.`,
    '',
    table(
      [
        'tokens of a new prompt',
        'ms to the first token of one answer',
        `of all ${answers}`,
        'ratio (goal: at most 1.1)',
      ],
      prefill.map(({ prompt, one, all, ratio }) => [
        String(prompt),
        one.toFixed(1),
        all.toFixed(1),
        ratio.toFixed(3),
      ]),
    ),
    '',
    table(
      [
        'prompt',
        `tokens a second of ${answers} answers`,
        `of ${answers} sessions`,
        'ratio (goal: at least 1)',
      ],
      together.map(({ prompt, tokens, cached, ...rate }) => [
        `${prompt} tokens, ${cached ? 'cached' : 'new'}; ${tokens} for each answer`,
        rate.answers.toFixed(1),
        rate.sessions.toFixed(1),
        rate.ratio.toFixed(3),
      ]),
    ),
  ].join('\n')
}
