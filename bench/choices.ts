// `npm run choices`: eight answers to one prompt beside one answer, and beside eight sessions of that prompt.
//
// Pairs are interleaved, so that what else the machine does falls on both. Milliseconds are wall time: a quiet machine alone gives figures worth
// keeping.

import type { Local } from '../cli/lib/local.ts'
import { DEFAULT_SAMPLING } from '../src/protocol/generation.ts'
import type { ChoicesResult } from './lib/choices-result.ts'
import { pairedSpeed, type PairedHead } from './lib/paired-speed.ts'
import { median } from './lib/results.ts'

const USAGE = `npm run choices -- [--model FOLDER] [--pairs N] [--tokens N] [--save]
  --model FOLDER  a packed model (models/smollm2-135m-instruct)
  --pairs N       of each comparison (11)
  --tokens N      of each answer beside sessions (96)
  --save          keeps docs/results/choices.json; then npm run docs`

const ANSWERS = 8
const PROMPTS = [64, 256, 1024]
const BESIDE_SESSIONS = 256

let prompts = 0
/** Ids of a prompt that no other begins like. */
function newPrompt(length: number): number[] {
  prompts += 1
  return Array.from({ length }, (_, i) => 1000 + ((i * 7919 + prompts * 104_729) % 40_000))
}

/** Milliseconds that a request takes; throws where it has not that many tokens. */
async function time(
  local: Local,
  ids: number[],
  choices: number,
  maxTokens: number,
  seed = 0,
): Promise<number> {
  const begin = performance.now()
  let tokens = 0
  for await (const event of local.generate({
    prompt: { kind: 'ids', ids },
    maxTokens,
    ignoreEos: true,
    sampling: { ...DEFAULT_SAMPLING, seed },
    ...(choices > 1 && { choices }),
  }))
    if (event.type === 'finish') tokens = event.usage.completionTokens
  if (tokens !== choices * maxTokens) throw new Error(`${tokens} tokens of ${choices} answers`)
  return performance.now() - begin
}

async function timeSessions(local: Local, ids: number[], tokens: number): Promise<number> {
  const begin = performance.now()
  await Promise.all(Array.from({ length: ANSWERS }, (_, seed) => time(local, ids, 1, tokens, seed)))
  return performance.now() - begin
}

/** Times of both ways, each first as often as the other; the first pair warms up. */
async function pairsOf(
  pairs: number,
  ways: readonly [() => Promise<number>, () => Promise<number>],
): Promise<[number[], number[]]> {
  const times: [number[], number[]] = [[], []]
  for (let pair = -1; pair < pairs; pair++)
    for (const way of pair % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const taken = await ways[way]()
      if (pair >= 0) times[way].push(taken)
    }
  return times
}

async function measurePrefill(local: Local, pairs: number): Promise<ChoicesResult['prefill']> {
  const rows: ChoicesResult['prefill'] = []
  for (const prompt of PROMPTS) {
    const [one, all] = await pairsOf(pairs, [
      () => time(local, newPrompt(prompt), 1, 1),
      () => time(local, newPrompt(prompt), ANSWERS, 1),
    ])
    const ratio = median(all.map((ms, i) => ms / one[i]))
    rows.push({ prompt, one: median(one), all: median(all), ratio })
    console.log(
      `first tokens behind ${prompt}: ${median(one).toFixed(1)} ms, all ${median(all).toFixed(1)}: ${ratio.toFixed(3)}`,
    )
  }
  return rows
}

async function measureTogether(
  local: Local,
  pairs: number,
  tokens: number,
): Promise<ChoicesResult['together']> {
  const rows: ChoicesResult['together'] = []
  for (const cached of [false, true]) {
    const prompt = async (): Promise<number[]> => {
      const ids = newPrompt(BESIDE_SESSIONS)
      if (cached) await time(local, ids, 1, 1)
      return ids
    }
    const begun = async (way: (ids: number[]) => Promise<number>): Promise<number> => way(await prompt())
    const [answers, sessions] = await pairsOf(pairs, [
      () => begun((ids) => time(local, ids, ANSWERS, tokens)),
      () => begun((ids) => timeSessions(local, ids, tokens)),
    ])
    const rate = (times: number[]): number => (1000 * ANSWERS * tokens) / median(times)
    const ratio = median(sessions.map((ms, i) => ms / answers[i]))
    rows.push({
      ...{ prompt: BESIDE_SESSIONS, tokens, cached },
      ...{ answers: rate(answers), sessions: rate(sessions), ratio },
    })
    console.log(
      `a prompt that is ${cached ? 'cached' : 'new'}: ${rate(answers).toFixed(1)} tokens/s, of sessions ${rate(sessions).toFixed(1)}: ${ratio.toFixed(3)}`,
    )
  }
  return rows
}

await pairedSpeed<Omit<ChoicesResult, keyof PairedHead>>(
  { name: 'choices', usage: USAGE, tokens: 96 },
  async (local, pairs, tokens) => ({
    answers: ANSWERS,
    prefill: await measurePrefill(local, pairs),
    together: await measureTogether(local, pairs, tokens),
  }),
)
