// A chain by one command: `npm run deploy` shows its scripts, `npm start` serves them in one `wrangler dev`, or in two that end together.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sharesIn } from '../../src/packing/cut.ts'
import { freePort } from '../../tools/free-port.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { ROOT } from '../helpers/worker.ts'

// A model of this test's own: others read that of the checkout.
const NAME = `tiny-chain-${process.pid}`
const FOLDER = join(ROOT, 'models', NAME)
beforeAll(() => {
  mkdirSync(FOLDER)
  for (const file of ['manifest.json', 'tokenizer.bin', 'weights-000.bin'])
    copyFileSync(join(TINY_FOLDER, file), join(FOLDER, file))
})

const running: Started[] = []
const ports: number[] = []
afterAll(async () => {
  for (const { child } of running) child.kill('SIGTERM')
  await Promise.all(running.map(({ ended }) => ended))
  const parts = [
    'build/scripts/PORT',
    'build/registry/PORT',
    '.wrangler/state-PORT',
    '.wrangler/state-PORT-stages',
  ]
  const left = ports.flatMap((port) => parts.map((path) => join(ROOT, path.replace('PORT', String(port)))))
  for (const path of [FOLDER, ...left]) rmSync(path, { recursive: true, force: true })
})

type Started = { child: ChildProcess; said: () => string; ended: Promise<number | null> }

/** Starts a run, and gives it once it says `ready`. */
async function started(port: number, options: readonly string[], ready: string): Promise<Started> {
  if (!ports.includes(port)) ports.push(port)
  const args = ['scripts/start.ts', '--port', String(port), '--model', NAME, ...options]
  const child = spawn(process.execPath, args, { cwd: ROOT })
  let said = ''
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const run = { child, said: () => said, ended }
  running.push(run)
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (data: Buffer) => {
      said += data.toString()
      if (said.includes(ready)) resolve()
    })
    child.stderr.on('data', (data: Buffer) => (said += data.toString()))
    void ended.then(() => reject(new Error(`it ended:\n${said}`)))
  })
  return run
}

async function answer(port: number): Promise<string> {
  const body = JSON.stringify({ model: 'tiny', prompt: 'The ', max_tokens: 8, temperature: 0 })
  const response = await fetch(`http://localhost:${port}/v1/completions`, { method: 'POST', body })
  expect(response.status).toBe(200)
  return ((await response.json()) as { choices: { text: string }[] }).choices[0].text
}

type Process = { pid: number; args: string }

/** All that a process started, and what these did. */
function below(pid: number): Process[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=,args=', '--ppid', String(pid)], { encoding: 'utf8' })
  return [...stdout.matchAll(/^ *(\d+) (.*)$/gm)].flatMap(([, id, args]) => [
    { pid: Number(id), args },
    ...below(Number(id)),
  ])
}

it('is deployed stage by stage, the hub last, which a dry run shows', () => {
  const args = ['scripts/deploy.ts', '--model', NAME, '--stages', '3', '--name', 'mine', '--dry-run']
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' })
  expect([status, stdout.match(/^mine[a-z0-9-]*$/gm)]).toEqual([0, ['mine-stage-1', 'mine-stage-2', 'mine']])
  expect(stdout.match(/--dry-run: exiting now/g)).toHaveLength(3)
  for (const stage of [1, 2])
    expect(stdout).toContain(`env.STAGE_${stage} (StageObject, defined in mine-stage-${stage})`)
}, 120_000)

it('is served by one process, as it was cut', async () => {
  const port = await freePort()
  const one = await started(port, [], 'in 3 scripts')
  expect(await answer(port)).toBeTruthy()
  one.child.kill('SIGTERM')
  await one.ended
}, 120_000)

it('is served by two processes, which end with each other', async () => {
  const port = await freePort()
  const run = await started(port, ['--stages', '2', '--processes', '2'], '--only hub')
  expect(await sharesIn(FOLDER)).toHaveLength(2)
  expect(run.said()).toContain(`npm start -- --model ${NAME} --stages 2 --port ${port} --only stages`)
  expect(await answer(port)).toBeTruthy()
  const dev = below(run.child.pid!).find(({ args }) => args.includes('/islet-stage-1/wrangler.json'))
  process.kill(dev!.pid, 'SIGTERM')
  await run.ended
  expect(run.said()).toContain('The stages ended: the other half ends too.')
}, 120_000)

it('stages that were killed are found again, when they start by themselves', async () => {
  const port = await freePort()
  const half = ['--stages', '2', '--only']
  const stages = await started(port, [...half, 'stages'], 'are up')
  await started(port, [...half, 'hub'], 'in 2 scripts')
  const said = await answer(port)
  for (const { pid } of [{ pid: stages.child.pid! }, ...below(stages.child.pid!)])
    process.kill(pid, 'SIGKILL')
  await stages.ended
  const later = answer(port)
  await started(port, [...half, 'stages'], 'are up')
  expect(await later).toBe(said)
}, 120_000)

it('needs a model that is cut, and one alone', () => {
  const start = (...args: string[]) => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/start.ts', '--port', '9', ...args], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    return [status, stderr.trim()]
  }
  const two = ['--model', NAME, '--model', 'tiny']
  expect(start(...two, '--stages', '2')).toEqual([
    2,
    'islet: --stages, --processes and --only are for one --model',
  ])
  expect(start('--only', 'half')).toEqual([2, 'islet: --only half: one of stages, hub is needed'])
  expect(start('--model', NAME, '--stages', 'auto', '--only', 'stages')).toEqual([
    2,
    'islet: one isolate holds this model: give --stages to share it out',
  ])
}, 60_000)
