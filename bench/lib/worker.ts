// Starts and stops `wrangler dev`, each time with an empty state folder unless one is given. The one place that knows how
// the benchmark's workers are started.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { MODEL, MODEL_FOLDER } from './model.ts'
import { BENCH, BenchError, ROOT } from './setup.ts'
import { behindLink } from './slow-link.ts'
import { freePort } from '../../tools/free-port.ts'
import { runtimeIn, type Runtime } from '../../tools/inspector.ts'

/**
 * `state`: the folder of its storage, which stays; otherwise it is empty and goes with the worker. `root`: the checkout.
 * `assets`: where they are in place of its own folder (slow-link.ts).
 */
export type Start = { state?: string; root?: string; assets?: string }

/** `runtime`: where wrangler's log tells (WRANGLER_LOG is `debug`). */
export type Worker = {
  url: string
  inspector: string
  runtime?: Runtime
  stop: () => Promise<void>
}

const START_LIMIT_MS = 120_000
/** wrangler dev accepts connections while its build is broken, and never answers them. */
const ANSWER_LIMIT_MS = 10_000
const STOP_LIMIT_MS = 10_000

/**
 * Our worker on a free port (after prepareModel); `vars` replace those of wrangler.toml. Returns when the port answers at
 * all: the object has not been touched.
 */
export async function startIslet(
  vars: Record<string, string | number> = {},
  { state, root = ROOT, assets }: Start = {},
): Promise<Worker> {
  const all = Object.entries({ MODEL, ...vars }).flatMap(([name, value]) => ['--var', `${name}:${value}`])
  return await startWrangler(root, [...all, ...behind(root, assets)], '/v1/models', state)
}

/** Ours with a pool of so many pages, whatever an isolate may hold (many-worker/worker.ts), after prepareModel. */
export async function startMany(pages: number): Promise<Worker> {
  const vars = ['--var', `MODEL:${MODEL}`, '--var', `BENCH_PAGES:${pages}`]
  return await startWrangler(ROOT, ['bench/many-worker/worker.ts', ...vars], '/v1/models')
}

/** The worker that only streams MODEL's shards into linear memory (stream-worker/worker.ts); `assets` as for ours. */
export async function startStreamWorker(folder: string = MODEL_FOLDER, assets?: string): Promise<Worker> {
  const root = join(BENCH, 'stream-worker')
  const from = assets === undefined ? ['--assets', folder] : behind(root, assets)
  return await startWrangler(root, from, '/ready')
}

/** The arguments that put assets behind a link, where they are. */
function behind(root: string, assets: string | undefined): string[] {
  if (assets === undefined) return []
  linked ??= stateFolder()
  return behindLink(root, assets, mkdtempSync(join(linked, 'worker-')))
}

/** The workers that were made for a link. */
let linked: string | undefined

/** The worker that lets us drive the engine in an object by hand (engine-worker/worker.ts), after prepareModel. */
export async function startEngineWorker(): Promise<Worker> {
  return await startWrangler(join(BENCH, 'engine-worker'), ['--assets', join(ROOT, 'build/site')], '/ready')
}

/** The worker that passes requests on to our worker beside it (binding-worker/worker.ts), after prepareModel. */
export async function startBound(): Promise<Worker> {
  const configs = ['-c', 'wrangler.toml', '-c', join(ROOT, 'wrangler.toml')]
  return await startWrangler(join(BENCH, 'binding-worker'), configs, '/v1/models')
}

/** The worker that asks an Islet inside it, as it is and mounted (mount-worker/worker.ts), after prepareModel. */
export async function startMounted(): Promise<Worker> {
  return await startWrangler(join(BENCH, 'mount-worker'), ['--assets', join(ROOT, 'build/site')], '/')
}

/** The scripts of a chain, those of `configs` in each process of its own, the hub's last; it has the address. */
export async function startChain(processes: readonly (readonly string[])[]): Promise<Worker> {
  const registry = stateFolder()
  const workers: Worker[] = []
  const stop = async (): Promise<void> => {
    for (const worker of workers.toReversed()) await worker.stop()
  }
  try {
    for (const [i, configs] of processes.entries()) {
      const isHub = i === processes.length - 1
      const args = configs.flatMap((config) => ['-c', config])
      workers.push(await startWrangler(ROOT, args, isHub ? '/v1/models' : '/', undefined, registry))
    }
    return { ...workers[workers.length - 1], stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** A folder for the storage of workers that are started one after the other; gone when this process ends. */
export function stateFolder(): string {
  const state = mkdtempSync(join(tmpdir(), 'islet-bench-'))
  process.once('exit', () => rmSync(state, { recursive: true, force: true }))
  return state
}

/** Waits until GET /health is 200: the model is loaded and warmed up. Returns its body. */
export async function untilHealthy(worker: Worker): Promise<Record<string, unknown>> {
  const response = await untilAnswer(`${worker.url}/health`, (status) => status === 200)
  return (await response.json()) as Record<string, unknown>
}

/** Runs `wrangler dev` in `cwd`, until `ready` gets an answer of any status below 500. */
async function startWrangler(
  cwd: string,
  extra: string[],
  ready: string,
  kept?: string,
  registry?: string,
): Promise<Worker> {
  const [port, inspectorPort] = [await freePort(), await freePort()]
  const state = kept ?? mkdtempSync(join(tmpdir(), 'islet-bench-'))
  const bin = join(ROOT, 'node_modules/.bin')
  const where = ['--ip', '127.0.0.1', '--port', String(port), '--inspector-port', String(inspectorPort)]
  const args = ['dev', ...where, '--persist-to', state, '--show-interactive-dev-session=false', ...extra]
  // A group of its own, so that stopping reaches workerd too.
  const child = spawn(join(bin, 'wrangler'), args, {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
      WRANGLER_SEND_METRICS: 'false',
      ...(registry !== undefined && { WRANGLER_REGISTRY_PATH: registry }),
    },
  })
  let log = ''
  let ended = false
  let runtime: Runtime | undefined
  const keepTail = (data: Buffer): void => {
    log += data.toString()
    runtime = runtimeIn(log) ?? runtime
    log = log.slice(-4000)
  }
  child.stdout.on('data', keepTail)
  child.stderr.on('data', keepTail)
  child.once('error', (error) => {
    log += error.message
    ended = true
  })
  const exit = new Promise<void>((done) => child.once('exit', () => ((ended = true), done())))
  const signal = (name: 'SIGTERM' | 'SIGKILL'): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name)
    } catch {
      // the group is gone
    }
  }
  const killAtExit = (): void => signal('SIGKILL')
  process.once('exit', killAtExit)

  const stop = async (): Promise<void> => {
    signal('SIGTERM')
    await Promise.race([exit, sleep(STOP_LIMIT_MS)])
    signal('SIGKILL')
    process.off('exit', killAtExit)
    if (kept === undefined) rmSync(state, { recursive: true, force: true })
  }
  const url = `http://127.0.0.1:${port}`
  try {
    await untilAnswer(
      `${url}${ready}`,
      (status) => status < 500,
      () => ended || log.includes('Build failed'),
    )
  } catch {
    await stop()
    throw new BenchError(
      `wrangler dev did not start in ${cwd}: ${stripVTControlCharacters(log).trim().slice(-1500)}`,
    )
  }
  return { url, inspector: `http://127.0.0.1:${inspectorPort}`, stop, ...(runtime && { runtime }) }
}

/** Polls `url` until `accept(status)`; a connection refused counts as not yet. */
async function untilAnswer(
  url: string,
  accept: (status: number) => boolean,
  gaveUp: () => boolean = () => false,
): Promise<Response> {
  const deadline = Date.now() + START_LIMIT_MS
  let last = 'no answer'
  while (Date.now() < deadline && !gaveUp()) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })
      if (accept(response.status)) return response
      last = `${response.status} ${(await response.text()).slice(0, 300)}`
    } catch (error) {
      last = String((error as Error).cause ?? error)
    }
    await sleep(50)
  }
  throw new BenchError(`GET ${url}: ${last}`)
}
