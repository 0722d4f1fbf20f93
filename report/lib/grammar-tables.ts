// The tables of structured output come from docs/results: a corpus of schemas, and what a schema costs while decoding.

import { existsSync, readFileSync } from 'node:fs'
import type { CorpusResult } from '../../bench/lib/corpus-result.ts'
import type { SpeedOfGrammar } from '../../bench/lib/grammar-speed-result.ts'
import { table } from '../../tools/markdown.ts'

/** The blocks `grammar-corpus` and `grammar-speed`; a file that is not there was not measured. */
export function grammarBlocks(corpus: string, speed: string): [name: string, text: string][] {
  return [
    ['grammar-corpus', existsSync(corpus) ? corpusText(read<CorpusResult>(corpus)) : NOT_MEASURED],
    ['grammar-speed', existsSync(speed) ? speedText(read<SpeedOfGrammar>(speed)) : NOT_MEASURED],
  ]
}

const NOT_MEASURED = 'Not measured.'

function read<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T
}

const share = (part: number, all: number): string => `${((100 * part) / all).toFixed(1)} %`
const whole = (count: number): string => count.toLocaleString('en-US')

function corpusText({
  machine,
  schemas,
  compiled,
  refusals,
  badPointers,
  compileMs,
  invalid,
  valid,
  answers,
}: CorpusResult): string {
  const rows = [
    ['schemas that compile (goal: 92 %)', `${whole(compiled)} of ${whole(schemas)}, ${share(compiled, schemas)}`],
    ['refusals whose pointer names nothing', whole(badPointers.length)],
    ['invalid instances accepted (goal: 0)', `${whole(invalid.accepted.length)} of ${whole(invalid.all)}`],
    ['valid instances accepted', `${share(valid.accepted, valid.all)} of ${whole(valid.all)}; within the default bounds ${share(valid.bounded, valid.all)}`],
    ['milliseconds to compile: p50, p99, most', `${compileMs.p50}, ${compileMs.p99}, ${compileMs.most}`],
    ...Object.entries(answers).map(([model, of]) => [
      `answers of \`${model}\` at temperature 1 that ajv takes`,
      `${whole(of.whole)} of ${whole(of.asked - of.unjudged)} (${whole(of.tokens)} tokens; ${whole(of.closedEarly)} closed in time)`,
    ]),
  ] // prettier-ignore
  const others = Object.values(answers).flatMap(({ refusedByAjv }) => refusedByAjv)
  const reasons = new Map<string, number>()
  for (const { reason } of others) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  return [
    table(['what', 'how many'], rows),
    '',
    `On ${machine.cpu}, a load of ${machine.load.toFixed(1)} at the end.`,
    `Refused: ${refusals.map(({ message, count }) => `${message} (${count})`).join('; ')}.`,
    ...[...reasons].map(([reason, count]) => `Answers that ajv does not take: ${count}, ${reason}.`),
  ].join('\n')
}

function speedText({ machine, model, pairs, tokens, ratios, firstToken }: SpeedOfGrammar): string {
  return [
    `\`${model}\`, ${pairs} interleaved pairs of ${tokens} tokens on ${machine.cpu}, a load of ${machine.load.toFixed(1)} when it began.`,
    '',
    table(
      ['sampling', 'ms a token without', 'with a schema', 'speed with, of without (goal: 0.95)'],
      ratios.map(({ mode, without, held, ratio }) => [
        mode,
        without.toFixed(2),
        held.toFixed(2),
        ratio.toFixed(3),
      ]),
    ),
    '',
    `The first token of a schema of 20 properties comes ${firstToken.compiled.toFixed(1)} ms later when it is compiled, ${firstToken.kept.toFixed(1)} ms when it is kept (goal: 5).`,
  ].join('\n')
}
