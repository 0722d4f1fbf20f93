// `npm start`: two runs in one checkout, each with the model, the site and the storage of its own.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { freePort } from '../../tools/free-port.ts'
import { missingModel } from '../helpers/real-model.ts'
import { ROOT } from '../helpers/worker.ts'

const running: ChildProcess[] = []
const ports: number[] = []

afterAll(async () => {
  const ended = running.map((child) => new Promise((resolve) => child.once('exit', resolve)))
  for (const child of running) child.kill('SIGTERM')
  await Promise.all(ended)
  for (const port of ports)
    for (const path of [`build/sites/${port}`, `.wrangler/state-${port}`])
      rmSync(join(ROOT, path), { recursive: true, force: true })
})

const START = ['scripts/start.ts', '--port']

/** Starts a run and returns its address once it says that it serves. */
async function started(model: string): Promise<string> {
  const port = await freePort()
  const child = spawn(process.execPath, [...START, String(port), '--model', model], { cwd: ROOT })
  running.push(child)
  ports.push(port)
  let said = ''
  const serves = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (data: Buffer) => {
      said += data.toString()
      if (said.includes(`serves ${model}`)) resolve()
    })
    child.once('exit', () => reject(new Error(`it ended:\n${said}`)))
  })
  await serves
  return `http://localhost:${port}`
}

async function answers(url: string, model: string): Promise<number> {
  const body = JSON.stringify({ model, prompt: 'a', max_tokens: 1 })
  return (await fetch(`${url}/v1/completions`, { method: 'POST', body })).status
}

const skip = missingModel()
it.skipIf(skip !== undefined)(
  `two runs serve a model each${skip === undefined ? '' : ` (${skip})`}`,
  async () => {
    const models = ['tiny', 'smollm2-135m-instruct']
    const urls = await Promise.all(models.map(started))
    expect(await Promise.all(urls.map((url, i) => answers(url, models[i])))).toEqual([200, 200])
    expect(await Promise.all(urls.map((url, i) => answers(url, models[1 - i])))).toEqual([404, 404])
    const sites = ports.map((port, i) => existsSync(join(ROOT, `build/sites/${port}/models`, models[i])))
    expect(sites).toEqual([true, true])
  },
  120_000,
)

it('a port that is taken is told before anything is touched', async () => {
  const server = createServer()
  await new Promise<void>((listening) => server.listen(0, 'localhost', listening))
  const { port } = server.address() as { port: number }
  ports.push(port)
  const site = join(ROOT, `build/sites/${port}/models/kept`)
  cpSync(join(ROOT, 'models/tiny'), site, { recursive: true })
  const { status, stderr } = spawnSync(process.execPath, [...START, String(port), '--model', 'tiny'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  await new Promise((closed) => server.close(closed))
  expect([status, stderr]).toEqual([2, expect.stringContaining(`port ${port} is taken`)])
  expect(existsSync(site)).toBe(true)
}, 60_000)
