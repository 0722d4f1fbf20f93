// The real worker under `wrangler dev`, with a packed model in a site of its own and nothing left behind.

import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { routerScripts } from '../../tools/router-scripts.ts'
import { writeScripts } from '../../tools/scripts.ts'
import { placeModel } from '../../tools/site.ts'
import { freePort } from '../../tools/free-port.ts'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export type TestWorker = {
  url: string
  inspector: string
  model: string
  log: () => string
  stop: () => Promise<void>
  /** Ends wrangler and workerd as a power cut would; what they stored stays. */
  kill: () => Promise<void>
  /** Starts again on what is stored, at the same address. */
  restart: () => Promise<void>
}

export type WorkerOptions = {
  /** Entry to serve in place of src/worker.ts. */
  main?: string
  /** More of wrangler.toml, such as bindings. */
  config?: string
  /** A key that may ask, where keys are configured. */
  ready?: string
  /**
   * Another Worker in the same `wrangler dev`, which is asked in place of Islet: its configuration and variables, and a path that
   * answers. `assets`: it has the model among its own.
   */
  caller?: { config: string; path: string; vars?: Record<string, string>; assets?: boolean }
  /** Configurations of more Workers in the same `wrangler dev`. */
  beside?: readonly string[]
  /** Folders of more models: each has a script of its own, and what is asked is a router in front of all, called `islet`. */
  others?: readonly string[]
  /** Variables of wrangler itself. */
  env?: Record<string, string>
}

const START_MS = 90_000

/** Serves the packed model in `folder`; `vars` replace those of wrangler.toml. Returns once the port answers. */
export async function startWorker(
  folder: string,
  vars: Record<string, string> = {},
  {
    main = join(ROOT, 'src/worker.ts'),
    config: more = '',
    ready,
    caller,
    beside = [],
    others = [],
    env = {},
  }: WorkerOptions = {},
): Promise<TestWorker> {
  const scratch = mkdtempSync(join(tmpdir(), 'islet-test-'))
  const site = join(scratch, 'site')
  const model = placeModel(folder, site)
  const config = join(scratch, 'wrangler.toml')
  const values = { MODEL: model, ...vars }
  const toml = withVars(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8'), caller === undefined ? {} : values)
  writeFileSync(
    config,
    `${toml.replace('"src/worker.ts"', JSON.stringify(main)).replace('"build/site"', JSON.stringify(site))}\n${more}`,
  )
  const temporary = join(scratch, 'tmp') // what a killed process cannot clear away
  mkdirSync(temporary)

  const [port, inspector] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${port}`
  const flags = {
    port,
    'inspector-port': inspector,
    'persist-to': join(scratch, 'state'),
    ip: '127.0.0.1',
    'show-interactive-dev-session': false,
  }
  const args = [
    ...Object.entries(flags).flatMap(([name, value]) => `--${name}=${value}`),
    ...(caller === undefined ? [] : [`--config=${caller.config}`]),
    ...beside.map((path) => `--config=${path}`),
    ...(caller?.assets === true ? [`--assets=${site}`] : []),
    ...(others.length === 0 ? [config] : routerConfigs([folder, ...others], vars, scratch)).map(
      (path) => `--config=${path}`,
    ),
    // Those of the first Worker alone.
    ...Object.entries(caller?.vars ?? (others.length === 0 && caller === undefined ? values : {})).flatMap(
      ([name, value]) => ['--var', `${name}:${value}`],
    ),
  ]
  let log = ''
  let running: Running
  const launch = (): Promise<void> => {
    running = run(args, { cwd: scratch, env: { TMPDIR: temporary, ...env } }, (text) => (log += text))
    return answers(`${url}${caller?.path ?? '/v1/models'}`, running, ready)
  }
  const stop = async (): Promise<void> => {
    await end(running, 'SIGTERM')
    rmSync(scratch, { recursive: true, force: true })
  }
  const start = (): Promise<void> =>
    launch().catch(async (error: unknown) => {
      await stop()
      throw new Error(`the worker did not start:\n${log.slice(-4000)}`, { cause: error })
    })
  await start()
  return {
    url,
    inspector: `http://127.0.0.1:${inspector}`,
    model,
    log: () => log,
    stop,
    kill: () => end(running, 'SIGKILL'),
    restart: start,
  }
}

/** Configurations of a router and its models, the router's first: it has the port. */
function routerConfigs(folders: readonly string[], vars: Record<string, string>, scratch: string): string[] {
  const { scripts } = routerScripts(
    'islet',
    folders.map((folder) => ({ folder })),
    vars,
  )
  const written = writeScripts(scripts, join(scratch, 'scripts'))
  return written.map(({ config }) => config).reverse()
}

/** The configuration with other values of its variables: `--var` is for the first Worker alone. */
function withVars(toml: string, vars: Record<string, string>): string {
  return Object.entries(vars).reduce((text, [name, value]) => {
    const line = new RegExp(`^${name} *=.*$`, 'm')
    return text.replace(line, () => `${name} = ${JSON.stringify(value)}`)
  }, toml)
}

export type Running = { child: ChildProcess; ended: Promise<void> }

/** Starts `wrangler dev` in a group of its own. */
export function run(
  args: readonly string[],
  { cwd, env }: { cwd: string; env: Record<string, string> },
  onOutput: (text: string) => void,
): Running {
  const wrangler = join(ROOT, 'node_modules/wrangler/bin/wrangler.js')
  const child = spawn(process.execPath, [wrangler, 'dev', ...args], {
    cwd,
    detached: true, // a group of its own, so that signals reach workerd
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env, WRANGLER_SEND_METRICS: 'false', CI: '1' },
  })
  for (const output of [child.stdout, child.stderr])
    output.on('data', (data: Buffer) => onOutput(data.toString()))
  return { child, ended: new Promise((resolve) => child.once('exit', () => resolve())) }
}

/** Signals the whole group, and waits for its leader. */
export async function end({ child, ended }: Running, signal: NodeJS.Signals): Promise<void> {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
    process.kill(-child.pid, signal)
  await ended
}

/** Returns once the address answers with that status. */
export async function answers(url: string, { child }: Running, key = 'none', wanted = 200): Promise<void> {
  for (const started = Date.now(); ;) {
    const status = await fetch(url, { headers: { authorization: `Bearer ${key}` } }).then(
      ({ status }) => status,
      () => 0,
    )
    if (status === wanted) return
    if (child.exitCode !== null) throw new Error(`wrangler ended with ${child.exitCode}`)
    if (Date.now() - started > START_MS) throw new Error(`nothing answered within ${START_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
