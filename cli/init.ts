// The command `islet init` writes a Worker that has Islet inside, into an empty folder.

import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { IsletError } from '../src/lib/errors.ts'
import { idOfModel } from './lib/packed-model.ts'
import { checkEmpty, nameOf, writeProject } from './lib/project.ts'
import { DEFAULT_MODEL } from './lib/pull.ts'

const usage = `islet init [FOLDER] [--model MODEL] [--no-install]

Writes a Worker into FOLDER (the current one unless given), which must be empty but for what npm install leaves there: an app
with Islet mounted at /, and the lane, which holds the model, in a script of its own. Then npm installs what they need.
  --model       what npm start packs and places: a name that islet pull knows, a packed folder, a .gguf file or a Hugging
                Face folder (default: ${DEFAULT_MODEL})
  --no-install  leaves npm install to you

npm start runs both locally; npm run deploy deploys both.`

export const command = {
  name: 'init',
  summary: 'write a Worker that has Islet inside, into an empty folder',
  usage,
  async run(argv: string[]): Promise<void> {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: { model: { type: 'string' }, 'no-install': { type: 'boolean' } },
    })
    if (positionals.length > 1)
      throw new IsletError('invalid_request', `give one FOLDER at most\nusage: ${usage}`, { param: 'FOLDER' })
    const folder = resolve(positionals[0] ?? '.')
    const given = values.model ?? DEFAULT_MODEL
    const id = await idOfModel(given)
    await mkdir(folder, { recursive: true })
    await checkEmpty(folder)
    const files = await writeProject(folder, {
      name: nameOf(folder),
      id,
      // The scripts run in the folder: a path holds from there.
      model: id === given ? given : resolve(given),
    })
    if (values['no-install'] !== true) install(folder)
    process.stdout.write(`${files.join('\n')}\n\nnpm start\n`)
  },
}

function install(cwd: string): void {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const args = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel', 'error']
  const { status } = spawnSync(npm, args, {
    cwd,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new IsletError('internal_error', 'npm install failed: its message is above')
}
