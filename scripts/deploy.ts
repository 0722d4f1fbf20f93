// `npm run deploy`: builds the kernels, places the packed model among the assets and runs `wrangler deploy`.
// Arguments go on to wrangler (`--dry-run` works offline and without an account), but for `--model NAME`. Several models are a
// script each, and a router in front.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DEFAULT_MODEL } from '../cli/lib/pull.ts'
import { IsletError, isUserCode } from '../src/lib/errors.ts'
import { packedFiles } from '../src/packing/make-manifest.ts'
import type { Manifest } from '../src/weights/manifest.ts'
import { buildKernels } from '../tools/build.ts'
import { namedModels, routerScripts, type NamedModel } from '../tools/router-scripts.ts'
import { writeScripts } from '../tools/scripts.ts'
import { MODELS, placeModel } from '../tools/site.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** The name of the worker, or of the router, where no other is given: that of wrangler.toml. */
const NAME = 'islet'

/** Takes each `--model NAME` or `--model=NAME` out of the arguments. */
export function splitArguments(argv: readonly string[]): { models: NamedModel[]; rest: string[] } {
  const { taken, rest } = takeOption(argv, '--model')
  return { models: namedModels(taken.length === 0 ? [DEFAULT_MODEL] : taken), rest }
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

/** Deploys a script for each model, then the router, whose bindings need them. Stops at the first that fails. */
function deployRouter(models: readonly NamedModel[], argv: readonly string[]): number {
  const { taken, rest } = takeOption(argv, '--name')
  const served = models.map(({ name, script }) => ({ folder: `${MODELS}/${name}`, script }))
  const { scripts } = routerScripts(taken.at(-1) ?? NAME, served)
  for (const { name, config } of writeScripts(scripts, `${ROOT}build/scripts`)) {
    process.stdout.write(`\n${name}\n`)
    const status = wrangler('--config', config, ...rest)
    if (status !== 0) return status
  }
  return 0
}

function main(argv: string[]): number {
  const { models, rest } = splitArguments(argv)
  for (const { name } of models) requirePacked(`${MODELS}/${name}`, name)
  buildKernels()
  const isOne = models.length === 1
  const status = isOne
    ? wrangler('--var', `MODEL:${placeModel(`${MODELS}/${models[0].name}`)}`, ...rest)
    : deployRouter(models, rest)
  if (status === 0 && !rest.includes('--dry-run')) {
    const of = isOne ? '' : ` --name ${takeOption(rest, '--name').taken.at(-1) ?? NAME}`
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
    process.exitCode = main(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`islet: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = error instanceof IsletError && isUserCode(error.code) ? 2 : 1
  }
}
