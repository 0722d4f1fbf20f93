// Gaps between the tokens of a session that decodes while a prompt of 1,000 ids is read beside it, and that prompt's own time
// beside its time alone: one key for both, and a key for each. Fresh processes, the prompt in turns alone and beside.

import { createHash } from 'node:crypto'
import { promptIds } from './lib/cases.ts'
import { Client } from './lib/client.ts'
import { gapsMeasures } from './lib/measures.ts'
import { MODEL, prepareModel } from './lib/model.ts'
import { FORMATS, type GapsCase, type GapsResult, type GapsVisit } from './lib/result-types.ts'
import { describeMachine, median, printTable, writeResult } from './lib/results.ts'
import { BenchError } from './lib/setup.ts'
import { printMeasures } from './lib/verdicts.ts'
import { startIslet, untilHealthy } from './lib/worker.ts'

/** Ids of the prompt that is read, and of the one whose answer decodes. */
const PROMPT = 1000
const DECODING = 64
/** Tokens of that answer; the prompt comes when so many are there, and must be read before the last. */
const TOKENS = 192
const BEFORE = 32
/** So that the pool of pages holds both sessions. */
const WINDOW = 1408

const KEYS = ['gaps-key-of-a', 'gaps-key-of-b']

/** Prints gaps and times of both cases, and writes results/gaps.json. */
export async function gaps(options: { rounds: number; repetitions: number }): Promise<void> {
  const machine = await describeMachine()
  prepareModel()
  const cases: GapsCase[] = [
    { keys: 1, visits: [] },
    { keys: 2, visits: [] },
  ]
  for (let round = 0; round < options.rounds; round++)
    for (const one of round % 2 === 0 ? cases : cases.toReversed()) {
      console.error(`round ${round + 1} of ${options.rounds}: ${one.keys} key${one.keys === 1 ? '' : 's'}`)
      one.visits.push(...(await visits(one.keys, options.repetitions)))
    }
  const result: GapsResult = {
    name: 'gaps',
    format: FORMATS.gaps,
    model: MODEL,
    machine,
    window: WINDOW,
    prompt: PROMPT,
    decoding: DECODING,
    cases,
  }
  printGaps(result)
  printMeasures(gapsMeasures(result))
  writeResult(result)
}

/** One process: the prompt alone and beside the other session, in turns; the first visit warms up. */
async function visits(keys: number, repetitions: number): Promise<GapsVisit[]> {
  const hashes = KEYS.map((key) => createHash('sha256').update(key).digest('hex')).join(',')
  const worker = await startIslet({ WINDOW, API_KEYS: hashes })
  const [decoder, reader] = [new Client(worker.url), new Client(worker.url)]
  try {
    await untilHealthy(worker)
    const all: GapsVisit[] = []
    for (let r = 0; r <= repetitions; r++) {
      const ask = (): Promise<number> => firstToken(reader, KEYS[keys - 1], 3 * r + 1)
      const alone = await ask()
      const other = await beside(decoder, 3 * r, () => firstToken(reader, KEYS[keys - 1], 3 * r + 2))
      if (r > 0) all.push({ alone, ...other })
    }
    return all
  } finally {
    decoder.close()
    reader.close()
    await worker.stop()
  }
}

const GREEDY = { model: MODEL, temperature: 0, ignore_eos: true, store: false }

/** Seconds from sending a fresh prompt to its first token. */
async function firstToken(client: Client, key: string, serial: number): Promise<number> {
  const body = { ...GREEDY, prompt: promptIds(PROMPT, serial), max_tokens: 1 }
  const { arrivals, usage } = await client.stream('/v1/completions', body, bearer(key))
  if (usage.cachedTokens !== 0) throw new BenchError('the fresh prompt was not fresh')
  return arrivals[0]
}

/**
 * Asks in the middle of an answer. Gaps while it was read: those that lie between the sending and the first token, that in which
 * this one came included.
 */
async function beside(
  client: Client,
  serial: number,
  ask: () => Promise<number>,
): Promise<Omit<GapsVisit, 'alone'>> {
  const start = performance.now()
  let asked: Promise<{ sent: number; seconds: number }> | undefined
  const begin = async (): Promise<{ sent: number; seconds: number }> => {
    const sent = (performance.now() - start) / 1e3
    return { sent, seconds: await ask() }
  }
  const body = { ...GREEDY, prompt: promptIds(DECODING, serial), max_tokens: TOKENS }
  const { arrivals } = await client.stream('/v1/completions', body, bearer(KEYS[0]), (count) => {
    if (count === BEFORE) asked = begin()
  })
  if (asked === undefined) throw new BenchError(`the answer had fewer than ${BEFORE} chunks`)
  const { sent, seconds } = await asked
  const over = sent + seconds
  if (over > arrivals[arrivals.length - 1])
    throw new BenchError(`the answer ended ${(over - arrivals[arrivals.length - 1]).toFixed(2)} s too early`)
  const spans = arrivals.slice(1).map((at, i) => ({ from: arrivals[i], to: at, gap: at - arrivals[i] }))
  return {
    beside: seconds,
    gaps: spans.filter(({ from, to }) => to > sent && from < over).map(({ gap }) => gap),
    usual: spans.filter(({ to }) => to <= sent).map(({ gap }) => gap),
  }
}

function bearer(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` }
}

function printGaps({ cases }: GapsResult): void {
  const ms = (seconds: number): string => (seconds * 1e3).toFixed(1)
  const rows = cases.map(({ keys, visits: all }) => {
    const between = all.map((visit) => visit.gaps)
    return [
      `${keys} key${keys === 1 ? '' : 's'}`,
      ms(median(all.flatMap(({ usual }) => usual))),
      ms(median(between.flat())),
      ms(median(between.map((each) => Math.max(...each)))),
      ms(Math.max(...between.flat())),
      ms(median(all.map(({ alone }) => alone))),
      ms(median(all.map((visit) => visit.beside))),
    ]
  })
  printTable(['ms', 'usual', 'gap', 'longest', 'of all', 'alone', 'beside'], rows)
}
