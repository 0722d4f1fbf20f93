// `npm run soak`: sessions by the hundred with real turns, clients that leave, processes that are killed; every answer is accounted for and
// a sample compared with undisturbed requests. First the kills, then a rest in which objects are evicted, then one process whose memory is watched.

import { mkdirSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { number } from '../cli/lib/options.ts'
import { errorCode, IsletError, isUserCode } from '../src/lib/errors.ts'
import { buildKernels } from '../tools/build.ts'
import { ROOT } from '../tools/root.ts'
import { Counts, hasFailed, leastOf, shortfalls } from './counts.ts'
import { judge, MemoryWatch } from './memory.ts'
import { SoakRun } from './run.ts'
import { countsTable, memoryLine, type SoakResults, type SoakSetting } from './tables.ts'
import { choices } from './plan.ts'
import { SoakWorker, type SoakTarget } from './worker.ts'
import { MODELS, placeModel } from '../tools/site.ts'

const USAGE = `npm run soak -- [options]
  --minutes N      as long at most, rests aside (3); fewer are too few samples of memory
  --requests N     turns at most (1000000)
  --sessions N     conversations at a time (200)
  --clients N      requests at a time (12); the lane takes 10
  --seed N         of all choices (1)
  --model NAME     a folder of models/ (tiny)
  --kill-every N   seconds between two kills, in the first part; 0: none (8)
  --check N        one in N undisturbed answers is compared, and each disturbed one (8)
  --url URL        soaks a worker that runs already: no kills, no look at its memory. Its keys in ISLET_KEYS, three or more
  --save           writes docs/results/soak.json`

/** What a tenant may store: less than the run brings, so that the oldest goes all the time. */
const TENANT_BYTES = 40_000_000

/** What makes a small lane of ours feel its limits: a queue shorter than the clients are many, and few pages. */
const QUEUE = 10
const KV_BUDGET = 3_000_000

/** Part of the time and of the turns in which processes are killed. */
const KILL_PART = 0.35

/** An object that nobody asks is evicted after 10 s. */
const REST_MS = 13_000
const RESTS = 3

const LOOK_EVERY_MS = 1500

/** Samples of memory that are saved, evenly of all. */
const MOST_SAVED = 100

const SAVED = `${ROOT}docs/results/soak.json`

type Options = SoakSetting & { check: number; url: string | undefined; save: boolean }

function readOptions(argv: string[]): Options {
  const text = (fallback: string) => ({ type: 'string' as const, default: fallback })
  const { values } = parseArgs({
    args: argv,
    options: {
      minutes: text('3'),
      requests: text('1000000'),
      sessions: text('200'),
      clients: text('12'),
      seed: text('1'),
      model: text('tiny'),
      'kill-every': text('8'),
      check: text('8'),
      url: { type: 'string' },
      save: { type: 'boolean', default: false },
    },
  })
  const clients = number(values.clients, '--clients', 1, 256)
  const sessions = number(values.sessions, '--sessions', 1, 100_000)
  if (sessions < clients)
    throw new IsletError('invalid_request', `--sessions ${sessions} are fewer than the ${clients} clients`)
  const url = values.url === undefined ? undefined : URL.parse(values.url)
  if (url === null || (url !== undefined && !/^https?:$/.test(url.protocol)))
    throw new IsletError('invalid_request', `--url ${values.url} is no http address`)
  return {
    minutes: number(values.minutes, '--minutes', 1, 10_000),
    requests: number(values.requests, '--requests', 1, 1e9),
    sessions,
    clients,
    seed: number(values.seed, '--seed', 0, 2 ** 31),
    model: values.model.toLowerCase(),
    killEvery: number(values['kill-every'], '--kill-every', 0, 10_000),
    check: number(values.check, '--check', 1, 1e9),
    url: url?.href.replace(/\/+$/, ''),
    save: values.save,
  }
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Asks turns with all clients until `until` says so. */
async function ask(run: SoakRun, clients: number, until: () => boolean): Promise<void> {
  const client = async (isHeavy: boolean): Promise<void> => {
    while (!until()) await run.turn(isHeavy)
  }
  await Promise.all(Array.from({ length: clients }, (_, i) => client(i % 2 === 0)))
}

/** Kills now and then until `until`, at random moments. */
async function kill(worker: SoakWorker, run: SoakRun, options: Options, until: () => boolean): Promise<void> {
  const choose = choices(options.seed, -2)
  while (!until()) {
    const wakeAt = Date.now() + options.killEvery * (500 + choose.below(1000))
    while (Date.now() < wakeAt && !until()) await sleep(100)
    if (until()) return
    run.counts.add('kills')
    await worker.killAndRestart()
  }
}

/** Looks at the memory of the process until `until`; what it said of it when the connection broke is kept. */
async function watch(worker: SoakWorker, run: SoakRun, until: () => boolean): Promise<MemoryWatch> {
  const memory = await MemoryWatch.connect(worker.inspector, worker.url)
  while (!until()) {
    await memory.look(run.turns, worker.residentBytes())
    await sleep(LOOK_EVERY_MS)
  }
  return memory
}

async function soak(
  target: SoakTarget,
  worker: SoakWorker | undefined,
  options: Options,
): Promise<SoakResults> {
  const began = performance.now()
  const seconds = (): number => (performance.now() - began) / 1000
  const counts = new Counts(say)
  const run = new SoakRun(target, { ...options, ...tenantsOf(options), checkOneIn: options.check }, counts)
  let rested = 0
  const used = (): number =>
    Math.max(run.turns / options.requests, (seconds() - rested) / (options.minutes * 60))
  const progress = setInterval(() => say(`${Math.round(seconds())} s: ${JSON.stringify(counts.of)}`), 15_000)
  let memory: MemoryWatch | undefined
  try {
    if (worker !== undefined && options.killEvery > 0) {
      for (let rest = 1; rest <= RESTS; rest++) {
        const part = (): boolean => used() >= (KILL_PART * rest) / RESTS
        await Promise.all([ask(run, options.clients, part), kill(worker, run, options, part)])
        await run.rest(REST_MS)
        rested += REST_MS / 1000
      }
    }
    const all = (): boolean => used() >= 1
    const asking = ask(run, options.clients, all)
    if (worker !== undefined) memory = await watch(worker, run, all)
    await asking
    await run.end()
  } finally {
    clearInterval(progress)
  }
  const { check: _, url: __, save: ___, ...asked } = options
  const samples = memory?.samples ?? []
  const every = Math.ceil(samples.length / MOST_SAVED)
  return {
    settings: { ...asked, queue: QUEUE, kvBudget: KV_BUDGET },
    seconds: Math.round(seconds()),
    counts: counts.of,
    stories: counts.stories,
    missing: shortfalls(
      leastOf(options.minutes, options.killEvery, worker !== undefined),
      counts.of,
      samples.length,
    ),
    memory: { verdict: judge(samples), samples: samples.filter((_, i) => i % every === 0) },
  }
}

/** Without keys any bearer string is a tenant; with keys the last one asks the undisturbed requests. */
function tenantsOf({ url }: Options): { tenants: string[]; twin?: string } {
  const keys = (process.env['ISLET_KEYS'] ?? '').split(',').filter((key) => key !== '')
  if (url === undefined || keys.length === 0) return { tenants: ['soak-heavy', 'soak-b', 'soak-c'] }
  if (keys.length < 3) throw new IsletError('invalid_request', 'ISLET_KEYS must hold three keys or more')
  return { tenants: keys.slice(0, -1), twin: keys[keys.length - 1] }
}

async function main(argv: string[]): Promise<number> {
  const options = readOptions(argv)
  let worker: SoakWorker | undefined
  if (options.url === undefined) {
    buildKernels()
    const id = placeModel(`${MODELS}/${options.model}`)
    worker = await SoakWorker.start({ MODEL: id, QUEUE, KV_BUDGET, TENANT_BYTES })
  }
  const target = worker ?? {
    url: options.url ?? '',
    life: 0,
    up: () => Promise.resolve(),
  }
  try {
    const results = await soak(target, worker, options)
    say(`\n${countsTable(results)}\n\n${memoryLine(results)}`)
    if (options.save) {
      mkdirSync(`${ROOT}docs/results`, { recursive: true })
      writeFileSync(SAVED, `${JSON.stringify(results, undefined, 1)}\n`)
    }
    for (const missing of results.missing ?? []) say(`too few: ${missing}`)
    const failed =
      hasFailed(results.counts) || results.missing?.length !== 0 || results.memory.verdict?.grew === true
    if (failed && worker !== undefined) say(`\nthe worker's last words:\n${worker.log.slice(-3000)}`)
    return failed ? 1 : 0
  } finally {
    await worker?.stop()
  }
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`islet: ${error instanceof Error ? error.message : String(error)}\nusage: ${USAGE}\n`)
  process.exitCode = isUserCode(errorCode(error)) ? 2 : 1
}
process.exit()
