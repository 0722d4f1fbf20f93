// The examples have packages of their own, which are installed before they are first needed.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { ROOT } from '../../tools/root.ts'

export const EXAMPLES = `${ROOT}examples`

/** Installs what examples/package-lock.json says, without install scripts. */
export function installExamples(): void {
  const stamp = `${EXAMPLES}/node_modules/.islet-lock`
  const digest = createHash('sha256')
    .update(readFileSync(`${EXAMPLES}/package-lock.json`))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  const options = { cwd: EXAMPLES, stdio: ['ignore', 2, 2] as ['ignore', number, number] }
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error'], options)
  writeFileSync(stamp, digest)
}
