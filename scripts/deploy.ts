// `npm run deploy`: builds the kernels, places the packed model among the assets and runs `wrangler deploy`.
// Arguments go on to wrangler (`--dry-run` works offline and without an account), but for `--model NAME` and `--stages K`. Several models
// are a script each, and a router in front; a model that no isolate holds is a chain of scripts.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DEFAULT_MODEL } from '../cli/lib/pull.ts'
import { servedInStages, stageCount } from '../cli/lib/stages.ts'
import { IsletError, isUserCode } from '../src/lib/errors.ts'
import { sharesIn, stageFolder } from '../src/packing/cut.ts'
import { packedFiles } from '../src/packing/make-manifest.ts'
import type { StageCount } from '../src/packing/plan-stages.ts'
import type { Manifest } from '../src/weights/manifest.ts'
import { buildKernels } from '../tools/build.ts'
import { chainScripts } from '../tools/chain-scripts.ts'
import { namedModels, routerScripts, type NamedModel, type ServedModel } from '../tools/router-scripts.ts'
import { configuredVars, writeScripts, type Script } from '../tools/scripts.ts'
import { MODELS, placeModel } from '../tools/site.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** The name of the worker, of the router, or of a chain's hub, where no other is given: that of wrangler.toml. */
const NAME = 'islet'

/** Takes each `--model NAME` or `--model=NAME` out of the arguments, and `--stages K`, which is for one model. */
export function splitArguments(argv: readonly string[]): {
  models: NamedModel[]
  stages?: StageCount
  rest: string[]
} {
  const { taken, rest: others } = takeOption(argv, '--model')
  const models = namedModels(taken.length === 0 ? [DEFAULT_MODEL] : taken)
  const { taken: counts, rest } = takeOption(others, '--stages')
  const stages = counts.at(-1)
  if (stages === undefined) return { models, rest }
  if (models.length > 1)
    throw new IsletError('invalid_request', '--stages is for one --model', { param: '--stages' })
  return { models, stages: stageCount(stages), rest }
}

/** The values of an option, and the arguments without it. */
function takeOption(argv: readonly string[], option: string): { taken: string[]; rest: string[] } {
  const [taken, rest]: string[][] = [[], []]
  for (let i = 0; i < argv.length; i++) {
    if (argv[i].startsWith(`${option}=`)) taken.push(argv[i].slice(option.length + 1))
    else if (argv[i] === option) taken.push(argv[++i] ?? '')
    else rest.push(argv[i])
  }
  return { taken, rest }
}

/** Throws unless every file that the manifest in `folder` names is there with its length. */
export function requirePacked(folder: string, name: string): void {
  if (!existsSync(`${folder}/manifest.json`)) {
    const how =
      name === DEFAULT_MODEL ? 'npm run islet -- pull' : `npm run islet -- pack INPUT models/${name}`
    throw new IsletError(
      'model_not_found',
      `there is no packed model in models/${name}; to make it: ${how}`,
      { param: '--model' },
    )
  }
  const manifest = JSON.parse(readFileSync(`${folder}/manifest.json`, 'utf8')) as Manifest
  for (const { file, length } of packedFiles(manifest)) {
    const size = statSync(`${folder}/${file}`, { throwIfNoEntry: false })?.size
    if (size !== length) {
      const seen = size === undefined ? 'is missing' : `has ${size} bytes instead of ${length}`
      throw new IsletError('invalid_file', `models/${name}/${file} ${seen}: pull or pack the model again`)
    }
  }
}

function wrangler(...args: string[]): number {
  const bin = `${ROOT}node_modules/wrangler/bin/wrangler.js`
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false' }
  return (
    spawnSync(process.execPath, [bin, 'deploy', ...args], { cwd: ROOT, stdio: 'inherit', env }).status ?? 1
  )
}

/** The values of `--var NAME:VALUE`, which wrangler gets too. */
function givenVars(argv: readonly string[]): Partial<Record<string, string>> {
  const pairs = takeOption(argv, '--var').taken.map((given) => /^([^:]*):([^]*)$/.exec(given) ?? [])
  return Object.fromEntries(pairs.map(([, name, value]) => [name, value]))
}

/** Deploys one script after the other, those first whose classes others bind. Stops at the first that fails. */
function deployScripts(scripts: readonly Script[], argv: readonly string[]): number {
  for (const { name, config } of writeScripts(scripts, `${ROOT}build/scripts`)) {
    process.stdout.write(`\n${name}\n`)
    const status = wrangler('--config', config, ...argv)
    if (status !== 0) return status
  }
  return 0
}

async function main(argv: string[]): Promise<number> {
  const { models, stages, rest } = splitArguments(argv)
  const served: ServedModel[] = []
  const { WINDOW, SINKS, CHUNK } = { ...configuredVars(), ...givenVars(rest) }
  const planned = { window: WINDOW, sinks: SINKS, chunk: CHUNK }
  for (const { name, script } of models) {
    const folder = `${MODELS}/${name}`
    requirePacked(folder, name)
    const inStages = await servedInStages(folder, stages, planned)
    const shares = (inStages && (await sharesIn(folder))) || []
    for (const index of shares.keys()) requirePacked(stageFolder(folder, index), `${name}/stages/${index}`)
    served.push({ folder, script, inStages })
  }
  buildKernels()
  const [{ folder, inStages }] = served
  const { taken, rest: unnamed } = takeOption(rest, '--name')
  const name = taken.at(-1) ?? NAME
  const isOne = models.length === 1 && inStages !== true
  const status = isOne
    ? wrangler('--var', `MODEL:${placeModel(folder)}`, ...rest)
    : deployScripts(
        (models.length > 1 ? routerScripts(name, served) : chainScripts(name, folder)).scripts,
        unnamed,
      )
  if (status === 0 && !rest.includes('--dry-run')) {
    const of = isOne ? '' : ` --name ${name}`
    const lines = [
      'Without the secret API_KEYS a deployed worker answers 401 to everyone. To set it (hashes of keys, not keys):',
      `  printf %s KEY | sha256sum | cut -d' ' -f1 | npx wrangler secret put API_KEYS${of}`,
      'To check the worker: npm run smoke -- URL --key KEY',
    ]
    process.stdout.write(`\n${lines.join('\n')}\n`)
  }
  return status
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = await main(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`islet: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = error instanceof IsletError && isUserCode(error.code) ? 2 : 1
  }
}
