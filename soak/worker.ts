// A soak worker is `wrangler dev` on one port and state folder, killed and restarted as often as wanted.

import { spawn, type ChildProcess } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { ROOT } from '../tools/root.ts'
import { freePort } from '../tools/free-port.ts'

const START_LIMIT_MS = 120_000
const POLL_MS = 100

export type SoakVars = Record<string, string | number>

/** What is asked, and what may be done to it. */
export type SoakTarget = {
  readonly url: string
  /** Counts processes: a request that saw two of them was cut by a kill. */
  readonly life: number
  /** Resolves when the worker answers again. */
  up(): Promise<void>
}

export class SoakWorker implements SoakTarget {
  readonly url: string
  readonly inspector: string
  readonly #args: string[]
  readonly #state = mkdtempSync(join(tmpdir(), 'islet-soak-'))
  readonly #killAtExit = (): void => this.#signal()
  #child: ChildProcess | undefined
  #exit: Promise<void> = Promise.resolve()
  #up: Promise<void> = Promise.resolve()
  #log = ''
  #life = 0

  private constructor(port: number, inspectorPort: number, vars: SoakVars) {
    this.url = `http://127.0.0.1:${port}`
    this.inspector = `http://127.0.0.1:${inspectorPort}`
    const where = ['--ip', '127.0.0.1', '--port', String(port), '--inspector-port', String(inspectorPort)]
    // A line for each request costs its process more than some answers do.
    const quiet = ['--show-interactive-dev-session=false', '--log-level', 'warn']
    const set = Object.entries(vars).flatMap(([name, value]) => ['--var', `${name}:${value}`])
    this.#args = ['dev', ...where, '--persist-to', this.#state, ...quiet, ...set]
  }

  /** A worker of this repository's build that is ready; after placeModel and buildKernels. */
  static async start(vars: SoakVars): Promise<SoakWorker> {
    const worker = new SoakWorker(await freePort(), await freePort(), vars)
    process.once('exit', worker.#killAtExit)
    worker.#begin()
    await worker.up()
    return worker
  }

  get life(): number {
    return this.#life
  }

  up(): Promise<void> {
    return this.#up
  }

  /** The last of what it said. */
  get log(): string {
    return stripVTControlCharacters(this.#log).trim()
  }

  /** SIGKILL to wrangler and workerd at once, then the same command on the same state. Resolves when it answers again. */
  async killAndRestart(): Promise<void> {
    this.#life += 1
    // Whoever asks meanwhile waits for the new one.
    this.#up = this.#kill().then(() => (this.#begin(), this.#up))
    await this.#up
  }

  /** Ends it and deletes its state. */
  async stop(): Promise<void> {
    await this.#kill()
    process.off('exit', this.#killAtExit)
    rmSync(this.#state, { recursive: true, force: true })
  }

  /** Bytes of memory of the process that computes, where the system says so. Wrangler has another before it, which grows a little with each request. */
  residentBytes(): number | undefined {
    const group = this.#child?.pid
    let [pages, most] = [0, -1]
    for (const file of globSync('/proc/[0-9]*/stat')) {
      try {
        // The name in brackets may hold spaces; after it: state, parent, group, ..., user and system time as 12th and 13th, pages as the 22nd.
        const stat = readFileSync(file, 'utf8')
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        const time = Number(fields[11]) + Number(fields[12])
        if (Number(fields[2]) !== group || !stat.includes('(workerd') || time <= most) continue
        ;[pages, most] = [Number(fields[21]), time]
      } catch {
        // the process is gone
      }
    }
    return pages === 0 ? undefined : pages * 4096
  }

  async #kill(): Promise<void> {
    this.#signal()
    await this.#exit
    await sleep(POLL_MS) // workerd's ports are free a moment after the group is gone
  }

  #signal(): void {
    try {
      if (this.#child?.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL')
    } catch {
      // the group is gone
    }
  }

  #begin(): void {
    const bin = join(ROOT, 'node_modules/.bin')
    // A group of its own, so that a kill reaches workerd too.
    const child = spawn(join(bin, 'wrangler'), this.#args, {
      cwd: ROOT,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
        WRANGLER_SEND_METRICS: 'false',
      },
    })
    const keep = (data: Buffer): void => void (this.#log = (this.#log + data.toString()).slice(-20_000))
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    let ended = false
    this.#exit = new Promise((done) => {
      child.once('error', (error) => ((this.#log += error.message), (ended = true), done()))
      child.once('exit', () => ((ended = true), done()))
    })
    this.#child = child
    this.#up = this.#untilHealthy(() => ended)
    this.#up.catch(() => undefined) // whoever waits hears of it
  }

  async #untilHealthy(ended: () => boolean): Promise<void> {
    const deadline = Date.now() + START_LIMIT_MS
    while (Date.now() < deadline && !ended()) {
      const response = await fetch(`${this.url}/health`, { signal: AbortSignal.timeout(10_000) }).catch(
        () => undefined,
      )
      await response?.body?.cancel()
      if (response?.ok) return
      await sleep(POLL_MS)
    }
    throw new Error(`wrangler dev did not get ready: ${this.log.slice(-1500)}`)
  }
}
