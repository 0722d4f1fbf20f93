// `npm run bench`: speed against llama.cpp by default; `npm run bench -- cold | warm | memory` for the others.

import { parseArgs } from 'node:util'
import { parseCase } from './lib/cases.ts'
import { BenchError } from './lib/setup.ts'
import { cold } from './cold.ts'
import { memory } from './memory.ts'
import { speed } from './speed.ts'
import { warm } from './warm.ts'

const USAGE = `npm run bench -- [speed | cold | warm | memory] [options]
  speed    prefill and decode, side by side with llama.cpp on one thread (default)
             --rounds N        fresh processes per side, in turns (5)
             --repetitions N   timed repetitions in each process (2)
             --case C          prefill:N or decode:M@N, may be given several times (prefill:256, decode:64@256)
             --only ours|llama one side alone; nothing is written
  cold     first token of a cold object, beside merely streaming the same bytes into memory (--rounds)
  warm     first token of a warm second turn, beside the prefill of its new tokens alone (--rounds)
  memory   peak of the isolate through a cold load, a long prompt and a second turn; fails above 120 MB
environment: ISLET_BENCH_GGUF (llama.cpp's model file), ISLET_BENCH_MODEL (our packed model in models/)`

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '5' },
      repetitions: { type: 'string', default: '2' },
      case: { type: 'string', multiple: true, default: ['prefill:256', 'decode:64@256'] },
      only: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const [mode = 'speed', ...rest] = positionals
  if (values.help) return console.log(USAGE)
  const { only } = values
  if (rest.length > 0) throw new BenchError(`one mode at a time\n${USAGE}`)
  if (only !== undefined && only !== 'ours' && only !== 'llama')
    throw new BenchError('--only takes ours or llama')
  const rounds = atLeastOne('--rounds', values.rounds)
  const repetitions = atLeastOne('--repetitions', values.repetitions)

  if (mode === 'speed') return await speed({ rounds, repetitions, cases: values.case.map(parseCase), only })
  if (mode === 'cold') return await cold(rounds)
  if (mode === 'warm') return await warm(rounds)
  if (mode === 'memory') return await memory()
  throw new BenchError(`no mode "${mode}"\n${USAGE}`)
}

function atLeastOne(option: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new BenchError(`${option} takes a number from 1, not "${text}"`)
  return Number(text)
}

// So that exit handlers run, which end the workers.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (
    !(error instanceof BenchError) &&
    !String((error as { code?: string }).code).startsWith('ERR_PARSE_ARGS')
  )
    throw error
  console.error(`bench: ${(error as Error).message}`)
  process.exitCode = 1
}
