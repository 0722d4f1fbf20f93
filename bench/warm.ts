// The first token of a warm second chat turn (history sent again plus a short question), beside the prefill of as
// many fresh tokens alone: one worker, each round one of each in turns.

import { promptIds } from './lib/cases.ts'
import { Client } from './lib/client.ts'
import { MODEL, prepareModel } from './lib/model.ts'
import { FORMATS, type WarmResult } from './lib/result-types.ts'
import { describeMachine, median, printTable, writeResult } from './lib/results.ts'
import { BenchError } from './lib/setup.ts'
import { startIslet, untilHealthy } from './lib/worker.ts'

const ANSWER = 32
const FACTS =
  'A lighthouse stands on the northern cape of the island. It was built of granite in four summers, because the sea ' +
  'let the boats land only between May and August. The keeper climbs two hundred and six steps each evening, trims ' +
  'the lamp, winds the clockwork that turns the lens, and writes the weather into a book. On clear nights the light ' +
  'is seen from thirty miles away; in fog a bell rings every half minute, and fishermen steer by its sound. '
const QUESTION = 'How many steps does the keeper climb each evening, and what does he write in the book?'

type Turn = WarmResult['turns'][number]

/** Prints both medians and the ratio, and writes results/warm.json. */
export async function warm(rounds: number): Promise<void> {
  const machine = await describeMachine()
  prepareModel()
  const worker = await startIslet()
  const client = new Client(worker.url)
  const turns: Turn[] = []
  const alone: number[] = []
  try {
    await untilHealthy(worker)
    for (let round = -1; round < rounds; round++) {
      // Round -1 warms up.
      const turn = await secondTurn(client, round)
      const prefill = await client.complete(MODEL, promptIds(turn.newTokens, round + 1), 1)
      if (prefill.usage.cachedTokens !== 0) throw new BenchError('the fresh prompt was not fresh')
      if (round >= 0) {
        turns.push(turn)
        alone.push(prefill.arrivals[0])
      }
    }
  } finally {
    client.close()
    await worker.stop()
  }
  const first = median(turns.map((turn) => turn.seconds))
  const ratio = first / median(alone)
  printTable(
    ['milliseconds, medians', 'second turn', 'new tokens alone', 'ratio'],
    [
      [
        `warm, ${turns[0].newTokens} new`,
        (first * 1e3).toFixed(1),
        (median(alone) * 1e3).toFixed(1),
        ratio.toFixed(2),
      ],
    ],
  )
  const result: WarmResult = {
    name: 'warm',
    format: FORMATS.warm,
    model: MODEL,
    machine,
    ratio,
    turns,
    alone,
  }
  writeResult(result)
}

async function secondTurn(client: Client, round: number): Promise<Turn> {
  const options = { model: MODEL, temperature: 0, ignore_eos: true, max_tokens: ANSWER }
  // The number makes the conversation a new one: nothing of an older round is reused.
  const messages = [{ role: 'user', content: `Story ${round + 2}. ${FACTS}What is the story about?` }]
  const first = await client.stream('/v1/chat/completions', { ...options, messages })
  const history = [
    ...messages,
    { role: 'assistant', content: first.text },
    { role: 'user', content: QUESTION },
  ]
  const second = await client.stream('/v1/chat/completions', { ...options, messages: history })
  const { promptTokens, cachedTokens } = second.usage
  if (cachedTokens < first.usage.promptTokens)
    throw new BenchError(`second turn reused only ${cachedTokens} tokens: not warm`)
  return { seconds: second.arrivals[0], newTokens: promptTokens - cachedTokens, cachedTokens }
}
