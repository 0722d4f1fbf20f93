// This harness compares the Workers of two checkouts over HTTP, in interleaved pairs: times, heap held, peak memory.
// A ratio is this checkout's value over the base's, so that above 1 is slower or larger. What else the machine does falls
// on both sides of a pair: a time is taken base, this, this, base, in the next pair the other way round.

import { existsSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { table } from '../tools/markdown.ts'
import { placeModel } from '../tools/site.ts'
import { coldFirstToken } from './cold.ts'
import { parseCase, promptIds, type Case } from './lib/cases.ts'
import { Client, timeCase } from './lib/client.ts'
import { MODEL } from './lib/model.ts'
import { commit, compactJson, describeMachine, median } from './lib/results.ts'
import { BenchError, ROOT, run } from './lib/setup.ts'
import { startIslet, untilHealthy, type Worker } from './lib/worker.ts'
import { peakAt } from './memory.ts'
import { CASE, decodeTogether, SESSIONS } from './sessions.ts'

const USAGE = `node bench/pairs.ts BASE [THIS] [--pairs N] [--trial]
  BASE, THIS  checkouts with node_modules and models/${MODEL}; THIS is this one unless said
  --pairs N   of each time (9)
  --trial     writes nothing; otherwise all values go to docs/results/pairs.json`

const RESULTS = join(ROOT, 'docs/results/pairs.json')

/** What compiles kernels that are older than their source: where it is, and where it was. */
const BUILDS = ['tools/build.ts', 'scripts/build.ts']

/** Of the timed workers, so that the pool holds all four sessions (bench/sessions.ts). */
const TIMED_WINDOW = 1408
const WINDOW = 1024
const MEMORY_PAIRS = 3

const TIME_RATIO = 1.02
/** Heaps of one commit differ by so much from process to process. */
const HELD_RATIO = 1.005
const PEAK_BYTES = 114.5e6

const PREFILL = parseCase('prefill:256')
const DECODE = parseCase('decode:128@256')
const COLD = 'cold object to first token'
const HELD = 'heap held after a collection'
const PEAK = `peak at a window of ${WINDOW}`

const SIDES = ['base', 'this'] as const
type Side = (typeof SIDES)[number]
type Checkouts = Record<Side, string>

/** What both sides gave: seconds, summed over the visits of the pair, or bytes. */
type Pair = Record<Side, number>
type Pairs = Record<string, Pair[]>

/** Seconds of one visit; `serial` is another one at each visit of a process. */
type Timer = (clients: readonly Client[], serial: number) => Promise<number>

// No two prompts of a process may begin alike: those of four sessions have serials from 0.
const TIMERS: Record<string, Timer> = {
  'prefill of 256 tokens': ([client], serial) => twice(client, PREFILL, 1000 + 2 * serial),
  [`decode of ${DECODE.decode} tokens at 256`]: ([client], serial) =>
    twice(client, DECODE, 2000 + 2 * serial),
  [`four sessions, ${CASE.decode} tokens each at 256`]: async (clients, serial) =>
    (await decodeTogether(clients, serial)).seconds,
}

async function twice(client: Client, todo: Case, serial: number): Promise<number> {
  const first = await timeCase(client, MODEL, todo, promptIds(todo.prompt, serial))
  const second = await timeCase(client, MODEL, todo, promptIds(todo.prompt, serial + 1))
  return first.seconds + second.seconds
}

/** Makes `wrangler dev` ready to serve MODEL in a checkout. */
function prepare(root: string): void {
  const model = join(root, 'models', MODEL)
  const build = BUILDS.find((file) => existsSync(join(root, file)))
  if (build === undefined || !existsSync(model)) throw new BenchError(`no build or no ${model}\n${USAGE}`)
  run(process.execPath, [build], root)
  placeModel(model, join(root, 'build/site'))
}

/** Sums the visits of both sides, in turns. */
async function inTurns(pair: number, visit: (side: Side, serial: number) => Promise<number>): Promise<Pair> {
  const sum = { base: 0, this: 0 }
  const order = pair % 2 === 0 ? SIDES : SIDES.toReversed()
  for (const [i, side] of [...order, ...order.toReversed()].entries()) sum[side] += await visit(side, i + 1)
  return sum
}

/** All times of one pair, in fresh processes: the workers of both sides run, one of them at work. */
async function timePair(checkouts: Checkouts, pair: number): Promise<Record<string, Pair>> {
  const times: Record<string, Pair> = {}
  const clients: Record<Side, Client[]> = { base: [], this: [] }
  const workers: Worker[] = []
  try {
    for (const side of SIDES) {
      const worker = await startIslet({ WINDOW: TIMED_WINDOW }, { root: checkouts[side] })
      workers.push(worker)
      clients[side] = Array.from({ length: SESSIONS }, () => new Client(worker.url))
      await untilHealthy(worker)
    }
    for (const [name, timer] of Object.entries(TIMERS)) {
      for (const side of SIDES) await timer(clients[side], 0) // warms up
      times[name] = await inTurns(pair, (side, serial) => timer(clients[side], serial))
    }
  } finally {
    for (const client of [...clients.base, ...clients.this]) client.close()
    for (const worker of workers) await worker.stop()
  }
  times[COLD] = await inTurns(pair, (side) => coldFirstToken(pair, checkouts[side]))
  return times
}

async function memoryPair(checkouts: Checkouts): Promise<Record<string, Pair>> {
  const base = await peakAt(WINDOW, { root: checkouts.base })
  const mine = await peakAt(WINDOW, { root: checkouts.this })
  return { [HELD]: { base: base.held, this: mine.held }, [PEAK]: { base: base.peak, this: mine.peak } }
}

/** Adds what one pair gave; a pair that fails is measured once more. */
async function add(pairs: Pairs, measure: () => Promise<Record<string, Pair>>): Promise<void> {
  const found = await measure().catch((error: unknown) => {
    console.error(`pairs: once more: ${String(error)}`)
    return measure()
  })
  for (const [name, pair] of Object.entries(found)) (pairs[name] ??= []).push(pair)
}

/** Prints the table; true where every limit is kept. */
function print(pairs: Pairs): boolean {
  let kept = true
  const rows = Object.entries(pairs).map(([name, all]) => {
    const memory = name === HELD || name === PEAK
    const ratios = all.map((pair) => pair.this / pair.base)
    const shown = (side: Side): string => {
      const value = median(all.map((pair) => pair[side]))
      return memory ? `${(value / 1e6).toFixed(2)} MB` : `${value.toFixed(3)} s`
    }
    const limit = name === HELD ? HELD_RATIO : TIME_RATIO
    const met =
      name === PEAK ? Math.max(...all.map((pair) => pair.this)) <= PEAK_BYTES : median(ratios) <= limit
    kept &&= met
    const spread = [Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(3)).join(' to ')
    return [
      ...[name, String(all.length), shown('base'), shown('this'), median(ratios).toFixed(3), spread],
      ...[name === PEAK ? `${PEAK_BYTES / 1e6} MB` : limit.toFixed(3), met ? 'met' : 'missed'],
    ]
  })
  const header = ['medians', 'pairs', 'base', 'this', 'ratio', 'of pairs', 'at most', '']
  console.log(table(header, rows))
  return kept
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { pairs: { type: 'string', default: '9' }, trial: { type: 'boolean' } },
  })
  const [base, mine = ROOT, ...more] = positionals.map((path) => resolve(path))
  const count = Number(values.pairs)
  if (base === undefined || more.length > 0 || !(count >= 1)) throw new BenchError(USAGE)
  const checkouts = { base, this: mine }
  const machine = await describeMachine()
  for (const side of SIDES) prepare(checkouts[side])
  const pairs: Pairs = {}
  for (let i = 0; i < count; i++) {
    console.error(`pair ${i + 1} of ${count}`)
    await add(pairs, () => timePair(checkouts, i))
  }
  for (let i = 0; i < MEMORY_PAIRS; i++) await add(pairs, () => memoryPair(checkouts))
  const kept = print(pairs)
  if (values.trial !== true) {
    const commits = { base: commit(base), this: commit(mine) }
    writeFileSync(RESULTS, `${compactJson({ model: MODEL, machine, commits, pairs })}\n`)
  }
  if (!kept) throw new BenchError('a limit is missed')
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

try {
  await main()
} catch (error) {
  if (!(error instanceof BenchError)) throw error
  console.error(`pairs: ${error.message}`)
  process.exitCode = 1
}
