// Decoding far into a session beside decoding near its start, under the same window: two sequences live in one object
// (engine-worker/, whose pool has room for both; the worker's own holds one full window), continued in turns.

import { Agent, request } from 'node:http'
import type { EngineCall } from './engine-worker/worker.ts'
import { promptIds } from './lib/cases.ts'
import { windowMeasures } from './lib/measures.ts'
import { MODEL, prepareModel } from './lib/model.ts'
import { FORMATS, type WindowResult } from './lib/result-types.ts'
import { describeMachine, median, printTable, writeResult } from './lib/results.ts'
import { BenchError } from './lib/setup.ts'
import { printMeasures } from './lib/verdicts.ts'
import { startEngineWorker } from './lib/worker.ts'

const WINDOW = 1024
const SINKS = 4
const CHUNK = 16
const NEAR = 1100
const FAR = 10_000

/** Of one side of a pair. */
const TOKENS = 32

/** Prints both medians and their ratio, and writes results/window.json. */
export async function window({ pairs }: { pairs: number }): Promise<void> {
  const machine = await describeMachine()
  prepareModel()
  const worker = await startEngineWorker()
  const agent = new Agent({ keepAlive: true, maxSockets: 1, noDelay: true })
  const call = (body: EngineCall): Promise<number> => post(worker.url, agent, body)
  const seconds: { near: number[]; far: number[] } = { near: [], far: [] }
  try {
    const job = { window: WINDOW, sinks: SINKS, chunk: CHUNK, sequences: 2 }
    await call({ call: 'load', model: MODEL, job })
    console.error(`prefill of ${NEAR} and ${FAR} tokens`)
    await call({ call: 'open', name: 'near', ids: promptIds(NEAR, 1) })
    await call({ call: 'open', name: 'far', ids: promptIds(FAR, 2) })
    for (let pair = -1; pair < pairs; pair++) {
      const order = ['near', 'far'] as const
      for (const name of pair % 2 === 0 ? order : order.toReversed()) {
        const took = await call({ call: 'decode', name, tokens: TOKENS })
        // Pair -1 warms up.
        if (pair >= 0) seconds[name].push(took)
      }
    }
  } finally {
    agent.destroy()
    await worker.stop()
  }
  const result: WindowResult = {
    name: 'window',
    format: FORMATS.window,
    model: MODEL,
    machine,
    window: WINDOW,
    sinks: SINKS,
    tokens: TOKENS,
    near: { position: NEAR, seconds: seconds.near },
    far: { position: FAR, seconds: seconds.far },
  }
  const milliseconds = (values: number[]): string => ((median(values) / TOKENS) * 1e3).toFixed(2)
  printTable(
    [`ms a token, medians of ${pairs}`, `from ${NEAR}`, `from ${FAR}`],
    [[`window ${WINDOW}`, milliseconds(seconds.near), milliseconds(seconds.far)]],
  )
  printMeasures(windowMeasures(result))
  writeResult(result)
}

/** Seconds from sending to the whole answer. fetch would give up after five minutes of prefill. */
async function post(url: string, agent: Agent, call: EngineCall): Promise<number> {
  const bytes = Buffer.from(JSON.stringify(call))
  return await new Promise((done, fail) => {
    const start = process.hrtime.bigint()
    const headers = { 'content-type': 'application/json', 'content-length': bytes.length }
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (data: string) => (text += data))
      response.on('error', fail)
      response.on('end', () => {
        if (response.statusCode === 200) done(Number(process.hrtime.bigint() - start) / 1e9)
        else fail(new BenchError(`engine worker, ${call.call}: ${response.statusCode} ${text.slice(0, 300)}`))
      })
    })
    sent.on('error', fail)
    sent.end(bytes)
  })
}
