// `npm run clients`: real clients, pinned and unmodified, against the worker, into docs/results/clients.json. Options:
// `--model ID` serves another model, `--only a,b` runs some and keeps the others' results, `--record` writes what was
// sent, one request of each form, to test/fixtures/clients.

import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { startIslet } from '../bench/lib/worker.ts'
import { DEFAULT_MODEL, ensureModel } from '../cli/lib/pull.ts'
import { buildKernels } from '../tools/build.ts'
import { ROOT } from '../tools/root.ts'
import { MODELS, placeModel } from '../tools/site.ts'
import { CHECKS } from './answers.ts'
import { installClients, type Place } from './install.ts'
import { CLIENTS, type Client } from './list.ts'
import { COOKBOOK, placeProgram, runProgram, SCENARIOS, type Ended } from './programs.ts'
import { startProxy, type Exchange, type Proxy } from './proxy.ts'
import { RESULTS_FILE, type ClientResult, type ClientResults, type Outcome } from './result.ts'

const FIXTURES = `${ROOT}test/fixtures/clients`

/** What marks a line of a program of scenarios as an outcome. */
const MARK = '@outcome '

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: DEFAULT_MODEL },
    only: { type: 'string' },
    record: { type: 'boolean', default: false },
  },
})

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** The end of what a failed program said. */
function lastWords({ code, stderr, stdout }: Ended): string {
  const words = (stderr.trim() || stdout.trim()).slice(-600)
  return code === null ? `took too long; ${words}` : words
}

/** Runs the programs of a client one after the other, up to the first that fails. */
async function runCookbook(client: Client, place: Place, proxy: Proxy): Promise<ClientResult['program']> {
  const { programs = [] } = client
  if (programs.length === 0) return undefined
  // As a package that was installed from this repository.
  if (client.language === 'node')
    for (const part of ['package.json', 'published'])
      cpSync(`${ROOT}${part}`, `${place.folder}/node_modules/islet/${part}`, { recursive: true })
  for (const { file, prints = 'answers' } of programs) {
    const served = { url: proxy.url, model: values.model }
    const ended = await runProgram(placeProgram(`${COOKBOOK}/${file}`, place.folder, served), place.python)
    try {
      if (ended.code !== 0) throw new Error(lastWords(ended))
      CHECKS[prints](ended.stdout)
    } catch (error) {
      return { ok: false, error: `${file}: ${(error as Error).message}` }
    }
  }
  return { ok: true }
}

/** Keeps bodies that were answered, as the client sent them: one of each form. */
function record(id: string, sent: readonly Exchange[]): void {
  const forms = new Map<string, string>()
  for (const { method, path, body, status } of sent) {
    if (method !== 'POST' || status !== 200 || isBound(path, body)) continue
    const form = `${path} ${formOf(body)}`
    if (forms.has(form)) continue
    forms.set(form, JSON.stringify({ path, body }))
  }
  if (forms.size === 0) return
  mkdirSync(FIXTURES, { recursive: true })
  writeFileSync(`${FIXTURES}/${id}.json`, `[\n${[...forms.values()].join(',\n')}\n]\n`)
}

/** Whether a request names what an earlier one made, so that it cannot be sent by itself. */
function isBound(path: string, body: unknown): boolean {
  const asked = (body ?? {}) as Record<string, unknown>
  return (
    /\/(resp|conv|sess)_/.test(path) || asked['previous_response_id'] != null || asked['conversation'] != null
  )
}

/** What tells requests of one path apart: the fields that are there, and what of the answer is held. */
function formOf(body: unknown): string {
  const {
    response_format: format,
    text,
    tool_choice: choice,
    structured_outputs: outputs,
    output_config: output,
    ...rest
  } = body as Asked
  const named = typeof choice === 'object' ? (choice?.type ?? '') : choice
  const held = [format?.type, text?.format?.type, output?.format?.type, named, ...Object.keys(outputs ?? {})]
  const prompt = Array.isArray(rest['prompt']) ? 'ids' : typeof rest['prompt']
  return JSON.stringify([Object.keys(rest).sort(), held, rest['stream'] === true, prompt])
}

type Asked = Record<string, unknown> & {
  response_format?: { type: string }
  text?: { format?: { type: string } }
  output_config?: { format?: { type: string } }
  tool_choice?: string | { type?: string }
  structured_outputs?: object
}

async function runScenarios(client: Client, place: Place, proxy: Proxy): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const file of [client.talk, client.scenarios])
    if (file !== undefined) outcomes.push(...(await runFile(client, file, place, proxy)))
  return outcomes
}

async function runFile(client: Client, file: string, place: Place, proxy: Proxy): Promise<Outcome[]> {
  const helper = client.language === 'node' ? 'scenarios.mjs' : 'scenarios.py'
  const copy = placeProgram(
    `${SCENARIOS}/${file}`,
    `${place.folder}/scenarios`,
    { url: proxy.url, model: values.model },
    [helper],
  )
  // As a package of this repository would have it.
  if (client.language === 'node') cpSync(`${ROOT}published/fetch.js`, `${dirname(copy)}/islet-fetch.mjs`)
  const ended = await runProgram(copy, place.python)
  const outcomes = ended.stdout
    .split('\n')
    .filter((line) => line.startsWith(MARK))
    .map((line) => JSON.parse(line.slice(MARK.length)) as Outcome)
  if (ended.code === 0) return outcomes
  return [
    ...outcomes,
    { kind: 'other', name: 'all scenarios run to the end', ok: false, error: lastWords(ended) },
  ]
}

/** The results of an earlier run of the same model, by client. */
function earlier(): Map<string, ClientResult> {
  if (!existsSync(RESULTS_FILE)) return new Map()
  const { model, clients } = JSON.parse(readFileSync(RESULTS_FILE, 'utf8')) as ClientResults
  return new Map(model === values.model ? clients.map((client) => [client.id, client]) : [])
}

async function main(): Promise<number> {
  const only = values.only?.split(',')
  const chosen = CLIENTS.filter(({ id }) => only === undefined || only.includes(id))
  const unknown = only?.filter((id) => !CLIENTS.some((client) => client.id === id)) ?? []
  if (unknown.length > 0)
    throw new Error(`--only ${unknown.join(', ')}: there are ${CLIENTS.map(({ id }) => id).join(', ')}`)
  const places = installClients(chosen)
  buildKernels()
  await ensureModel(values.model, { log: say })
  placeModel(`${MODELS}/${values.model}`)
  const worker = await startIslet({ MODEL: values.model })
  const proxy = await startProxy(worker.url)
  const results = only === undefined ? new Map<string, ClientResult>() : earlier()
  let surprises = 0
  try {
    for (const client of chosen) {
      const place = places.get(client.id) as Place
      const program = await runCookbook(client, place, proxy)
      const scenarios = await runScenarios(client, place, proxy)
      const sent = proxy.take()
      if (values.record) record(client.id, sent)
      results.set(client.id, { id: client.id, packages: client.packages, program, scenarios })
      const bad = scenarios.filter(({ ok, miss }) => !ok && miss === undefined)
      const known = scenarios.filter(({ ok, miss }) => !ok && miss !== undefined)
      say(
        `${client.id}: program ${program === undefined ? 'none' : program.ok ? 'ok' : 'FAILED'}; ${scenarios.filter(({ ok }) => ok).length} of ${scenarios.length} scenarios, ${known.length} known misses`,
      )
      if (program?.ok === false) say(`  program: ${program.error}`)
      for (const { kind, name, error } of bad) say(`  ${kind}: ${name}: ${error}`)
      surprises += bad.length + (program?.ok === false ? 1 : 0)
    }
  } finally {
    proxy.stop()
    await worker.stop()
  }
  const clients = CLIENTS.flatMap(({ id }) => results.get(id) ?? [])
  const written: ClientResults = { model: values.model, clients }
  if (values.model === DEFAULT_MODEL)
    writeFileSync(RESULTS_FILE, `${JSON.stringify(written, undefined, 1)}\n`)
  return surprises === 0 ? 0 : 1
}

process.exitCode = await main()
