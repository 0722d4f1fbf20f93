// `npm run sampling -- MODEL`: how a packed model answers short tasks under each candidate setting, into docs/results/sampling.json.
// Each prompt of bench/data/sampling.json is answered with several seeds; bench/lib/sampling-judge.ts judges the answers.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openLocal, type Local } from '../cli/lib/local.ts'
import { DEFAULT_SAMPLING, type SamplingOptions } from '../src/protocol/generation.ts'
import { ROOT } from '../tools/root.ts'
import { isGood, judge, type Task, type Verdict } from './lib/sampling-judge.ts'

export const RESULTS_FILE = `${ROOT}docs/results/sampling.json`

type Setting = Partial<Omit<SamplingOptions, 'seed' | 'logitBias'>>

/** The candidates; the first is what a request got that said nothing. */
const SETTINGS: Setting[] = [
  { temperature: 1 },
  { temperature: 0.2, topP: 0.9 },
  { temperature: 0.4, topP: 0.9 },
  { temperature: 0 },
  { temperature: 0.2, topP: 0.9, repetitionPenalty: 1.1 },
  { temperature: 0.4, topP: 0.9, repetitionPenalty: 1.1 },
  { temperature: 0, repetitionPenalty: 1.1 },
  { temperature: 0.6, topP: 0.9 },
]

const SEEDS = [1, 2, 3]
/** Answers that are longer do not end by themselves, for what is asked. */
const MAX_TOKENS = 192
/** Answers that are computed side by side. */
const TOGETHER = 8

/** Of the answers to one half of the prompts. */
type HalfResult = Pick<SettingResult, 'answers' | 'good' | 'distinct'>

export type SettingResult = {
  setting: Setting
  answers: number
  good: number
  /** To every second prompt from the first on, by which a setting is chosen, and to the others, on which it is reported. */
  halves: [chosenOn: HalfResult, heldOut: HalfResult]
  loop: number
  script: number
  cut: number
  empty: number
  refusal: number
  /** Of the answers that can be checked. */
  checked: number
  right: number
  /** The share of a prompt's answers with different seeds that differ from each other, in percent; null for greedy ones. */
  distinct: number | null
  /** Mean log probability of a token under the raw model, nats, of the answers with the first seed. */
  logprob: number
  tokens: number
}

export type SamplingResults = {
  model: string
  prompts: number
  seeds: number[]
  maxTokens: number
  settings: SettingResult[]
  /** By kind of task, in the order of `settings`: the share of good answers. */
  tasks: { task: string; prompts: number; good: number[] }[]
}

type Answer = { task: Task; seed: number; text: string; verdict: Verdict; logprob: number; tokens: number }

/** The prompts. */
export function samplingTasks(): Task[] {
  return (JSON.parse(readFileSync(`${ROOT}bench/data/sampling.json`, 'utf8')) as { prompts: Task[] }).prompts
}

async function answerTo(local: Local, task: Task, sampling: SamplingOptions): Promise<Answer> {
  let [text, logprob, tokens, isCut] = ['', 0, 0, false]
  const messages = [{ role: 'user', content: task.text }]
  for await (const event of local.generate({
    prompt: { kind: 'chat', messages },
    maxTokens: MAX_TOKENS,
    sampling,
    ...(sampling.seed === SEEDS[0] && { topLogprobs: 0 }),
  })) {
    if (event.type === 'error') throw new Error(event.message)
    if (event.type === 'finish') isCut = event.reason === 'length'
    if (event.type !== 'text') continue
    text += event.text
    tokens += event.ids.length
    for (const token of event.logprobs ?? []) logprob += token.logprob
  }
  return { task, seed: sampling.seed, text, verdict: judge(task, text, isCut), logprob, tokens }
}

async function answersUnder(local: Local, setting: Setting): Promise<Answer[]> {
  const isGreedy = setting.temperature === 0
  const asked = samplingTasks().flatMap((task) =>
    SEEDS.slice(0, isGreedy ? 1 : undefined).map((seed) => ({ task, seed })),
  )
  const answers: Answer[] = []
  let next = 0
  async function work(): Promise<void> {
    while (next < asked.length) {
      const at = next++
      const { task, seed } = asked[at]
      answers[at] = await answerTo(local, task, { ...DEFAULT_SAMPLING, ...setting, seed })
    }
  }
  await Promise.all(Array.from({ length: TOGETHER }, work))
  return answers
}

/** In percent, see SettingResult. */
function distinctOf({ temperature }: Setting, answers: readonly Answer[]): number | null {
  if (temperature === 0) return null
  const byTask = [...Map.groupBy(answers, ({ task }) => task).values()]
  const different = byTask.map((each) => new Set(each.map(({ text }) => text)).size / each.length)
  return Math.round((100 * different.reduce((total, each) => total + each, 0)) / different.length)
}

function summed(setting: Setting, answers: readonly Answer[]): SettingResult {
  const count = (holds: (verdict: Verdict) => boolean): number =>
    answers.filter(({ verdict }) => holds(verdict)).length
  const sum = (of: (answer: Answer) => number): number => answers.reduce((total, each) => total + of(each), 0)
  const tasks = samplingTasks()
  const halfOf = (half: number): HalfResult => {
    const own = answers.filter(({ task }) => tasks.findIndex(({ text }) => text === task.text) % 2 === half)
    const good = own.filter(({ verdict }) => isGood(verdict)).length
    return { answers: own.length, good, distinct: distinctOf(setting, own) }
  }
  const scored = answers.filter(({ seed }) => seed === SEEDS[0])
  const scoredTokens = scored.reduce((total, { tokens }) => total + tokens, 0)
  return {
    setting,
    answers: answers.length,
    good: count(isGood),
    halves: [halfOf(0), halfOf(1)],
    loop: count(({ loop }) => loop),
    script: count(({ script }) => script),
    cut: count(({ cut }) => cut),
    empty: count(({ empty }) => empty),
    refusal: count(({ refusal }) => refusal),
    checked: count(({ right }) => right !== undefined),
    right: count(({ right }) => right === true),
    distinct: distinctOf(setting, answers),
    logprob: Number((sum((answer) => answer.logprob) / scoredTokens).toFixed(4)),
    tokens: sum((answer) => answer.tokens),
  }
}

/** What was measured before of the same prompts, or nothing. */
function before(model: string): SamplingResults {
  const frame = { model, prompts: samplingTasks().length, seeds: SEEDS, maxTokens: MAX_TOKENS }
  const none = { ...frame, settings: [], tasks: [] }
  if (!existsSync(RESULTS_FILE)) return none
  const { settings: all, tasks, ...old } = JSON.parse(readFileSync(RESULTS_FILE, 'utf8')) as SamplingResults
  // Of older measurements it is not known what each half gave.
  const settings = all.filter(({ halves }: Partial<SettingResult>) => halves !== undefined)
  if (settings.length < all.length) return none
  return JSON.stringify(old) === JSON.stringify(frame) ? { ...frame, settings, tasks } : none
}

/** Measures the settings that are not in the results yet, and writes these after each. */
async function measure(name: string): Promise<void> {
  const local = await openLocal(name, { window: undefined, sinks: 4 })
  const results = before(local.id)
  const done = new Set(results.settings.map(({ setting }) => JSON.stringify(setting)))
  for (const setting of SETTINGS.filter((each) => !done.has(JSON.stringify(each)))) {
    const answers = await answersUnder(local, setting)
    results.settings.push(summed(setting, answers))
    for (const [task, own] of Map.groupBy(answers, ({ task }) => task.task)) {
      const share = Number((own.filter(({ verdict }) => isGood(verdict)).length / own.length).toFixed(3))
      const known = results.tasks.find((each) => each.task === task)
      if (known !== undefined) known.good.push(share)
      else results.tasks.push({ task, prompts: new Set(own.map((each) => each.task)).size, good: [share] })
    }
    console.log(JSON.stringify(results.settings.at(-1)))
    if (process.env['SHOW'] !== undefined)
      for (const { task, text, verdict } of answers)
        console.error(JSON.stringify({ asked: task.text, text, verdict }))
    writeFileSync(RESULTS_FILE, `${JSON.stringify(results, undefined, 2)}\n`)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await measure(process.argv[2] ?? 'smollm2-135m-instruct')
