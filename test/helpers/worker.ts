// The real worker under `wrangler dev`, with a packed model in a site of its own and nothing left behind.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { placeModel } from '../../scripts/site.ts'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export type TestWorker = {
  url: string
  inspector: string
  model: string
  log: () => string
  stop: () => Promise<void>
}

const START_MS = 90_000

/** Serves the packed model in `folder`; `vars` replace those of wrangler.toml. Returns once the port answers. */
export async function startWorker(folder: string, vars: Record<string, string> = {}): Promise<TestWorker> {
  const scratch = mkdtempSync(join(tmpdir(), 'islet-test-'))
  const site = join(scratch, 'site')
  const model = placeModel(folder, site)
  const config = join(scratch, 'wrangler.toml')
  const quoted = JSON.stringify
  const toml = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8')
  writeFileSync(
    config,
    toml
      .replace('"src/worker.ts"', quoted(join(ROOT, 'src/worker.ts')))
      .replace('"build/site"', quoted(site)),
  )

  const [port, inspector] = [await freePort(), await freePort()]
  const flags = {
    config,
    port,
    'inspector-port': inspector,
    'persist-to': join(scratch, 'state'),
    ip: '127.0.0.1',
  }
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)])
  const set = Object.entries({ MODEL: model, ...vars }).flatMap(([name, value]) => [
    '--var',
    `${name}:${value}`,
  ])
  const wrangler = join(ROOT, 'node_modules/wrangler/bin/wrangler.js')
  const child = spawn(
    process.execPath,
    [wrangler, 'dev', ...args, ...set, '--show-interactive-dev-session=false'],
    {
      cwd: scratch,
      detached: true, // a group of its own, so that stopping reaches workerd
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: '1' },
    },
  )
  let log = ''
  for (const output of [child.stdout, child.stderr])
    output.on('data', (data: Buffer) => (log += data.toString()))
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const stop = async (): Promise<void> => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
    await ended
    rmSync(scratch, { recursive: true, force: true })
  }
  const url = `http://127.0.0.1:${port}`
  for (const started = Date.now(); ;) {
    const status = await fetch(`${url}/v1/models`).then(
      ({ status }) => status,
      () => 0,
    )
    if (status === 200)
      return { url, inspector: `http://127.0.0.1:${inspector}`, model, log: () => log, stop }
    if (child.exitCode !== null || Date.now() - started > START_MS) {
      await stop()
      throw new Error(`the worker did not start:\n${log.slice(-4000)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
