// The package as npm packs it: which files are in it, and that a project of its `islet init` answers, on the machine's own Node.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../tools/free-port.ts'
import { ROOT } from '../../tools/root.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'

/** Packed; the page and the reference are a third of it. */
const MOST_BYTES = 800_000

/** Whole folders, and the files beside them. */
const WANTED =
  /^(dist\/(src|cli)\/.*\.js|dist\/src\/.*\.d\.ts|dist\/build\/islet\.\w+\.wasm|dist\/site\/(play|reference)\/[^/]+|dist\/cli\/calibration\/[^/]+\.bin|dist\/cli\/vocabularies\/[^/]+\.json|dist\/islet\.js|dist\/package\.json|published\/(fetch|binding)\.(js|d\.ts)|README\.md|LICENSE|package\.json)$/

/** Without the Node that npm puts in front here: a project has the machine's. */
const PATH = (process.env['PATH'] ?? '').split(delimiter).filter((one) => !one.includes('node_modules'))
const ENV = { ...process.env, PATH: PATH.join(delimiter), WRANGLER_SEND_METRICS: 'false', CI: '1' }
const QUIET = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
const MINUTES = 60_000

const { devDependencies: pinned } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
  devDependencies: Record<string, string>
}

let scratch: string
let tarball: string
let project: string
let running: ChildProcess | undefined

const run = (cwd: string, command: string, ...args: string[]): string =>
  execFileSync(command, args, { cwd, env: ENV, stdio: ['ignore', 'pipe', 'pipe'] }).toString()

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'islet-package-'))
  project = join(scratch, 'my-app')
  mkdirSync(project)
  const packed = run(ROOT, 'npm', 'pack', '--json', `--pack-destination=${scratch}`)
  expect(packed).toContain('"islet"')
  tarball = join(scratch, readdirSync(scratch).filter((name) => name.endsWith('.tgz'))[0])
}, 10 * MINUTES)

afterAll(async () => {
  if (running?.pid !== undefined && running.exitCode === null) {
    const ended = new Promise((resolve) => running?.once('exit', resolve))
    process.kill(-running.pid, 'SIGTERM')
    await ended
  }
  rmSync(scratch, { recursive: true, force: true })
})

test('the tarball is small, and has what runs alone', () => {
  expect(statSync(tarball).size).toBeLessThan(MOST_BYTES)
  const files = run(scratch, 'tar', 'tzf', tarball).trim().split('\n').map((file) => file.replace(/^package\//, '')) // prettier-ignore
  expect(files.filter((file) => !WANTED.test(file))).toEqual([])
  for (const file of [
    'dist/src/islet.js',
    'dist/src/islet.d.ts',
    'dist/islet.js',
    'dist/cli/main.js',
    // What `islet pull` reads beside the artefacts.
    ...readdirSync(`${ROOT}cli/calibration`).map((name) => `dist/cli/calibration/${name}`),
    ...readdirSync(`${ROOT}cli/vocabularies`).map((name) => `dist/cli/vocabularies/${name}`),
    'LICENSE',
  ])
    expect(files).toContain(file)
  for (const build of ['quads', 'relaxed', 'plain']) expect(files).toContain(`dist/build/islet.${build}.wasm`)
})

test(
  'it installs with few others, and all that its files import is there',
  () => {
    run(project, 'npm', 'install', tarball, `hono@${pinned['hono']}`, ...QUIET)
    const names = readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'))
    expect(names.sort()).toEqual(['@huggingface', 'hono', 'islet', 'zod'])
    const dist = join(project, 'node_modules/islet/dist')
    const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
    // Quotes of code, which are not those of the texts that it writes.
    const importsOf = (file: string): string[] => {
      const found = readFileSync(join(dist, file), 'utf8').matchAll(
        file.endsWith('.js') ? /(?:from |import\()"(\.[^"]*)"/g : /(?:from |import\()'(\.[^']*)'/g,
      )
      const paths = [...found].map(([, path]) => join(dist, file, '..', path))
      return file.endsWith('.js') ? paths : paths.map((path) => path.replace(/\.js$/, '.d.ts'))
    }
    const ours = files.filter((file) => /^(src|cli)\/.*\.(js|d\.ts)$/.test(file))
    expect(ours.flatMap(importsOf).length).toBeGreaterThan(1000)
    expect(ours.flatMap(importsOf).filter((path) => !existsSync(path))).toEqual([])
  },
  5 * MINUTES,
)

test('its command runs on the Node that the machine has, and says what it wants', () => {
  const help = run(project, 'npx', 'islet', '--help')
  expect(help).toContain('islet COMMAND')
  expect(run(project, 'npx', 'islet', 'tokenize', TINY_FOLDER, '--text', 'In the beginning')).toMatch(
    /^\[\d+/,
  )
  const full = join(scratch, 'full')
  mkdirSync(join(full, 'mine'), { recursive: true })
  expect(() => run(project, 'npx', 'islet', 'init', full)).toThrow(`${full} is not empty: it has mine`)
  expect(() => run(project, 'npx', 'islet', 'init', 'x', '--model', 'nowhere')).toThrow(
    'there is no model "nowhere"',
  )
  expect(existsSync(join(project, 'x'))).toBe(false)
})

test(
  'what it writes has sound types, and answers: the app, its mounted API and its page, but never weights',
  async () => {
    run(project, 'npx', 'islet', 'init', '--model', TINY_FOLDER)
    run(project, 'npm', 'run', 'types')
    run(project, `${ROOT}node_modules/.bin/node`, `${ROOT}node_modules/typescript/bin/tsc`, '-p', '.')

    const [port, inspector] = [await freePort(), await freePort()]
    const args = ['start', '--', `--port=${port}`, `--inspector-port=${inspector}`, '--ip=127.0.0.1']
    let log = ''
    running = spawn('npm', args, {
      cwd: project,
      env: ENV,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const output of [running.stdout, running.stderr])
      output?.on('data', (data: Buffer) => (log += data.toString()))
    const url = `http://127.0.0.1:${port}`
    while (!(await fetch(`${url}/health`).then(({ ok }) => ok, () => false))) {
      if (running.exitCode !== null) throw new Error(`it ended:\n${log}`)
      await new Promise((resolve) => setTimeout(resolve, 200))
    } // prettier-ignore

    const body = JSON.stringify({ messages: [{ role: 'user', content: 'In the beginning' }], max_tokens: 8 })
    const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body })
    const { model, usage } = (await answer.json()) as { model: string; usage: { completion_tokens: number } }
    expect([answer.status, model, usage.completion_tokens]).toEqual([200, 'tiny', 8])
    expect((await (await fetch(`${url}/hello`)).text()).length).toBeGreaterThan(3)
    expect(await (await fetch(url, { headers: { accept: 'text/html' } })).text()).toContain('<!doctype html>')
    expect((await fetch(`${url}/openapi.json`)).status).toBe(200)
    for (const file of ['manifest.json', 'weights-000.bin'])
      expect((await fetch(`${url}/models/tiny/${file}`)).status).toBe(404)
  },
  8 * MINUTES,
)

test(
  'the script of the lane has nothing of the API in it',
  () => {
    const size = (config: string): number => {
      const out = join(scratch, config.replace(/\W/g, '-'))
      run(
        project,
        'npm',
        'exec',
        '--',
        'wrangler',
        'deploy',
        '-c',
        config,
        '--dry-run',
        '--minify',
        `--outdir=${out}`,
      )
      return statSync(join(out, 'index.js')).size
    }
    expect(size('lane/wrangler.jsonc')).toBeLessThan(0.8 * size('wrangler.jsonc'))
  },
  5 * MINUTES,
)
