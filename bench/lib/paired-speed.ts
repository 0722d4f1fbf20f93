// A paired speed bench is run by these options, on one model in this process; its result says on what machine and model.

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { openLocal, type Local } from '../../cli/lib/local.ts'
import { windowOptions } from '../../src/cache/window.ts'
import { describeMachine, type Machine } from './results.ts'
import { ROOT } from './setup.ts'

const PAIRS = 11

/** What every such result says of itself. */
export type PairedHead = { machine: Machine; model: string; pairs: number }

/** Reads the command line, runs `measure` and keeps what it gives, under `--save`, in docs/results/NAME.json. */
export async function pairedSpeed<R extends object>(
  { name, usage, tokens: usual }: { name: string; usage: string; tokens: number },
  measure: (local: Local, pairs: number, tokens: number) => Promise<R>,
): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string' },
      pairs: { type: 'string' },
      tokens: { type: 'string' },
      save: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) {
    console.log(usage)
    return
  }
  const [pairs, tokens] = [Number(values.pairs ?? PAIRS), Number(values.tokens ?? usual)]
  const local = await openLocal(values.model ?? `${ROOT}/models/smollm2-135m-instruct`, windowOptions([0], 4))
  const head: PairedHead = { machine: await describeMachine(), model: local.id, pairs }
  const result = { ...head, ...(await measure(local, pairs, tokens)) }
  if (values.save === true)
    writeFileSync(`${ROOT}/docs/results/${name}.json`, `${JSON.stringify(result, undefined, 1)}\n`)
}
