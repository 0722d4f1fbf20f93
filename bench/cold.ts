// A cold object's first token, beside merely streaming the same bytes from the assets binding into linear memory: a fresh
// wrangler dev per side and round, in turns. Both times are taken by the client. Assets come from the disk, for a prompt of 32
// tokens, or over a link of 100 MB/s, for one of 256.

import { promptIds } from './lib/cases.ts'
import { Client } from './lib/client.ts'
import { coldMeasures, slowMeasures } from './lib/measures.ts'
import { MODEL, MODEL_FOLDER, prepareModel } from './lib/model.ts'
import { FORMATS, type ColdResult, type SlowResult } from './lib/result-types.ts'
import { describeMachine, median, printTable, writeResult } from './lib/results.ts'
import { BenchError } from './lib/setup.ts'
import { startSlowLink, type SlowLink } from './lib/slow-link.ts'
import { printMeasures } from './lib/verdicts.ts'
import { startIslet, startStreamWorker } from './lib/worker.ts'

const PROMPT = 32

const SLOW_PROMPT = 256
/** Bytes a second. */
const SLOW_RATE = 100e6

/** Prints both medians and the ratio, and writes results/cold.json. */
export async function cold(rounds: number): Promise<void> {
  const machine = await describeMachine()
  prepareModel()
  const firstToken: number[] = []
  const streaming: number[] = []
  for (let round = 0; round < rounds; round++) {
    console.error(`round ${round + 1} of ${rounds}`)
    const measure = [
      async () => firstToken.push(await coldFirstToken(round)),
      async () => streaming.push(await streamIntoMemory()),
    ]
    for (const side of round % 2 === 0 ? measure : measure.toReversed()) await side()
  }
  const ratio = median(firstToken) / median(streaming)
  const seconds = (value: number): string => value.toFixed(3)
  printTable(
    ['seconds, medians', 'first token', 'streaming', 'ratio'],
    [[`cold, ${PROMPT} tokens`, seconds(median(firstToken)), seconds(median(streaming)), ratio.toFixed(2)]],
  )
  const result: ColdResult = {
    name: 'cold',
    format: FORMATS.cold,
    model: MODEL,
    machine,
    prompt: PROMPT,
    ratio,
    firstToken,
    streaming,
  }
  printMeasures(coldMeasures(result))
  writeResult(result)
}

/** The same over a link; writes results/cold-slow.json. `root`: the checkout whose worker it is, of another nothing is written. */
export async function coldSlow(rounds: number, root?: string): Promise<void> {
  const machine = await describeMachine()
  prepareModel()
  const link = await startSlowLink(MODEL_FOLDER, SLOW_RATE)
  const firstToken: number[] = []
  const lastByte: number[] = []
  const streaming: number[] = []
  try {
    for (let round = 0; round < rounds; round++) {
      console.error(`round ${round + 1} of ${rounds}`)
      const measure = [
        async () => {
          const found = await slowFirstToken(round, link, root)
          firstToken.push(found.firstToken)
          lastByte.push(found.lastByte)
        },
        async () => streaming.push(await streamIntoMemory(undefined, link)),
      ]
      for (const side of round % 2 === 0 ? measure : measure.toReversed()) await side()
    }
  } finally {
    link.stop()
  }
  const result: SlowResult = {
    name: 'cold-slow',
    format: FORMATS['cold-slow'],
    model: MODEL,
    machine,
    prompt: SLOW_PROMPT,
    rate: SLOW_RATE,
    firstToken,
    lastByte,
    streaming,
  }
  const seconds = (values: readonly number[]): string => median(values).toFixed(3)
  printTable(
    ['seconds, medians', 'first token', 'last byte left', 'without a prompt'],
    [[`cold, ${SLOW_PROMPT} tokens`, seconds(firstToken), seconds(lastByte), seconds(streaming)]],
  )
  printMeasures(slowMeasures(result))
  if (root === undefined) writeResult(result)
}

/** Seconds from sending to the first token, and until the last byte of weights had left. */
async function slowFirstToken(
  round: number,
  link: SlowLink,
  root?: string,
): Promise<{ firstToken: number; lastByte: number }> {
  const worker = await startIslet({}, { root, assets: link.url })
  const client = new Client(worker.url)
  try {
    link.forget()
    const start = process.hrtime.bigint()
    const { arrivals, usage } = await client.complete(MODEL, promptIds(SLOW_PROMPT, round), 1)
    if (usage.cachedTokens !== 0)
      throw new BenchError(`${usage.cachedTokens} tokens of a cold object were reused`)
    return { firstToken: arrivals[0], lastByte: sinceStart(link, start) }
  } finally {
    client.close()
    await worker.stop()
  }
}

/** Seconds from then until the last byte of weights had left. */
function sinceStart(link: SlowLink, start: bigint): number {
  const last = link.lastByte()
  if (last === undefined) throw new BenchError('no weights came over the link')
  return Number(last - start) / 1e9
}

/** Seconds from the first request that a cold object gets to its first token; `root`: the checkout whose worker it is. */
export async function coldFirstToken(round: number, root?: string): Promise<number> {
  const worker = await startIslet({}, { root })
  const client = new Client(worker.url)
  try {
    return (await client.complete(MODEL, promptIds(PROMPT, round), 1)).arrivals[0]
  } finally {
    client.close()
    await worker.stop()
  }
}

/** Seconds until every shard lies in the linear memory of a cold object; over a link, until its last byte has left. */
export async function streamIntoMemory(folder?: string, link?: SlowLink): Promise<number> {
  const worker = await startStreamWorker(folder, link?.url)
  try {
    link?.forget()
    const start = process.hrtime.bigint()
    const response = await fetch(`${worker.url}/load`)
    const text = await response.text()
    if (response.status !== 200)
      throw new BenchError(`stream worker: ${response.status} ${text.slice(0, 300)}`)
    return link === undefined ? Number(process.hrtime.bigint() - start) / 1e9 : sinceStart(link, start)
  } finally {
    await worker.stop()
  }
}
