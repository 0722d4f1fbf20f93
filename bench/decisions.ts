// `npm run decisions -- MODEL`: how well a packed model decides the texts of bench/data/decisions.json, by the code of the
// endpoint, into docs/results/decisions-MODEL.json. The even texts of each task chose the form, the odd ones count here.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openLocal } from '../cli/lib/local.ts'
import { scoredPrompts } from '../src/api/decisions/prompts.ts'
import { decisionReply } from '../src/api/decisions/reply.ts'
import { parseDecision, type Calibration, type Question } from '../src/api/decisions/schema.ts'
import { ROOT } from '../tools/root.ts'

export type Answer = string | boolean | number

type Task = {
  name: string
  question: { type: Question['type'] } & Record<string, unknown>
  texts: { text: string; answer: Answer }[]
}

/** Decisions whose probability of the answer given lay in one tenth: its mean, and the share that was right. */
export type Bin = { count: number; probability: number; right: number }

export type Scored = {
  right: number
  /** Mean over texts of the squares of what each option's probability is off, summed over options. */
  brier: number
  bins: Bin[]
}

export type TaskResult = {
  name: string
  type: Question['type']
  options: number
  count: number
  /** Right answers of whoever always gives the commonest one. */
  majority: number
  calibrated: Scored
  raw: Scored
  /** A decision of one question, with its prior kept: the median of seconds of processor time. */
  seconds: number
}

export type DecisionResults = { model: string; tasks: TaskResult[] }

/** The evaluation set. */
export function evaluationTasks(): Task[] {
  const text = readFileSync(`${ROOT}bench/data/decisions.json`, 'utf8')
  return (JSON.parse(text) as { tasks: Task[] }).tasks
}

export function resultsFile(model: string): string {
  return `${ROOT}docs/results/decisions-${model}.json`
}

type Guess = { probabilities: number[]; answer: number }

/** The half that was not looked at when the form was chosen. */
export function heldOut({ texts }: Task): Task['texts'] {
  return texts.filter((_, index) => index % 2 === 1)
}

/** The options of a task, as answers name them. */
function optionsOf({ question }: Task): Answer[] {
  if (question.type === 'predicate') return [true, false]
  if (question.type === 'choice')
    return (question['choices'] as { value: Answer }[]).map(({ value }) => value)
  return (question['levels'] as unknown[]).map((_, level) => level)
}

async function measure(name: string): Promise<DecisionResults> {
  const local = await openLocal(name, { window: undefined, sinks: 4 })
  const tasks: TaskResult[] = []
  for (const task of evaluationTasks()) {
    const options = optionsOf(task)
    const guesses: Record<Calibration, Guess[]> = { content_free: [], none: [] }
    const seconds: number[] = []
    for (const { text, answer } of heldOut(task)) {
      const order = parseDecision({ model: local.id, input: text, questions: [task.question] })
      const begun = process.cpuUsage()
      for await (const event of local.score(scoredPrompts(order))) {
        if (event.type !== 'scores') continue
        const { user, system } = process.cpuUsage(begun)
        seconds.push((user + system) / 1e6)
        for (const calibration of ['content_free', 'none'] as const) {
          const reply = decisionReply({ ...order, calibration }, local.id, event)
          guesses[calibration].push({
            probabilities: probabilitiesOf(reply),
            answer: options.indexOf(answer),
          })
        }
      }
    }
    const answers = guesses.none.map((guess) => guess.answer)
    const counts = options.map((_, option) => answers.filter((answer) => answer === option).length)
    tasks.push({
      name: task.name,
      type: task.question.type,
      options: options.length,
      count: answers.length,
      majority: Math.max(...counts),
      calibrated: scored(guesses.content_free),
      raw: scored(guesses.none),
      seconds: median(seconds),
    })
    const { count, calibrated, raw } = tasks[tasks.length - 1]
    console.log(`${task.name}: ${calibrated.right} of ${count} right, ${raw.right} uncalibrated`)
  }
  return { model: local.id, tasks }
}

/** Of each option, out of a reply to one question. */
function probabilitiesOf(reply: object): number[] {
  const { answers } = reply as {
    answers: { probability?: number; probabilities?: { probability: number }[] }[]
  }
  const [{ probability, probabilities }] = answers
  if (probabilities !== undefined) return probabilities.map((each) => each.probability)
  const holds = probability ?? NaN
  return [holds, 1 - holds]
}

function scored(guesses: readonly Guess[]): Scored {
  const bins = Array.from({ length: 10 }, (): Bin => ({ count: 0, probability: 0, right: 0 }))
  let right = 0
  let brier = 0
  for (const { probabilities, answer } of guesses) {
    const most = Math.max(...probabilities)
    const isRight = probabilities.indexOf(most) === answer
    const bin = bins[Math.min(9, Math.floor(most * 10))]
    bin.count += 1
    bin.probability += most
    if (isRight) {
      bin.right += 1
      right += 1
    }
    brier += probabilities.reduce((sum, each, i) => sum + (each - Number(i === answer)) ** 2, 0)
  }
  for (const bin of bins) if (bin.count > 0) bin.probability /= bin.count
  return { right, brier: brier / guesses.length, bins }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [model] = process.argv.slice(2)
  const results = await measure(model)
  mkdirSync(`${ROOT}docs/results`, { recursive: true })
  writeFileSync(resultsFile(results.model), `${JSON.stringify(results, undefined, 2)}\n`)
}
