// `npm run islet -- COMMAND`: installs what is missing (saying so on standard error), builds the kernels if they are
// stale, then hands over to cli/main.ts on the Node that package.json pins. Standard output is the command's alone.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { setup } from '../tools/setup.mjs'

setup()

const root = fileURLToPath(new URL('..', import.meta.url))
const pinned = `${root}node_modules/.bin/node`
const node = existsSync(pinned) ? pinned : process.execPath

function run(args, stdio) {
  const { status, signal } = spawnSync(node, args, { stdio })
  return signal === null ? (status ?? 1) : 1
}

const built = run([`${root}tools/build.ts`], ['ignore', 2, 2])
process.exitCode = built === 0 ? run([`${root}cli/main.ts`, ...process.argv.slice(2)], 'inherit') : built
