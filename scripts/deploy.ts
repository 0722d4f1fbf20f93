// `npm run deploy`: builds the kernels, places the packed model among the assets and runs `wrangler deploy`.
// Arguments go on to wrangler (`--dry-run` works offline and without an account), but for `--model NAME`.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DEFAULT_MODEL } from '../cli/lib/pull.ts'
import { IsletError, isUserCode } from '../src/lib/errors.ts'
import { packedFiles } from '../src/packing/make-manifest.ts'
import type { Manifest } from '../src/weights/manifest.ts'
import { buildKernels } from '../tools/build.ts'
import { MODELS, placeModel } from '../tools/site.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Takes `--model NAME` or `--model=NAME` out of the arguments. */
export function splitArguments(argv: readonly string[]): { model: string; rest: string[] } {
  const rest: string[] = []
  let model = DEFAULT_MODEL
  for (let i = 0; i < argv.length; i++) {
    if (argv[i].startsWith('--model=')) model = argv[i].slice('--model='.length)
    else if (argv[i] === '--model') model = argv[++i] ?? ''
    else rest.push(argv[i])
  }
  if (!/^[a-z0-9][a-z0-9._-]*$/i.test(model)) {
    throw new IsletError('invalid_request', `--model ${model}: give the name of a folder in models/`, {
      param: '--model',
    })
  }
  return { model: model.toLowerCase(), rest }
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

function main(argv: string[]): number {
  const { model, rest } = splitArguments(argv)
  const folder = `${MODELS}/${model}`
  requirePacked(folder, model)
  buildKernels()
  const id = placeModel(folder)
  const wrangler = `${ROOT}node_modules/wrangler/bin/wrangler.js`
  const args = [wrangler, 'deploy', '--var', `MODEL:${id}`, ...rest]
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false' }
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env })
  if (status === 0 && !rest.includes('--dry-run')) {
    const lines = [
      'Without the secret API_KEYS a deployed worker answers 401 to everyone. To set it (hashes of keys, not keys):',
      "  printf %s KEY | sha256sum | cut -d' ' -f1 | npx wrangler secret put API_KEYS",
      'To check the worker: npm run smoke -- URL --key KEY',
    ]
    process.stdout.write(`\n${lines.join('\n')}\n`)
  }
  return status ?? 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = main(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`islet: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = error instanceof IsletError && isUserCode(error.code) ? 2 : 1
  }
}
