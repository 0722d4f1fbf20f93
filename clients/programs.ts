// A program of clients/ runs as a copy beside its packages, with the address and the model of the worker put in.

import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { ROOT } from '../tools/root.ts'

export const COOKBOOK = `${ROOT}clients/cookbook`
export const SCENARIOS = `${ROOT}clients/scenarios`

/** What the programs say, as a reader of the page would have it. */
const ADDRESS = 'http://127.0.0.1:8787'
const MODEL = 'smollm2-135m-instruct'

export type Served = { url: string; model: string }

/** What a program printed, and how it ended; `code` is null where it was ended for taking too long. */
export type Ended = { code: number | null; stdout: string; stderr: string }

const LIMIT_MS = 600_000

/**
 * Copies `file` and the files `beside` it into `folder`; returns the copy's path. It is called main, since Python would
 * take a program by the name of a package for that package.
 */
export function placeProgram(
  file: string,
  folder: string,
  { url, model }: Served,
  beside: string[] = [],
): string {
  const copy = join(folder, `main${extname(file)}`)
  mkdirSync(folder, { recursive: true })
  const place = (from: string, to: string): void => {
    writeFileSync(to, readFileSync(from, 'utf8').replaceAll(ADDRESS, url).replaceAll(MODEL, model))
  }
  place(file, copy)
  for (const other of beside) place(join(dirname(file), other), join(folder, other))
  return copy
}

/** Runs a placed program: `.mjs` by this Node, `.py` by `python`, `.sh` by bash with `python`'s folder in front of PATH. */
export async function runProgram(copy: string, python = 'python3'): Promise<Ended> {
  const commands: Record<string, string> = { '.mjs': process.execPath, '.py': python, '.sh': 'bash' }
  const folder = dirname(copy)
  const child = spawn(commands[extname(copy)], [basename(copy)], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
    env: {
      ...process.env,
      PATH: `${dirname(python)}:${process.env.PATH ?? ''}`,
      LLM_USER_PATH: join(folder, 'llm'),
      OPENAI_AGENTS_DISABLE_TRACING: '1',
      LITELLM_LOCAL_MODEL_COST_MAP: 'True',
      PYTHONWARNINGS: 'ignore',
    },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()))
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
  const code = await new Promise<number | null>((done, failed) => {
    child.once('error', failed)
    child.once('close', done)
  })
  return { code, stdout, stderr }
}
