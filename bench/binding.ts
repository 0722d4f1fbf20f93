// `npm run binding`: tokens a second and the first token through the binding, beside those over HTTP, in turns.
// Two workers run, one of them at work: a Worker that passes requests on to an Islet beside it in one `wrangler dev`, by fetch and
// through the binding, which are compared; and Islet alone, asked without that hop.

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { table } from '../tools/markdown.ts'
import { BINDING_GOAL, WAYS, type Answer, type BindingResult, type Way } from './lib/binding-result.ts'
import { Client } from './lib/client.ts'
import { MODEL, prepareModel } from './lib/model.ts'
import { commit, compactJson, describeMachine, median } from './lib/results.ts'
import { BenchError, ROOT } from './lib/setup.ts'
import { startBound, startIslet, untilHealthy } from './lib/worker.ts'

const USAGE = `npm run binding -- [--rounds N] [--tokens N] [--save]
  --rounds N  of one answer each way (21)
  --tokens N  of an answer (256)
  --save      keeps all values in docs/results/binding.json; then npm run docs`

const RESULTS = `${ROOT}/docs/results/binding.json`
const PATHS: Readonly<Record<Way, string>> = {
  http: '/v1/chat/completions',
  fetch: '/v1/chat/completions',
  binding: '/binding',
}
const WORDS = 60

/** A question that no other begins like. */
function question(serial: number): string {
  return `${serial} ${Array.from({ length: WORDS }, (_, i) => `word${(i * 7 + serial) % 97}`).join(' ')}`
}

async function ask(client: Client, way: Way, serial: number, tokens: number): Promise<Answer> {
  const messages = [{ role: 'user', content: question(serial) }]
  const settings = { model: MODEL, max_tokens: tokens, temperature: 0, ignore_eos: true, store: false }
  const { arrivals, usage } = await client.stream(PATHS[way], { ...settings, messages })
  if (usage.completionTokens !== tokens) throw new BenchError(`${way}: ${usage.completionTokens} tokens`)
  return { first: arrivals[0], decode: arrivals[arrivals.length - 1] - arrivals[0], tokens }
}

function print(rounds: BindingResult['rounds']): boolean {
  const speed = ({ tokens, decode }: Answer): number => (tokens - 1) / decode
  const of = (way: Way, value: (answer: Answer) => number): number =>
    median(rounds.map((round) => value(round[way])))
  const rows = WAYS.map((way) => {
    const [rate, first] = [of(way, speed), of(way, (answer) => answer.first)]
    // Of each round by itself: what else the machine does changes from round to round.
    const ratios = [
      median(rounds.map((round) => speed(round[way]) / speed(round.fetch))),
      median(rounds.map((round) => round.fetch.first / round[way].first)),
    ]
    return [way, rate.toFixed(1), ratios[0].toFixed(3), (1000 * first).toFixed(0), ratios[1].toFixed(3)]
  })
  console.log(table(['way', 'tokens a second', 'of fetch', 'first token, ms', 'speed of fetch'], rows))
  const [, , rate, , first] = rows[WAYS.indexOf('binding')]
  return Number(rate) >= BINDING_GOAL && Number(first) >= BINDING_GOAL
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '21' },
      tokens: { type: 'string', default: '256' },
      save: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  const [count, tokens] = [Number(values.rounds), Number(values.tokens)]
  if (values.help === true) return console.log(USAGE)
  if (!(count >= 1 && tokens >= 2)) throw new BenchError(USAGE)
  prepareModel()
  const machine = await describeMachine()
  const rounds: BindingResult['rounds'] = []
  const islet = await startIslet()
  const bound = await startBound().catch(async (error: unknown) => {
    await islet.stop()
    throw error
  })
  const [alone, caller] = [new Client(islet.url), new Client(bound.url)]
  try {
    for (const worker of [islet, bound]) await untilHealthy(worker)
    let serial = 0
    for (let round = -1; round < count; round++) {
      console.error(round < 0 ? 'warming up' : `round ${round + 1} of ${count}`)
      const answers: Partial<Record<Way, Answer>> = {}
      for (const way of round % 2 === 0 ? WAYS : WAYS.toReversed())
        answers[way] = await ask(way === 'http' ? alone : caller, way, ++serial, tokens)
      if (round >= 0) rounds.push(answers as Record<Way, Answer>)
    }
  } finally {
    for (const client of [alone, caller]) client.close()
    for (const worker of [islet, bound]) await worker.stop()
  }
  const kept = print(rounds)
  const result: BindingResult = { model: MODEL, machine, commit: commit(ROOT), rounds }
  if (values.save === true) writeFileSync(RESULTS, `${compactJson(result)}\n`)
  if (!kept) throw new BenchError(`the goal is ${BINDING_GOAL} of fetch`)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

try {
  await main()
} catch (error) {
  if (!(error instanceof BenchError)) throw error
  console.error(`binding: ${error.message}`)
  process.exitCode = 1
}
