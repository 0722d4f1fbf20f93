// This module runs `wrangler dev` for one or more configurations, until it ends or is told to.

import { spawn } from 'node:child_process'
import { freePort } from './free-port.ts'
import { ROOT } from './root.ts'

export type DevOptions = {
  port: number
  /** Where objects store. */
  state: string
  /** What it serves: `--config` for each script, the first of which has the port, or other arguments. */
  served: readonly string[]
  /** The folder by which it finds the scripts of other runs; default: all runs of one user share one. */
  registry?: string
}

export type DevRun = {
  url: string
  /** Its exit code, 0 where a signal ended it. */
  ended: Promise<number>
  isOver(): boolean
  end(signal: NodeJS.Signals): void
}

/** Starts it. What it says is shown where it fails, or at once with ISLET_DEBUG. */
export async function wranglerDev({ port, state, served, registry }: DevOptions): Promise<DevRun> {
  const args = [
    ...['dev', '--port', String(port), '--persist-to', state, '--inspector-port', String(await freePort())],
    ...served,
    '--show-interactive-dev-session=false',
  ]
  const child = spawn(process.execPath, [`${ROOT}node_modules/wrangler/bin/wrangler.js`, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      WRANGLER_SEND_METRICS: 'false',
      ...(registry !== undefined && { WRANGLER_REGISTRY_PATH: registry }),
    },
  })
  let log = ''
  child.stdout.on('data', (data: Buffer) => {
    log = (log + data.toString()).slice(-4000)
    if (process.env['ISLET_DEBUG'] !== undefined) process.stderr.write(data)
  })
  let isOver = false
  const ended = new Promise<number>((resolve) => {
    child.on('exit', (code) => {
      isOver = true
      if (code !== 0 && code !== null) process.stderr.write(log)
      resolve(code ?? 0)
    })
  })
  return {
    url: `http://localhost:${port}`,
    ended,
    isOver: () => isOver,
    end: (signal) => void child.kill(signal),
  }
}

/** Polls `path` until the answer is as wanted, or the run is over. */
export async function untilAnswers(
  { url, isOver }: DevRun,
  path: string,
  isRight: (response: Response) => boolean,
): Promise<void> {
  while (!isOver()) {
    const right = await fetch(`${url}${path}`).then(isRight, () => false)
    if (right) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
