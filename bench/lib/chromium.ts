// Runs a script of ours in a headless Chromium: a loopback server hands out the page, the job and files, and takes the
// report. No driver is needed for that, only a browser that opens an address.

import { build } from 'esbuild'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { createReadStream, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { arch, platform, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { dotFlags } from './dots.ts'
import { BENCH, BenchError, BUILD, installPackages, packageVersion, run } from './setup.ts'

export type Chromium = { program: string; env: Record<string, string>; version: string }

export type Page = {
  /** A module of this folder; bundled for the page. */
  script: string
  /** What GET /job gives. */
  job: unknown
  /** Folder behind each first part of a path: { model: '...' } serves /model/FILE. */
  files: Record<string, string>
  limitMs: number
}

/** Debian's. */
const SYSTEM = '/usr/bin/chromium'

const PACKAGE = '@sparticuz/chromium'

/** Flags for a process that belongs to us alone and draws nothing. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--no-zygote',
  '--disable-gpu',
  '--no-first-run',
  '--disable-extensions',
]

const TYPES: Record<string, string> = {
  js: 'text/javascript',
  wasm: 'application/wasm',
  json: 'application/json',
}

/** The browser: of the pinned package, unpacked once; $ISLET_BENCH_CHROMIUM or the system's where that does not run. */
export function findChromium(): Chromium {
  const named = process.env['ISLET_BENCH_CHROMIUM']
  if (named !== undefined) return described(named, {})
  if (platform() === 'linux' && arch() === 'x64') return unpacked()
  if (existsSync(SYSTEM)) return described(SYSTEM, {})
  throw new BenchError(`no Chromium for ${platform()}-${arch()}: name one in ISLET_BENCH_CHROMIUM`)
}

/** The package unpacks itself into the folder for temporary files, with its libraries only where it takes this for Lambda. */
function unpacked(): Chromium {
  const packages = installPackages()
  const folder = join(BUILD, `chromium-${packageVersion(PACKAGE)}`)
  const env = { LD_LIBRARY_PATH: join(folder, 'al2023/lib'), FONTCONFIG_PATH: join(folder, 'fonts') }
  const program = join(folder, 'chromium')
  if (!existsSync(program)) {
    console.error(`bench: unpacking ${PACKAGE}`)
    rmSync(folder, { recursive: true, force: true })
    const partial = mkdtempSync(join(BUILD, 'chromium-'))
    const entry = join(packages, PACKAGE, 'build/index.js')
    const code = `import(${JSON.stringify(entry)}).then((module) => module.default.executablePath())`
    run(process.execPath, ['-e', code], BENCH, { TMPDIR: partial, AWS_LAMBDA_JS_RUNTIME: 'nodejs22.x' })
    run('mv', [partial, folder])
  }
  return described(program, env)
}

function described(program: string, env: Record<string, string>): Chromium {
  try {
    const version = execFileSync(program, ['--version', '--no-sandbox'], {
      encoding: 'utf8',
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return { program, env, version: version.trim() }
  } catch (error) {
    throw new BenchError(`${program} does not start: ${(error as Error).message}`)
  }
}

/** Opens a page of its own process and returns what its script answered. Throws BenchError with what it said instead. */
export async function runPage(chromium: Chromium, page: Page): Promise<unknown> {
  const bundle = await bundled(page.script)
  const folder = mkdtempSync(join(tmpdir(), 'islet-chromium-'))
  let child: ChildProcess | undefined
  let server: Server | undefined
  try {
    return await new Promise<unknown>((done, fail) => {
      const report = (text: string): void => {
        const { result, error } = JSON.parse(text) as { result?: unknown; error?: string }
        if (error === undefined) done(result)
        else fail(new BenchError(`${basename(page.script)} in Chromium: ${error}`))
      }
      server = createServer((request, response) => serve(request, response, bundle, page, report))
      server.listen(0, '127.0.0.1', () => {
        const { port } = server?.address() as AddressInfo
        const flags = [...FLAGS, ...dotFlags().map((flag) => `--js-flags=${flag}`)]
        const args = [...flags, `--user-data-dir=${folder}`, `http://127.0.0.1:${port}/`]
        // A group of its own, so that ending it reaches the renderer too.
        child = spawn(chromium.program, args, {
          detached: true,
          stdio: 'ignore',
          env: { ...process.env, ...chromium.env },
        })
        child.once('error', fail)
        child.once('exit', (code) => fail(new BenchError(`Chromium ended by itself (${code})`)))
      })
      setTimeout(() => fail(new BenchError(`no report after ${page.limitMs / 1e3} s`)), page.limitMs).unref()
    })
  } finally {
    server?.closeAllConnections()
    server?.close()
    await end(child)
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function bundled(script: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [script],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
  })
  return outputFiles[0].text
}

function serve(
  request: IncomingMessage,
  response: ServerResponse,
  bundle: string,
  page: Page,
  report: (text: string) => void,
): void {
  const path = request.url ?? '/'
  if (request.method === 'POST') {
    let text = ''
    request.setEncoding('utf8').on('data', (data: string) => (text += data))
    request.on('end', () => {
      response.end()
      report(text)
    })
    return
  }
  const send = (type: string, body: string): void =>
    void response.writeHead(200, { 'content-type': type }).end(body)
  if (path === '/') return send('text/html', '<!doctype html><script type="module" src="/page.js"></script>')
  if (path === '/page.js') return send(TYPES['js'], bundle)
  if (path === '/job') return send(TYPES['json'], JSON.stringify(page.job))
  const [, top, ...rest] = path.split('/')
  const file = join(page.files[top] ?? '/nowhere', ...rest)
  if (rest.includes('..') || !existsSync(file)) return void response.writeHead(404).end()
  const type = TYPES[file.split('.').at(-1) ?? ''] ?? 'application/octet-stream'
  response.writeHead(200, { 'content-type': type })
  createReadStream(file).pipe(response)
}

/** Ends a browser and waits until it is gone. */
async function end(child: ChildProcess | undefined): Promise<void> {
  if (child?.pid === undefined || child.exitCode !== null) return
  const gone = new Promise((done) => child.once('exit', done))
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    return // it went by itself
  }
  await gone
}

/** Whether a Chromium was unpacked before: for tests that must not install one. */
export function chromiumIsHere(): boolean {
  if (process.env['ISLET_BENCH_CHROMIUM'] !== undefined) return true
  return existsSync(BUILD) && readdirSync(BUILD).some((name) => /^chromium-\d/.test(name))
}
