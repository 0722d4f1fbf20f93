// As many sessions at once as a lane takes, with pages for three: all are answered as if each were alone, and one more is turned away.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { planMemory } from '../../src/graph/memory-layout.ts'
import { LOGIT_ROWS } from '../../src/lane/memory-plan.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import { weightBytes } from '../../src/weights/stream.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { SessionClient, type Answer } from '../helpers/session-client.ts'
import { ROOT, startWorker, type TestWorker } from '../helpers/worker.ts'

const missing = ['models/tiny/manifest.json', 'build/islet.relaxed.wasm'].filter(
  (file) => !existsSync(join(ROOT, file)),
)
const QUEUE = 64
const WINDOW = 64
const CHUNK = 16

/** Bytes of the pages that three sequences need. */
function budgetForThree(): number {
  const manifest = JSON.parse(readFileSync(join(TINY_FOLDER, 'manifest.json'), 'utf8')) as Manifest
  const window = { window: WINDOW, sinks: 4 }
  const options = { window, chunk: CHUNK, logitRows: LOGIT_ROWS }
  const { pageBytes, pageCount } = planMemory(manifest.spec, weightBytes(manifest), options)
  return 3 * pageCount * pageBytes
}

const promptOf = (session: number): string =>
  `Chapter ${session}. In the beginning God created the heaven and the earth. And the earth was without form, and void; and ` +
  `darkness was upon the face of the deep, and there were ${session} of them. And God said, Let there be light: and there was`

type Turns = { first: Answer; second: Answer }

async function twoTurns(client: SessionClient, session: number, store = true): Promise<Turns> {
  const prompt = promptOf(session)
  const shared = { store, prompt_cache_key: `chapter-${session}` }
  const first = await client.ask({ ...shared, prompt, max_tokens: 48 })
  const second = await client.ask({ ...shared, prompt: `${prompt}${first.text} And God saw`, max_tokens: 24 })
  return { first, second }
}

const answered = ({ first, second }: Turns): unknown[] =>
  [first, second].map(({ text, hash, completionTokens }) => ({ text, hash, completionTokens }))

describe.skipIf(missing.length > 0)(`many sessions (needs ${missing.join(', ') || 'nothing more'})`, () => {
  let worker: TestWorker
  beforeAll(async () => {
    worker = await startWorker(TINY_FOLDER, {
      WINDOW: String(WINDOW),
      CHUNK: String(CHUNK),
      QUEUE: String(QUEUE),
      KV_BUDGET: String(budgetForThree()),
    })
  })
  afterAll(() => worker?.stop())

  const health = async (): Promise<Record<string, number>> =>
    (await fetch(`${worker.url}/health`)).json() as Promise<Record<string, number>>

  test(`${QUEUE} at once with pages for 3 answer as each alone`, async () => {
    const alone: Turns[] = []
    for (let session = 0; session < QUEUE; session++)
      alone.push(await twoTurns(new SessionClient(worker, `alone-${session}`), session, false))
    const before = (await health())['linear_memory_bytes']
    const client = new SessionClient(worker, 'together')
    const began = performance.now()
    const together = await Promise.all(alone.map((_, session) => twoTurns(client, session)))
    const seconds = (performance.now() - began) / 1000
    expect(together.map(answered)).toEqual(alone.map(answered))
    expect((await health())['linear_memory_bytes']).toBe(before)
    expect((await client.sessions()).map(({ id }) => id).sort()).toEqual(
      together.map(({ second }) => second.session).sort(),
    )
    const waits = together.map(({ first }) => first.firstTokenMs).sort((a, b) => a - b)
    const [median, slowest] = [waits[QUEUE / 2], waits[QUEUE - 1]].map(Math.round)
    expect(slowest).toBeLessThanOrEqual(3 * median)
    const cached = together.reduce((sum, { second }) => sum + second.cached, 0)
    const prompts = together.reduce((sum, { second }) => sum + second.promptTokens, 0)
    console.log(
      `${2 * QUEUE} turns in ${seconds.toFixed(1)} s; first token: median ${median} ms, slowest ${slowest} ms; ` +
        `second turns reused ${cached} of ${prompts} tokens`,
    )
  }, 120_000)

  test('one more is turned away at once, and may try again later', async () => {
    const client = new SessionClient(worker, 'crowd')
    const leaving = new AbortController()
    const open = await Promise.all(
      Array.from({ length: QUEUE }, (_, session) =>
        client.post({ prompt: promptOf(session), max_tokens: 100_000, logprobs: 5 }, false, leaving.signal),
      ),
    )
    expect(open.map(({ status }) => status)).toEqual(open.map(() => 200))
    const refused = await client.post({ prompt: promptOf(QUEUE), max_tokens: 1 }, false)
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after-ms'))).toBeGreaterThan(0)
    expect(refused.headers.get('x-should-retry')).toBeNull()
    expect(await refused.json()).toMatchObject({ error: { code: 'overloaded', type: 'rate_limit_error' } })

    // What would fail again is not to be tried again.
    const session = open[0].headers.get('x-islet-session')
    const fork = await client.fetch(`/v1/sessions/${session}/fork`, { method: 'POST' })
    expect([fork.status, fork.headers.get('x-should-retry')]).toEqual([409, 'false'])

    leaving.abort()
    for (;;) {
      const { running, waiting } = await health()
      if (running + waiting === 0) break
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect(await client.ask({ prompt: promptOf(QUEUE), max_tokens: 1 })).toMatchObject({
      completionTokens: 1,
    })
  })
})

describe.skipIf(missing.length > 0)('a deployment that cannot work', () => {
  let worker: TestWorker
  beforeAll(async () => {
    worker = await startWorker(TINY_FOLDER, { MODEL: 'absent' })
  })
  afterAll(() => worker?.stop())

  test('tells clients not to try again', async () => {
    const response = await new SessionClient(worker, 'a').post(
      { model: 'absent', prompt: 'a', max_tokens: 1 },
      false,
    )
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([500, 'false'])
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_file' } })
  })
})
