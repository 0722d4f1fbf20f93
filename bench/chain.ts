// A chain of two scripts beside one isolate: decode in one process and two, two sessions, prompts that follow each other
// through the stages, and what a hop takes. All servers run at the same time, one of them at work; pairs in turns.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CHAIN_LOGIT_ROWS } from '../src/graph/chain-memory.ts'
import { cutModel } from '../src/packing/cut.ts'
import type { Manifest } from '../src/weights/manifest.ts'
import { chainScripts } from '../tools/chain-scripts.ts'
import { table } from '../tools/markdown.ts'
import { writeScripts } from '../tools/scripts.ts'
import { promptIds } from './lib/cases.ts'
import { CHAIN_FILE, chainSpeed, type ChainCase, type ChainResult } from './lib/chain-result.ts'
import { Client } from './lib/client.ts'
import { MODEL, MODEL_FOLDER, prepareModel } from './lib/model.ts'
import { compactJson, describeMachine, median } from './lib/results.ts'
import { startChain, startIslet, untilHealthy, type Worker } from './lib/worker.ts'

const USAGE = `node bench/chain.ts [--pairs N] [--trial]
  --pairs N   of each case (9)
  --trial     writes nothing; otherwise all values go to docs/results/chain.json`

const PREFILL = 512
const PROMPT = 64
const TOKENS = 96
const HOPS = 2000
const VISITS = 5

type Servers = { one: Worker; chain: Worker; two: Worker; plain: Worker }
type Server = keyof Servers

const scratch = mkdtempSync(join(tmpdir(), 'islet-chain-bench-'))

/** The configurations of a chain of two, the hub's first. */
function configsOf(folder: string, name: string, vars: Record<string, string>): string[] {
  const { scripts } = chainScripts(name, folder, vars)
  const [hub, ...stages] = scripts
  const written = writeScripts(
    [{ ...hub, main: 'bench/chain-worker/hub.ts' }, ...stages],
    join(scratch, name),
  )
  return written.map(({ config }) => config).reverse()
}

let serial = 0

/** Seconds from the first of `TOKENS` tokens to the last. */
async function decode([client]: readonly Client[]): Promise<number> {
  const { arrivals } = await client.complete(MODEL, promptIds(PROMPT, ++serial), TOKENS + 1)
  return arrivals[arrivals.length - 1] - arrivals[0]
}

/** Seconds of whole answers, one of each client, at once, whose prompts are there: what streaming takes of two cores is left out. */
async function whole(clients: readonly Client[]): Promise<number> {
  const prompts = clients.map(() => promptIds(PROMPT, ++serial))
  for (const [i, client] of clients.entries()) await client.complete(MODEL, prompts[i], 1)
  const start = performance.now()
  await Promise.all(clients.map((client, i) => client.whole(MODEL, prompts[i], TOKENS)))
  return (performance.now() - start) / 1e3
}

async function prefill([client]: readonly Client[]): Promise<number> {
  const { arrivals } = await client.complete(MODEL, promptIds(PREFILL, ++serial), 1)
  return arrivals[0]
}

async function hops({ url }: Worker): Promise<number> {
  const { ms } = (await (await fetch(`${url}/bench/hops?count=${HOPS}`)).json()) as { ms: number[] }
  return median(ms)
}

type Todo = Omit<ChainCase, 'pairs'> & {
  sides: [Server, Server]
  time: [(clients: readonly Client[]) => Promise<number>, (clients: readonly Client[]) => Promise<number>]
}

const TODO: Todo[] = [
  { name: 'decode, one process', of: 'two scripts', against: 'one isolate', tokens: [TOKENS, TOKENS], goal: 0.9, sides: ['chain', 'one'], time: [decode, decode] },
  { name: 'decode, two processes', of: 'two scripts', against: 'one isolate', tokens: [TOKENS, TOKENS], goal: 0.8, sides: ['two', 'one'], time: [decode, decode] },
  { name: 'two sessions, two processes', of: 'two sessions', against: 'one session', tokens: [2 * TOKENS, TOKENS], goal: 1.5, sides: ['two', 'two'], time: [whole, ([one]) => whole([one])] },
  { name: 'prefill, two processes', of: 'chunks that follow each other', against: 'one chunk after the other', tokens: [PREFILL, PREFILL], goal: 1.4, sides: ['two', 'plain'], time: [prefill, prefill] },
] // prettier-ignore

async function measure(servers: Servers, pairs: number): Promise<ChainCase[]> {
  const clients = Object.fromEntries(
    Object.entries(servers).map(([name, { url }]) => [name, [new Client(url), new Client(url)]]),
  ) as Record<Server, Client[]>
  const cases: ChainCase[] = []
  try {
    for (const { sides, time, ...about } of TODO) {
      const found: [number, number][] = []
      for (let pair = -1; pair < pairs; pair++) {
        const seconds: [number, number] = [0, 0]
        const order = pair % 2 === 0 ? [0, 1, 1, 0] : [1, 0, 0, 1]
        for (const side of order) seconds[side] += await time[side](clients[sides[side]])
        if (pair >= 0) found.push(seconds) // the first warms up
      }
      cases.push({ ...about, pairs: found })
      console.error(`${about.name}: ${median(found.map((pair) => chainSpeed(about, pair))).toFixed(3)}`)
    }
  } finally {
    for (const client of Object.values(clients).flat()) client.close()
  }
  return cases
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      pairs: { type: 'string', default: '9' },
      trial: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return console.log(USAGE)
  const machine = await describeMachine()
  prepareModel()
  const folder = join(scratch, MODEL)
  cpSync(MODEL_FOLDER, folder, { recursive: true, filter: (path) => !path.includes('/stages') })
  const window = { window: { window: 1024, sinks: 4 }, chunk: 32, logitRows: CHAIN_LOGIT_ROWS }
  const [hub] = await cutModel(folder, 2, window)
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest
  const running: Worker[] = []
  const started = async (worker: Promise<Worker>): Promise<Worker> => {
    const one = await worker
    running.push(one)
    await untilHealthy(one)
    return one
  }
  try {
    const [chainHub, chainStage] = configsOf(folder, 'chain', {})
    const [twoHub, twoStage] = configsOf(folder, 'two', {})
    const [plainHub, plainStage] = configsOf(folder, 'plain', { BENCH_CHUNKS: '1' })
    const servers: Servers = {
      one: await started(startIslet()),
      chain: await started(startChain([[chainHub, chainStage]])),
      two: await started(startChain([[twoStage], [twoHub]])),
      plain: await started(startChain([[plainStage], [plainHub]])),
    }
    const cases = await measure(servers, Number(values.pairs))
    const visits = { one: [] as number[], two: [] as number[] }
    for (let visit = 0; visit < VISITS; visit++) {
      visits.one.push(await hops(servers.chain))
      visits.two.push(await hops(servers.two))
    }
    const result: ChainResult = {
      machine,
      model: MODEL,
      hubLayers: hub.range.to,
      layers: manifest.spec.layers,
      prompt: PROMPT,
      hops: { one: median(visits.one), two: median(visits.two), visits },
      cases,
    }
    const rows = cases.map((one) => {
      const speeds = one.pairs.map((pair) => chainSpeed(one, pair))
      const spread = `${Math.min(...speeds).toFixed(3)} to ${Math.max(...speeds).toFixed(3)}`
      return [one.name, median(speeds).toFixed(3), spread, String(one.goal)]
    })
    console.log(table(['', 'speed', 'of pairs', 'goal'], rows, 1))
    console.log(
      `hops: ${result.hops.one.toFixed(3)} ms in one process, ${result.hops.two.toFixed(3)} between two`,
    )
    if (values.trial !== true) writeFileSync(CHAIN_FILE, compactJson(result))
  } finally {
    for (const worker of running) await worker.stop()
    rmSync(scratch, { recursive: true, force: true })
  }
}

await main()
