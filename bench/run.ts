// `npm run bench`: speed against llama.cpp by default; `npm run bench -- MODE` for the other goals, `-- all` for every one.

import { parseArgs } from 'node:util'
import { all } from './all.ts'
import { cold, coldSlow } from './cold.ts'
import { gaps } from './gaps.ts'
import { gemma } from './gemma.ts'
import { hosts } from './hosts.ts'
import { kernels } from './kernels.ts'
import { parseCase } from './lib/cases.ts'
import { forceDots } from './lib/dots.ts'
import { buildKernels } from '../tools/build.ts'
import { InspectorError } from '../tools/inspector.ts'
import { BenchError } from './lib/setup.ts'
import { memory } from './memory.ts'
import { peers } from './peers.ts'
import { persist } from './persist.ts'
import { sessions } from './sessions.ts'
import { speed } from './speed.ts'
import { warm } from './warm.ts'
import { window } from './window.ts'

const USAGE = `npm run bench -- [MODE] [options]
  speed     prefill and decode beside llama.cpp on one thread, same file and Q4_0 (default)
              --case C           prefill:N or decode:M@N, may be given several times (prefill:256, prefill:1024,
                                 decode:64@256, decode:64@1024)
              --only ours|llama  one side alone; nothing is written
  peers     prefill and decode beside wllama in headless Chromium
  window    decode at 10,000 positions beside 1,100, window 1024
              --pairs N          in turns (20)
  sessions  4, 8 and 16 sessions decoding together, beside llama.cpp's batches of as many, and its single decode
  gaps      gaps of a decoding session while 1,000 ids are read beside it, and that prompt's time beside its time alone
  gemma     Gemma 3 270M by hand in Node, beside llama.cpp on the same file
  hosts     the same decode in Node, Chromium and workerd
  memory    peak of the isolate through a cold load, a long prompt and a second turn, and with log probabilities, a schema
            and tools; fails above 120 MB
              --largest          also look for the largest window within 120 MB
  persist   decode with "store" and without, in turns, and restoring 1,008 positions from storage beside their prefill
              --pairs N          in turns (20); --rounds N starts of the worker on what is stored
  cold      first token of a cold object, beside merely streaming the same bytes into memory
  cold-slow the same for a prompt of 256 and assets at 100 MB/s
              --root DIR         another checkout with node_modules and build/; nothing is written
  warm      first token of a warm second turn, beside the prefill of its new tokens alone
  kernels   each matrix kernel on the shapes of three models, beside the machine's limits (npm run bench:kernels)
              --against DIR      another build/ with the same formats: its times, and whether results are equal; not written
              --kernel K --model M   part of their names: only these; nothing is written
  all       every mode above, one after the other, each in its own process; what fails is named at the end
              --peers-rounds N   for wllama, which is slow (as --rounds)
  --dots pairs     hosts do without the instruction for four-byte dots, as most do; results/MODE-pairs.json
  --rounds N       fresh processes of each variant, in turns (9)
  --repetitions N  timed repetitions in each process (2; peers 1)
environment: ISLET_BENCH_GGUF (llama.cpp's model file), ISLET_BENCH_MODEL (our packed model in models/),
ISLET_BENCH_CHROMIUM (a browser to use instead of the pinned one), ISLET_BENCH_NODE (a Node for "kernels" and "gemma":
26 is like workerd, 22 is not)`

const CASES = ['prefill:256', 'prefill:1024', 'decode:64@256', 'decode:64@1024']

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '9' },
      'peers-rounds': { type: 'string' },
      repetitions: { type: 'string' },
      case: { type: 'string', multiple: true, default: CASES },
      only: { type: 'string' },
      dots: { type: 'string' },
      pairs: { type: 'string', default: '20' },
      root: { type: 'string' },
      largest: { type: 'boolean', default: false },
      against: { type: 'string' },
      kernel: { type: 'string' },
      model: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const [mode = 'speed', ...rest] = positionals
  if (values.help) return console.log(USAGE)
  const { only, dots, largest, against, kernel, model } = values
  if (rest.length > 0) throw new BenchError(`one mode at a time\n${USAGE}`)
  if (only !== undefined && only !== 'ours' && only !== 'llama')
    throw new BenchError('--only takes ours or llama')
  if (dots !== undefined && dots !== 'pairs' && dots !== 'quads')
    throw new BenchError('--dots takes pairs or quads')
  buildKernels()
  if (dots !== undefined) forceDots(dots)
  const rounds = atLeastOne('--rounds', values.rounds)
  const repetitions = atLeastOne('--repetitions', values.repetitions ?? (mode === 'peers' ? '1' : '2'))
  const pairs = atLeastOne('--pairs', values.pairs)

  const modes: Record<string, () => Promise<void>> = {
    speed: () => speed({ rounds, repetitions, cases: values.case.map(parseCase), only }),
    peers: () => peers({ rounds, repetitions }),
    window: () => window({ pairs }),
    sessions: () => sessions({ rounds, repetitions }),
    gaps: () => gaps({ rounds, repetitions }),
    gemma: () => gemma({ rounds, repetitions }),
    hosts: () => hosts({ rounds, repetitions }),
    persist: () => persist({ pairs, rounds }),
    memory: () => memory({ largest }),
    cold: () => cold(rounds),
    'cold-slow': () => coldSlow(rounds, values.root),
    warm: () => warm(rounds),
    kernels: () => kernels({ rounds, against, kernel, model }),
    all: () =>
      all({
        rounds,
        peersRounds: atLeastOne('--peers-rounds', values['peers-rounds'] ?? values.rounds),
        pairs,
      }),
  }
  const run = Object.hasOwn(modes, mode) ? modes[mode] : undefined
  if (run === undefined) throw new BenchError(`no mode "${mode}"\n${USAGE}`)
  await run()
}

function atLeastOne(option: string, text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new BenchError(`${option} takes a number from 1, not "${text}"`)
  return Number(text)
}

// So that exit handlers run, which end the workers.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (
    !(error instanceof BenchError || error instanceof InspectorError) &&
    !String((error as { code?: string }).code).startsWith('ERR_PARSE_ARGS')
  )
    throw error
  console.error(`bench: ${(error as Error).message}`)
  process.exitCode = 1
}
