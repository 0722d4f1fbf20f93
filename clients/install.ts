// Pinned clients are installed outside the tree's own packages: Node's in one folder of build/, Python's in one each.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../tools/root.ts'
import { CLIENTS, type Client } from './list.ts'

const INSTALLED = `${ROOT}build/clients`

/** Where a client's programs run, and the Python that runs them. */
export type Place = { folder: string; python: string }

/** Installs what `clients` need and is not there yet; returns where each one's programs run, by id. */
export function installClients(clients: readonly Client[]): Map<string, Place> {
  if (clients.some(({ language }) => language === 'node')) {
    const all = CLIENTS.filter(({ language }) => language === 'node').flatMap(({ packages }) => packages)
    installNode([...new Set(all)].sort())
  }
  return new Map(
    clients.map((client) => {
      if (client.language === 'node')
        return [client.id, { folder: join(INSTALLED, 'node'), python: 'python3' }]
      return [client.id, installPython(client)]
    }),
  )
}

function installNode(packages: readonly string[]): void {
  const folder = join(INSTALLED, 'node')
  unlessInstalled(folder, packages, () => {
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
    // Some clients name older peers than the pinned ones; they are run with the pinned ones on purpose.
    run(
      'npm',
      ['install', '--no-audit', '--no-fund', '--legacy-peer-deps', '--save-exact', ...packages],
      folder,
    )
  })
}

function installPython({ id, packages }: Client): Place {
  const folder = join(INSTALLED, id)
  const python = join(folder, 'venv/bin/python')
  unlessInstalled(folder, packages, () => {
    run('python3', ['-m', 'venv', 'venv'], folder)
    run(python, ['-m', 'pip', 'install', '--quiet', ...packages], folder)
  })
  return { folder, python }
}

/** Runs `install` in an empty folder, unless it ended well there before with the same packages. */
function unlessInstalled(folder: string, packages: readonly string[], install: () => void): void {
  const stamp = join(folder, 'installed.txt')
  const wanted = `${packages.join('\n')}\n`
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  process.stderr.write(`installing ${packages.join(', ')}\n`)
  install()
  writeFileSync(stamp, wanted)
}

function run(command: string, args: readonly string[], cwd: string): void {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
}
