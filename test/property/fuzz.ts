// `npm run fuzz [-- --requests N --seed N --save]` sends generated requests to the worker with the embedded model, and judges each.
// It ends with 1 where one was answered badly, and prints it. `--save` writes docs/results/fuzz.json.

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { number } from '../../cli/lib/options.ts'
import type { FuzzResult } from '../../report/lib/fuzz-tables.ts'
import { buildKernels } from '../../tools/build.ts'
import { ROOT } from '../../tools/root.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { startWorker } from '../helpers/worker.ts'
import { requests } from './requests.ts'
import { Run, told } from './run.ts'

const MOST_SHOWN = 40
/** Requests are made in runs of so many, each with the next seed. */
const BATCH = 500

const { values } = parseArgs({
  options: {
    requests: { type: 'string' },
    seed: { type: 'string' },
    save: { type: 'boolean', default: false },
  },
})
const wanted = values.requests === undefined ? 10_000 : number(values.requests, '--requests', 1, 1_000_000)
const seed = values.seed === undefined ? 1 : number(values.seed, '--seed', 0, 2 ** 31 - 1)

buildKernels()
const worker = await startWorker(TINY_FOLDER)
const run = new Run({ send: (path, init) => fetch(`${worker.url}${path}`, init), model: worker.model })
const kinds: Record<string, Record<string, number>> = {}
const faults: string[] = []
const began = performance.now()
try {
  for (let sent = 0; sent < wanted;) {
    const batch = fc.sample(requests(), {
      seed: seed + sent / BATCH,
      numRuns: Math.min(BATCH, wanted - sent),
    })
    for (const request of batch) {
      const { status, problem } = await run.send(request)
      const after = await run.good()
      const counts = (kinds[request.kind] ??= {})
      counts[status] = (counts[status] ?? 0) + 1
      for (const fault of [problem, after]) {
        if (fault === undefined) continue
        faults.push(fault)
        if (faults.length <= MOST_SHOWN) process.stdout.write(`${fault}\n${told(request)}\n\n`)
      }
    }
    sent += batch.length
    process.stderr.write(`${sent} of ${wanted}, ${faults.length} answered badly\n`)
  }
  const ours = worker
    .log()
    .split('\n')
    .filter((line) => /"code":"internal_error"|Uncaught/.test(line))
  for (const line of ours) faults.push(`a failure of ours in the log: ${line.slice(0, 500)}`)
  for (const fault of faults.slice(-ours.length || faults.length))
    if (ours.length > 0) process.stdout.write(`${fault}\n`)
} finally {
  await worker.stop()
}
const result: FuzzResult = {
  model: worker.model,
  seed,
  requests: wanted,
  seconds: Math.round((performance.now() - began) / 1000),
  slowestMs: Math.round(run.slowestMs),
  badly: faults.length,
  kinds,
}
const json = `${JSON.stringify(result, undefined, 2)}\n`
process.stdout.write(json)
if (values.save) writeFileSync(`${ROOT}docs/results/fuzz.json`, json)
process.exitCode = faults.length === 0 ? 0 : 1
