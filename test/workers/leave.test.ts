// A client that leaves a whole answer ends it within a second or two, under `wrangler dev` too, and finds it again.

import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { startWorker, type TestWorker } from '../helpers/worker.ts'

/** A space each 500 ms: the first one behind a client that left is answered by a reset, the second one fails. */
const NOTICED_MS = 2500

let worker: TestWorker
beforeAll(async () => {
  worker = await startWorker(TINY_FOLDER, { WINDOW: '256' })
})
afterAll(() => worker?.stop())

/** An answer of minutes. */
const endless = (seed?: number) =>
  JSON.stringify({ model: worker.model, prompt: `In the beginning ${seed}`, max_tokens: 200_000, ignore_eos: true, seed }) // prettier-ignore

const url = (): string => `${worker.url}/v1/completions`

async function running(): Promise<number> {
  const health = (await (await fetch(`${worker.url}/health`)).json()) as { running?: number }
  return health.running ?? 0
}

async function until(isSo: () => Promise<boolean>, ms: number): Promise<number> {
  const since = performance.now()
  while (!(await isSo())) {
    if (performance.now() - since > ms) throw new Error(`not within ${ms} ms`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return Math.round(performance.now() - since)
}

/** Asks, and gives how to leave once the answer is under way. */
type Client = (body: string) => Promise<() => void>

/** Of another program, which is killed. */
const program =
  (command: string, args: (body: string) => string[]): Client =>
  async (body) => {
    const child = spawn(command, args(body), { stdio: 'ignore' })
    await new Promise((resolve, reject) =>
      child.once('spawn', () => resolve(undefined)).once('error', reject),
    )
    return () => void child.kill('SIGKILL')
  }

const PYTHON = `import sys, urllib.request; urllib.request.urlopen(urllib.request.Request(sys.argv[1], data=sys.argv[2].encode())).read()`

const CLIENTS: [string, Client][] = [
  [
    'fetch, which takes compressed bodies and aborts',
    async (body) => {
      const leaving = new AbortController()
      const { signal } = leaving
      const asked = fetch(url(), { method: 'POST', body, signal })
      asked.then((response) => response.text()).catch(() => undefined)
      return () => leaving.abort()
    },
  ],
  [
    'a connection that is closed',
    async (body) => {
      const { hostname, port } = new URL(worker.url)
      const socket = connect(Number(port), hostname).on('error', () => undefined)
      socket.write(
        `POST /v1/completions HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
      return () => void socket.destroy()
    },
  ],
  ['curl', program('curl', (body) => ['-sS', '--compressed', url(), '-d', body])],
  ['python', program('python3', (body) => ['-c', PYTHON, url(), body])],
]

test.each(CLIENTS)('%s leaves a whole answer: nothing runs any more', async (name, client) => {
  const leave = await client(endless(name.length))
  await until(async () => (await running()) === 1, 10_000)
  // Past its admission, and the white space has begun.
  await new Promise((resolve) => setTimeout(resolve, 3700))
  expect(await running()).toBe(1)
  leave()
  const ms = await until(async () => (await running()) === 0, NOTICED_MS)
  console.log(`${name}: noticed after ${ms} ms`)
})

test('the same request again goes on with what was left, whatever its sample would have been', async () => {
  const body = JSON.stringify({
    model: worker.model,
    prompt: 'And God said',
    max_tokens: 4000,
    ignore_eos: true,
  })
  const leaving = new AbortController()
  const first = await fetch(url(), { method: 'POST', body, signal: leaving.signal })
  const session = first.headers.get('x-islet-session')
  expect(session).toMatch(/^sess_/)
  leaving.abort()
  await until(async () => (await running()) === 0, NOTICED_MS)
  const again = await fetch(url(), { method: 'POST', body })
  const text = await again.text()
  const { islet, usage } = JSON.parse(text) as { islet: { session: string }; usage: { completion_tokens: number } } // prettier-ignore
  expect([islet.session, usage.completion_tokens]).toEqual([session, 4000])
})

test('a retry with a mark joins the answer that still runs', async () => {
  const body = { model: worker.model, prompt: 'And it came to pass', max_tokens: 1500, ignore_eos: true }
  const client = new OpenAI({ baseURL: `${worker.url}/v1`, apiKey: 'any' })
  const ask = (retry: number) =>
    client.completions.create(body as OpenAI.CompletionCreateParamsNonStreaming, {
      headers: { 'x-stainless-retry-count': String(retry) },
    })
  const first = ask(0)
  await until(async () => (await running()) === 1, 10_000)
  const second = ask(1)
  let most = 0
  const look = (): void =>
    void running().then(
      (now) => (most = Math.max(most, now)),
      () => undefined, // the last look may come behind the worker's end
    )
  const looking = setInterval(look, 50)
  const [one, two] = await Promise.all([first, second])
  clearInterval(looking)
  expect(most).toBe(1)
  expect(two).toEqual(one)
})
