// `npm run mount`: what a mounted API costs a request beside the API as it is, in workerd, in turns.
// A Worker sends itself requests in a row and is timed from outside, since its own clock stands still.

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { prepareModel } from './lib/model.ts'
import { MOUNT_GOAL_MS, type MountResult } from './lib/mount-result.ts'
import { commit, compactJson, describeMachine, median } from './lib/results.ts'
import { BenchError, ROOT } from './lib/setup.ts'
import { startMounted } from './lib/worker.ts'

const USAGE = `npm run mount -- [--rounds N] [--count N] [--save]
  --rounds N  of one row of requests each way (21)
  --count N   requests in a row (2000)
  --save      keeps all values in docs/results/mount.json; then npm run docs`

const RESULTS = `${ROOT}/docs/results/mount.json`
const WAYS = ['alone', 'mounted'] as const

/** Milliseconds a request. */
async function timed(url: string, way: string, count: number): Promise<number> {
  const began = performance.now()
  const response = await fetch(`${url}/${way}?count=${count}`)
  const said = await response.text()
  const spent = performance.now() - began
  if (said !== '[200]') throw new BenchError(`${way}: ${response.status} ${said.slice(0, 300)}`)
  return spent / count
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '21' },
      count: { type: 'string', default: '2000' },
      save: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  const [rounds, count] = [Number(values.rounds), Number(values.count)]
  if (values.help === true) return console.log(USAGE)
  if (!(rounds >= 1 && count >= 1)) throw new BenchError(USAGE)
  prepareModel()
  const machine = await describeMachine()
  const result: MountResult = { machine, commit: commit(ROOT), count, rounds: [] }
  const worker = await startMounted()
  try {
    for (let round = -2; round < rounds; round++) {
      const spent = { alone: 0, mounted: 0 }
      for (const way of round % 2 === 0 ? WAYS : WAYS.toReversed())
        spent[way] = await timed(worker.url, way, count)
      if (round >= 0) result.rounds.push(spent)
    }
  } finally {
    await worker.stop()
  }
  const adds = median(result.rounds.map(({ alone, mounted }) => mounted - alone))
  const words = WAYS.map((way) => `${way} ${median(result.rounds.map((round) => round[way])).toFixed(4)} ms`)
  console.log(`${words.join(', ')}: mounting adds ${adds.toFixed(4)} ms a request`)
  if (values.save === true) writeFileSync(RESULTS, `${compactJson(result)}\n`)
  if (adds > MOUNT_GOAL_MS) throw new BenchError(`the goal is ${MOUNT_GOAL_MS} ms`)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

try {
  await main()
} catch (error) {
  if (!(error instanceof BenchError)) throw error
  console.error(`mount: ${error.message}`)
  process.exitCode = 1
}
