// The same decode in three hosts, each a fresh process, in turns: Node and headless Chromium run the engine by hand,
// workerd runs the whole worker over HTTP. The logits of all three are the same bits, or this fails.

import type { Case } from './lib/cases.ts'
import { caseRuns, promptIds } from './lib/cases.ts'
import { findChromium } from './lib/chromium.ts'
import { Client, timeCase } from './lib/client.ts'
import type { EngineJob, EngineReport } from './hosts/engine.ts'
import { runInChromium, runInNode } from './hosts/run.ts'
import { hostsMeasures } from './lib/measures.ts'
import { MODEL, prepareModel } from './lib/model.ts'
import { FORMATS, type HostsResult } from './lib/result-types.ts'
import { describeMachine, writeResult } from './lib/results.ts'
import { inTurns, type Variant } from './lib/rounds.ts'
import { BenchError } from './lib/setup.ts'
import { printMeasures } from './lib/verdicts.ts'
import { startIslet, untilHealthy } from './lib/worker.ts'
import { printSpeeds } from './speed.ts'

const CASE: Case = { prompt: 256, decode: 64 }

/** As wrangler.toml has them. */
const SETTINGS = { window: 1024, sinks: 4, chunk: 16 }

type HostReport = Pick<EngineReport, 'decode' | 'logitsSha256'>

/** Prints speeds and their spread, and writes results/hosts.json. */
export async function hosts(options: { rounds: number; repetitions: number }): Promise<void> {
  const { rounds, repetitions } = options
  const machine = await describeMachine()
  prepareModel()
  const chromium = findChromium()
  const job: EngineJob = { ids: promptIds(CASE.prompt, 0), decode: CASE.decode, repetitions, ...SETTINGS }
  const hashes: Record<string, string> = {}
  const host = (name: string, run: () => HostReport | Promise<HostReport>): Variant => ({
    name,
    async run() {
      const report = await run()
      hashes[name] ??= report.logitsSha256
      if (Object.values(hashes).some((hash) => hash !== report.logitsSha256))
        throw new BenchError(
          `the hosts disagree on the logits: ${JSON.stringify({ ...hashes, [name]: report.logitsSha256 })}`,
        )
      return [caseRuns(CASE, report.decode)]
    },
  })
  const measured = await inTurns(
    [
      host('node', () => runInNode(job)),
      host('chromium', () => runInChromium(chromium, job)),
      host('workerd', () => runInWorkerd(job)),
    ],
    rounds,
  )
  printSpeeds(measured.runs)
  const result: HostsResult = {
    name: 'hosts',
    format: FORMATS.hosts,
    model: MODEL,
    machine,
    chromium: chromium.version,
    logitsSha256: hashes,
    ...measured,
  }
  printMeasures(hostsMeasures(result))
  writeResult(result)
}

/** The whole worker: its warm-up is the job's prompt, hashed; what is timed are other prompts, as none may be cached. */
async function runInWorkerd({ ids, decode, repetitions }: EngineJob): Promise<HostReport> {
  const worker = await startIslet()
  const client = new Client(worker.url)
  try {
    await untilHealthy(worker)
    const { logitsSha256 } = await client.complete(MODEL, ids, decode + 1, { hashLogits: true })
    if (logitsSha256 === undefined) throw new BenchError('the worker sent no hash of its logits')
    const seconds: number[] = []
    for (let r = 1; r <= repetitions; r++) {
      seconds.push((await timeCase(client, MODEL, CASE, promptIds(CASE.prompt, r))).seconds)
    }
    return { decode: seconds, logitsSha256 }
  } finally {
    client.close()
    await worker.stop()
  }
}
