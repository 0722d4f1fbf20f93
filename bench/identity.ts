// This harness hashes the logits of a checkout and compares them bit for bit with those of another.
// Hashed are all cases of the reference data, tiny, and SmolLM2. It drives the checkout's own command line
// (`islet logits`, `islet pack`), so files inside may move as they like. A checkout takes about a minute.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const USAGE = `node bench/identity.ts [CHECKOUT] [CHECKOUT] [--check]
  no option   writes the hashes of CHECKOUT (default: this one) to docs/results/identity.json
  --check     computes them and fails, listing every difference from docs/results/identity.json
  two         checkouts are compared with each other; nothing is written

CHECKOUT needs node_modules, models/tiny and models/smollm2-135m-instruct.
The reference data is in ../shared/golden, or where ISLET_GOLDEN says.`

const ROOT = resolve(import.meta.dirname, '..')
const RESULTS = join(ROOT, 'docs/results/identity.json')
const GOLDEN = process.env['ISLET_GOLDEN'] ?? resolve(ROOT, '../shared/golden')

/** Where a checkout has its command line, and what compiles kernels that are older than their source. */
const COMMAND_LINE = 'cli/main.ts'
const KERNELS = ['tools/build.ts', 'scripts/build.ts']

const REAL = 'smollm2-135m-instruct'
const POSITIONS = 300
/** The first slides within the positions, the second never does. */
const WINDOWS = [64, 1024]
/** As test/helpers/golden-run.ts has it: for families that have no GGUF files. */
const AS_Q8_0 = ['--quant', 'q8', '--embedding', 'q8', '--rounding', 'nearest']

/** A run of `islet logits`; with `pack`, of what `islet pack` makes of the model by these options. */
type Run = {
  name: string
  model: string
  ids: number[]
  feed?: number[]
  options?: string[]
  pack?: string[]
}

/** By a case's name the SHA-256 of all its logits, little-endian float32 (rows, vocab). */
type Hashes = Record<string, string>

/** `cases` of docs/results/identity.json, as they were at `commit`. */
type Results = { commit: string; cases: Hashes }

type GoldenCase = { id: string; files: string[]; input_ids: number[]; feed?: number[]; weights?: string }
type GoldenWindow = { id: string; sinks: number; window: number; input_ids: number[] }

class IdentityError extends Error {}

/** Runs of the reference data: each case once for each of its files, and those under a window. */
function goldenRuns(): Run[] {
  const open = join(GOLDEN, 'open')
  if (!existsSync(open)) throw new IdentityError('there is no reference data: ISLET_GOLDEN names its folder')
  return readdirSync(open)
    .sort()
    .flatMap((family) => [...casesOf(join(open, family), family), ...windowsOf(join(open, family), family)])
}

function casesOf(folder: string, family: string): Run[] {
  const { cases } = readJson<{ cases: GoldenCase[] }>(join(folder, 'cases.json'))
  return cases.flatMap(({ id, files, input_ids: ids, feed, weights }): Run[] => {
    const name = `golden/${family}/${id}`
    // Cases without files are of weights that were rounded as Q8_0 rounds.
    if (files.length === 0 && weights === 'q8_0 dequantised')
      return [{ name: `${name}/packed as q8`, model: folder, ids, feed, pack: AS_Q8_0 }]
    return files.map((file) => {
      const model = file === 'model.safetensors' ? folder : join(folder, file)
      return { name: `${name}/${file}`, model, ids, feed }
    })
  })
}

function windowsOf(folder: string, family: string): Run[] {
  const file = join(folder, 'window.json')
  if (!existsSync(file)) return []
  return readJson<{ cases: GoldenWindow[] }>(file).cases.map(({ id, sinks, window, input_ids: ids }) => ({
    name: `golden/${family}/window/${id}`,
    model: folder,
    ids,
    options: ['--window', String(window), '--sinks', String(sinks)],
  }))
}

/** A packed model of the checkout under each window: all ids in one prefill, or one by one. */
function modelRuns(checkout: string, model: string, kinds: ('f32' | 'q8')[]): Run[] {
  const { spec } = readJson<{ spec: { vocab: number } }>(join(checkout, 'models', model, 'manifest.json'))
  const ids = Array.from({ length: POSITIONS }, (_, i) => (i * 7919 + 31) % spec.vocab)
  const [first, ...rest] = ids
  return WINDOWS.flatMap((window) => {
    const options = ['--window', String(window)]
    const name = `${model}/window ${window}`
    return [
      { name: `${name}/prefill`, model, ids, options },
      { name: `${name}/decode`, model, ids: [first], feed: rest, options },
      // The cache in each precision, whichever of them is the model's own.
      ...kinds.map((kv) => ({
        name: `${name}/prefill, ${kv} cache`,
        model,
        ids,
        options: [...options, '--kv', kv],
      })),
    ]
  })
}

/** All hashes of a checkout. A run that fails has the reason in place of its hash. */
function hashesOf(checkout: string): Hashes {
  if (!existsSync(join(checkout, COMMAND_LINE)))
    throw new IdentityError(`the checkout has no ${COMMAND_LINE}\n${USAGE}`)
  const build = KERNELS.find((file) => existsSync(join(checkout, file)))
  if (build !== undefined) node(checkout, [build])
  const runs = [
    ...goldenRuns(),
    ...modelRuns(checkout, 'tiny', ['f32', 'q8']),
    ...modelRuns(checkout, REAL, ['f32', 'q8']),
  ]
  const scratch = mkdtempSync(join(tmpdir(), 'islet-identity-'))
  try {
    return Object.fromEntries(runs.map((run) => [run.name, hashOf(checkout, run, scratch)]))
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

function hashOf(checkout: string, { name, ids, feed, options = [], ...run }: Run, scratch: string): string {
  try {
    let { model } = run
    if (run.pack !== undefined) {
      const packed = mkdtempSync(join(scratch, 'packed-'))
      node(checkout, [COMMAND_LINE, 'pack', model, packed, ...run.pack])
      model = packed
    }
    const fed = feed === undefined || feed.length === 0 ? [] : ['--feed', feed.join()]
    const file = join(scratch, 'logits.npy')
    const said = node(checkout, [
      ...[COMMAND_LINE, 'logits', model, '--ids', ids.join(), '--out', file],
      ...fed,
      ...options,
    ])
    const [, rows, hash] = /^(\d+) rows of \d+, SHA-256 ([0-9a-f]{64})$/m.exec(said) ?? []
    const wanted = ids.length + (feed?.length ?? 0)
    if (Number(rows) !== wanted) throw new IdentityError(`${wanted} rows were asked for, it said: ${said}`)
    process.stderr.write(`${name}: ${hash}\n`)
    return hash
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error
    process.stderr.write(`${name}: ${error.message}\n`)
    return `failed: ${error.message}`
  }
}

/** Runs a script of the checkout; gives what it says on standard error. */
function node(checkout: string, args: string[]): string {
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: checkout, encoding: 'utf8' })
  if (status !== 0) throw new IdentityError(`${args.slice(0, 2).join(' ')} failed: ${stderr.trim()}`)
  return stderr
}

/** One line for each case that is not the same in both. */
function differences(wanted: Hashes, got: Hashes): string[] {
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(got)])]
  return names
    .filter((name) => wanted[name] !== got[name] || got[name].startsWith('failed'))
    .map((name) => `${name}: ${got[name] ?? 'not there'}, expected ${wanted[name] ?? 'nothing'}`)
}

/** The commit of a checkout whose files are all as committed, so that the hashes are that commit's. */
function commitOf(checkout: string): string {
  const git = (...args: string[]): string =>
    spawnSync('git', args, { cwd: checkout, encoding: 'utf8' }).stdout.trim()
  if (git('status', '--porcelain', '--untracked-files=no') !== '')
    throw new IdentityError('the checkout has changes that are not committed: hashes would be of no commit')
  return git('rev-parse', 'HEAD')
}

function write(checkout: string): void {
  const commit = commitOf(checkout)
  const cases = hashesOf(checkout)
  const failed = Object.entries(cases).filter(([, hash]) => hash.startsWith('failed'))
  if (failed.length > 0) throw new IdentityError(`${failed.length} cases failed: nothing is written`)
  writeFileSync(RESULTS, `${JSON.stringify({ commit, cases } satisfies Results, undefined, 2)}\n`)
  process.stdout.write(`${Object.keys(cases).length} cases at ${commit}: docs/results/identity.json\n`)
}

function compare(wanted: Hashes, got: Hashes): void {
  const lines = differences(wanted, got)
  for (const line of lines) process.stdout.write(`${line}\n`)
  const count = Object.keys(wanted).length
  if (lines.length > 0) throw new IdentityError(`${lines.length} differences, of ${count} cases`)
  process.stdout.write(`${count} cases, all of them the same bits\n`)
}

function readJson<T>(path: string): T {
  if (!existsSync(path)) throw new IdentityError(`there is no ${path}`)
  return JSON.parse(readFileSync(path, 'utf8')) as T
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { check: { type: 'boolean' }, help: { type: 'boolean' } },
  })
  const [one = ROOT, two, ...more] = positionals.map((path) => resolve(path))
  if (values.help === true) process.stdout.write(`${USAGE}\n`)
  else if (more.length > 0 || (two !== undefined && values.check === true)) throw new IdentityError(USAGE)
  else if (two !== undefined) compare(hashesOf(one), hashesOf(two))
  else if (values.check === true) compare(readJson<Results>(RESULTS).cases, hashesOf(one))
  else write(one)
}

try {
  main()
} catch (error) {
  if (!(error instanceof IdentityError)) throw error
  process.stderr.write(`identity: ${error.message}\n`)
  process.exitCode = 1
}
