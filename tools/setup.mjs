// Before anything else: sees to it that node_modules is what package-lock.json says. Runs on the machine's own Node
// with nothing installed, so it is plain JavaScript without dependencies. All it says goes to standard error.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stamp = `${root}node_modules/.islet-lock`

function fail(message) {
  process.stderr.write(`islet: ${message}\n`)
  process.exit(1)
}

/** Installs the locked dependencies unless they are there already. */
export function setup() {
  const [major] = process.versions.node.split('.').map(Number)
  if (major < 20) fail(`Node ${process.versions.node} is too old: install Node 20 or later`)
  const lock = createHash('sha256')
    .update(readFileSync(`${root}package-lock.json`))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  process.stderr.write('islet: installing dependencies (npm ci)\n')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const { status } = spawnSync(npm, ['ci', '--loglevel', 'error', '--no-fund', '--no-audit'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (status !== 0) fail('npm ci failed: its message is above')
  writeFileSync(stamp, lock)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setup()
