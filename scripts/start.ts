// `npm start`: prints the address, then kernels, model and the worker under `wrangler dev`; a curl line once it answers.
// Several models are a script each behind a router, a model that no isolate holds is a chain of scripts: all in one `wrangler dev`,
// or a chain's stages and its hub in one each.

import { existsSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { number, windowList } from '../cli/lib/options.ts'
import { DEFAULT_MODEL, ensureModel } from '../cli/lib/pull.ts'
import { servedInStages, stageCount } from '../cli/lib/stages.ts'
import { IsletError, isUserCode } from '../src/lib/errors.ts'
import { choice } from '../src/packing/policy.ts'
import { buildKernels } from '../tools/build.ts'
import { chainScripts } from '../tools/chain-scripts.ts'
import { freePort } from '../tools/free-port.ts'
import { ROOT } from '../tools/root.ts'
import { namedModels, routerScripts, type ServedModel } from '../tools/router-scripts.ts'
import { configuredVars, writeScripts, type Script } from '../tools/scripts.ts'
import { MODELS, placeModel } from '../tools/site.ts'
import { untilAnswers, wranglerDev, type DevOptions, type DevRun } from '../tools/wrangler-dev.ts'

const USUAL_PORT = 8787

/** Served when neither the hub nor the package index can be reached. */
const EMBEDDED = 'tiny'

/** What of a chain a `wrangler dev` of its own may serve, in the order in which they start. */
const HALVES = ['stages', 'hub'] as const

type Half = (typeof HALVES)[number]

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** The folder of a model to serve: pulls what can be pulled, falls back to the embedded model for the default alone. */
async function modelFolder(name: string): Promise<string> {
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
 * What a run has for itself, by its port: the site with its model, or the scripts of several, what its lanes store, and where halves of
 * a chain find each other. Two runs in one checkout share nothing.
 */
function placeOf(port: number): { site: string; scripts: string; registry: string; state: string } {
  const state = port === USUAL_PORT ? 'state' : `state-${port}`
  const [site, scripts, registry] = ['sites', 'scripts', 'registry'].map(
    (what) => `${ROOT}build/${what}/${port}`,
  )
  return { site, scripts, registry, state: `${ROOT}.wrangler/${state}` }
}

type Vars = Readonly<Record<string, string>>

/** The ids of the models, and what serves them; of a chain's halves each by itself. */
type Served = { ids: string[]; runs: (DevOptions & { half?: Half })[]; stages?: number }

function one(folder: string, port: number, vars: Vars): Served {
  const { site, state } = placeOf(port)
  const id = placeModel(folder, site)
  const given = Object.entries({ MODEL: id, ...vars }).flatMap(([name, value]) => [
    '--var',
    `${name}:${value}`,
  ])
  return { ids: [id], runs: [{ port, state, served: ['--assets', site, ...given] }] }
}

function several(served: readonly ServedModel[], port: number, vars: Vars): Served {
  const { scripts: into, state } = placeOf(port)
  const { scripts, ids } = routerScripts('islet', served, vars)
  return { ids, runs: [{ port, state, served: configs(scripts, into) }] }
}

async function chain(folder: string, port: number, vars: Vars, halves: readonly Half[]): Promise<Served> {
  const { scripts: into, registry, state } = placeOf(port)
  const { scripts, id } = chainScripts('islet', folder, vars)
  const [hub, ...stages] = scripts
  const served = { ids: [id], stages: scripts.length }
  if (halves.length === 0) return { ...served, runs: [{ port, state, served: configs(scripts, into) }] }
  const runs = halves.map(async (half) => {
    const isHub = half === 'hub'
    const own = isHub ? [hub] : stages
    // One that was killed is still in the registry, where its name would be taken for minutes.
    for (const { name } of own) rmSync(join(registry, name), { force: true })
    return {
      half,
      port: isHub ? port : await freePort(),
      state: isHub ? state : `${state}-stages`,
      registry,
      served: configs(own, join(into, half)),
    }
  })
  return { ...served, runs: await Promise.all(runs) }
}

/** The first configuration has the port: that of what is asked. */
function configs(scripts: readonly Script[], into: string): string[] {
  return writeScripts(scripts, into)
    .reverse()
    .flatMap(({ config }) => ['--config', config])
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

/** Starts one after the other, each when the one before answers; all end with the first that does. Whether all answer. */
async function serve(runs: Served['runs']): Promise<boolean> {
  const running: DevRun[] = []
  let told = false
  const end = (signal: NodeJS.Signals): void => {
    told = true
    for (const run of running) run.end(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => end(signal))
  for (const { half, ...options } of runs) {
    const run = await wranglerDev(options)
    running.push(run)
    void run.ended.then((code) => {
      process.exitCode ||= code
      if (told || runs.length === 1) return
      process.exitCode ||= 1
      say(`\nThe ${half === 'hub' ? 'hub' : 'stages'} ended: the other half ends too.`)
      end('SIGTERM')
    })
    // A stage has no address: its 404 is an answer.
    if (half === 'stages') await untilAnswers(run, '/', () => true)
    // Health starts the load.
    else await untilAnswers(run, '/health', ({ ok }) => ok)
    if (told || run.isOver()) return false
  }
  return true
}

function given() {
  return parseArgs({
    options: {
      port: { type: 'string' },
      model: { type: 'string', multiple: true, default: [DEFAULT_MODEL] },
      window: { type: 'string' },
      stages: { type: 'string' },
      processes: { type: 'string', default: '1' },
      only: { type: 'string' },
    },
  }).values
}

type Values = ReturnType<typeof given>

async function main(): Promise<void> {
  const values = given()
  const port = values.port === undefined ? USUAL_PORT : number(values.port, '--port', 1, 65535)
  const models = namedModels(values.model)
  const vars: Vars =
    values.window === undefined ? {} : { WINDOW: windowList(values.window, '--window', 0).join() }
  const stages = values.stages === undefined ? undefined : stageCount(values.stages)
  const only = values.only === undefined ? undefined : choice(values.only, HALVES, '--only')
  const both = number(values.processes, '--processes', 1, 2) === 2 ? HALVES : []
  const halves = only === undefined ? both : [only]
  if (models.length > 1 && (stages !== undefined || halves.length > 0))
    throw new IsletError('invalid_request', '--stages, --processes and --only are for one --model', {
      param: '--model',
    })

  const url = `http://localhost:${port}`
  if (only !== 'stages') {
    await checkFree(port)
    say(`Islet will be at ${url}/ in a moment: open it in a browser. The model loads behind the page.`)
  }
  // First: packing computes the pages that all chats begin with, by the kernels that will read them.
  buildKernels()
  const found: (ServedModel & { inStages: boolean })[] = []
  const { WINDOW, SINKS, CHUNK } = { ...configuredVars(), ...vars }
  const planned = { window: WINDOW, sinks: SINKS, chunk: CHUNK }
  for (const { name, script } of models) {
    const folder = await modelFolder(name)
    found.push({ folder, script, inStages: await servedInStages(folder, stages, planned) })
  }
  const [{ folder, inStages }] = found
  if (halves.length > 0 && !inStages)
    throw new IsletError('invalid_request', 'one isolate holds this model: give --stages to share it out')
  const served =
    found.length > 1
      ? several(found, port, vars)
      : inStages
        ? await chain(folder, port, vars, halves)
        : one(folder, port, vars)
  if (!(await serve(served.runs))) return
  const { ids } = served
  if (only === 'stages') {
    say(`\nThe stages of ${ids[0]} are up, for a hub with --port ${port}.\n`)
    return
  }
  const many = served.stages === undefined ? '' : `, in ${served.stages} scripts`
  say(
    `\nIslet serves ${ids.join(' and ')} at ${url}${many}\n\nStream an answer:\n\n  ${curlLine(url, ids[0])}\n`,
  )
  if (halves.length === 2) say(`Each half may run in a shell of its own:\n\n${halfLines(values, served)}\n`)
}

/** The commands that start a chain's halves one by one. */
function halfLines({ port, model, window }: Values, { stages }: Served): string {
  const options = Object.entries({ model: model[0], stages, port, window }).flatMap(([option, value]) =>
    value === undefined ? [] : [`--${option} ${value}`],
  )
  return HALVES.map((half) => `  npm start -- ${options.join(' ')} --only ${half}`).join('\n')
}

try {
  await main()
} catch (error) {
  process.stderr.write(`islet: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = error instanceof IsletError && isUserCode(error.code) ? 2 : 1
}
