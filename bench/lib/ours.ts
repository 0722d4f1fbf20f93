// Our side of a round: a fresh wrangler dev, the cases over HTTP, everything stopped again.

import type { Case, CaseRuns, Timing } from './cases.ts'
import { caseName, measuredTokens, promptIds } from './cases.ts'
import { Client, timeCase } from './client.ts'
import { MODEL } from './model.ts'
import type { Variant } from './rounds.ts'
import { startIslet, untilHealthy } from './worker.ts'

/** The ids of a prompt of `length`; each serial's prompt differs in its first id, so that nothing is reused. */
export type Prompts = (length: number, serial: number) => number[]

/** Our worker as a variant (after prepareModel). */
export function oursVariant(
  cases: readonly Case[],
  repetitions: number,
  prompts: Prompts = promptIds,
): Variant {
  return { name: 'ours', run: () => runOurs(cases, repetitions, prompts) }
}

async function runOurs(cases: readonly Case[], repetitions: number, prompts: Prompts): Promise<CaseRuns[]> {
  const worker = await startIslet()
  const client = new Client(worker.url)
  try {
    await untilHealthy(worker)
    let serial = 0
    const results: CaseRuns[] = []
    for (const todo of cases) {
      const runs: Timing[] = []
      for (let r = -1; r < repetitions; r++) {
        // r = -1 warms up, as on the other sides.
        const timing = await timeCase(client, MODEL, todo, prompts(todo.prompt, serial++))
        if (r >= 0) runs.push(timing)
      }
      results.push({ case: caseName(todo), tokens: measuredTokens(todo), runs })
    }
    return results
  } finally {
    client.close()
    await worker.stop()
  }
}
