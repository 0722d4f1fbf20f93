// A cold object's first token (32-token prompt), beside merely streaming the same bytes from the assets binding into
// linear memory: a fresh wrangler dev per side and round, in turns. Both times are taken by the client.

import { promptIds } from './lib/cases.ts'
import { Client } from './lib/client.ts'
import { coldMeasures } from './lib/measures.ts'
import { MODEL, prepareModel } from './lib/model.ts'
import { FORMATS, type ColdResult } from './lib/result-types.ts'
import { describeMachine, median, printTable, writeResult } from './lib/results.ts'
import { BenchError } from './lib/setup.ts'
import { printMeasures } from './lib/verdicts.ts'
import { startIslet, startStreamWorker } from './lib/worker.ts'

const PROMPT = 32

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

/** Seconds until every shard lies in the linear memory of a cold object. */
export async function streamIntoMemory(folder?: string): Promise<number> {
  const worker = await startStreamWorker(folder)
  try {
    const start = process.hrtime.bigint()
    const response = await fetch(`${worker.url}/load`)
    const text = await response.text()
    if (response.status !== 200)
      throw new BenchError(`stream worker: ${response.status} ${text.slice(0, 300)}`)
    return Number(process.hrtime.bigint() - start) / 1e9
  } finally {
    await worker.stop()
  }
}
