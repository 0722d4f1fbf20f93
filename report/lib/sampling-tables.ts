// The tables of docs/sampling.md: how the settings that were tried did, and which one is recommended.

import { readFileSync } from 'node:fs'
import { RESULTS_FILE, type SamplingResults, type SettingResult } from '../../bench/sampling.ts'
import { table } from '../../tools/markdown.ts'

const NAMES: Record<string, string> = {
  temperature: 'temperature',
  topP: 'top_p',
  topK: 'top_k',
  minP: 'min_p',
  repetitionPenalty: 'repetition_penalty',
}

/** The blocks of docs/sampling.md. */
export function samplingBlocks(): [name: string, block: string][] {
  const results = JSON.parse(readFileSync(RESULTS_FILE, 'utf8')) as SamplingResults
  return [['sampling', block(results)]]
}

/** The best setting by the rule of docs/sampling.md, on the first half of the prompts. Greedy ones always answer alike. */
export function recommendedOf({ settings }: SamplingResults): SettingResult {
  const share = ({ halves: [{ good, answers }] }: SettingResult): number => good / answers
  const best = settings.reduce((a, b) => (share(b) > share(a) ? b : a))
  const error = Math.sqrt((share(best) * (1 - share(best))) / best.halves[0].answers)
  const near = settings.filter((each) => share(each) >= share(best) - error)
  return near.reduce((a, b) => ((b.halves[0].distinct ?? 0) > (a.halves[0].distinct ?? 0) ? b : a))
}

/** A setting's fields by the names that requests have for them. */
export function fieldsOf({ setting }: SettingResult): Record<string, number> {
  return Object.fromEntries(Object.entries(setting).map(([name, value]) => [NAMES[name], Number(value)]))
}

function block(results: SamplingResults): string {
  const { model, prompts, seeds, maxTokens, settings, tasks } = results
  const chosen = recommendedOf(results)
  const words = (each: SettingResult): string =>
    Object.entries(fieldsOf(each))
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')
  const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(0)} %`
  const rows = settings.map((each) => {
    const { answers, good, halves, loop, cut, script, empty, refusal, right, checked, distinct, logprob } =
      each
    const mark = (text: string): string => (each === chosen ? `**${text}**` : text)
    return [
      mark(words(each)),
      String(answers),
      percent(good, answers),
      ...halves.map((half) => mark(percent(half.good, half.answers))),
      percent(loop, answers),
      percent(cut, answers),
      percent(script + empty, answers),
      percent(refusal, answers),
      percent(right, checked),
      distinct === null ? 'one seed' : `${distinct} %`,
      logprob.toFixed(2),
    ]
  })
  const [, heldOut] = chosen.halves
  const [, asBefore] = settings[0].halves
  const byTask = tasks.map(({ task, prompts: count, good }) => [
    task,
    String(count),
    ...[0, settings.indexOf(chosen)].map((at) => percent(good[at], 1)),
  ])
  return [
    `${model}: ${prompts} prompts with ${seeds.length} seeds each, at most ${maxTokens} tokens. The first row is what a request got that said nothing. Recommended: **${words(chosen)}**, with ${heldOut.good} of ${heldOut.answers} answers good on the half that was held out, where ${words(settings[0])} has ${asBefore.good} of ${asBefore.answers}.`,
    '',
    table(
      [
        'setting',
        'answers',
        'good',
        'chosen on',
        'held out',
        'loops',
        'no end',
        'script, empty',
        'refused',
        'right, of those checked',
        'different answers',
        'nats a token',
      ],
      rows,
    ),
    '',
    table(['task', 'prompts', `good at ${words(settings[0])}`, 'good as recommended'], byTask),
  ].join('\n')
}
