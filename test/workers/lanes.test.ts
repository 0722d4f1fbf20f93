// Two lanes in one isolate, and objects that die under their requests: whoever still lives goes on, and no client notices.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rendezvousOrder } from '../../src/routing/rendezvous.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { SessionClient, type Answer } from '../helpers/session-client.ts'
import { ROOT, startWorker, type TestWorker } from '../helpers/worker.ts'
import type { LaneFacts } from './lanes-worker.ts'

const missing = ['models/tiny/manifest.json', 'build/islet.relaxed.wasm'].filter(
  (file) => !existsSync(join(ROOT, file)),
)
const LANES = [0, 1]

/** The n-th key that leads to a lane. */
function keyOf(lane: number, n = 0): string {
  const keys = Array.from({ length: 100 }, (_, i) => `key-${i}`)
  return keys.filter((key) => rendezvousOrder(key, LANES.length, 1)[0] === lane)[n]
}

const prompt = (lane: number, n = 0): string =>
  `${lane === 0 ? 'Moses' : 'Abraham'} ${n}: In the beginning God created the heaven and the earth, and the earth was without form`

describe.skipIf(missing.length > 0)(`lanes (needs ${missing.join(', ') || 'nothing more'})`, () => {
  let worker: TestWorker
  beforeAll(async () => {
    worker = await startWorker(
      TINY_FOLDER,
      // The least that a pool can be: one sequence, and whoever comes next has to make room.
      { LANES: String(LANES.length), WINDOW: '64', KV_BUDGET: '1' },
      { main: join(ROOT, 'test/workers/lanes-worker.ts') },
    )
  })
  afterAll(() => worker?.stop())

  const tell = (what: string): Promise<Response> => fetch(`${worker.url}/test/${what}`)
  const facts = async (lane: number): Promise<LaneFacts> =>
    (await tell(`facts?lane=${lane}`)).json() as Promise<LaneFacts>
  const health = async (): Promise<Record<string, unknown>> =>
    (await fetch(`${worker.url}/health`)).json() as Promise<Record<string, unknown>>
  const alone = (body: object): Promise<Answer> =>
    new SessionClient(worker, 'alone').ask({ ...body, store: false })
  const said = ({ text, hash, finish }: Answer): object => ({ text, hash, finish })

  test('one that dies while it loads is taken over by one that waits', async () => {
    const client = new SessionClient(worker, 'loading')
    await tell('stall')
    const bodies = LANES.map((lane) => ({
      prompt: prompt(lane),
      max_tokens: 30,
      prompt_cache_key: keyOf(lane),
    }))
    const first = client.ask(bodies[0])
    while ((await health())['loaded_bytes'] === 0);
    const second = client.ask(bodies[1])
    const waiting = new SessionClient(worker, 'loading')
    while ((await waiting.sessions()).length < 2);
    expect(await health()).toMatchObject({ state: 'loading' })
    await tell('abort?lane=0')
    const answers = await Promise.all([first, second])
    expect((await facts(1)).loads).toBe(2)
    for (const [lane, body] of bodies.entries()) expect(said(answers[lane])).toEqual(said(await alone(body)))
  })

  test('each writes its own pages to its own storage, and both answer right on pages for one', async () => {
    const client = new SessionClient(worker, 'both')
    const bodies = LANES.flatMap((lane) =>
      [0, 1, 2].map((n) => ({ prompt: prompt(lane, n), max_tokens: 60, prompt_cache_key: keyOf(lane, n) })),
    )
    const before = await Promise.all(LANES.map((lane) => facts(lane)))
    const answers = await Promise.all(bodies.map((body) => client.ask(body)))
    for (const [i, body] of bodies.entries()) expect(said(answers[i])).toEqual(said(await alone(body)))
    const after = await Promise.all(LANES.map((lane) => facts(lane)))
    const sessions = await client.sessions()
    for (const lane of LANES) {
      const own = sessions.filter(({ id }) => id.startsWith(`sess_${lane}_`))
      expect(own.length).toBe(3)
      const written = after[lane].names.filter((name) => !before[lane].names.includes(name))
      expect(written.length).toBe(own.reduce((sum, { cache }) => sum + cache.storage.pages, 0))
      expect(own.map(({ cache }) => cache.storage.pages)).toEqual(
        own.map(({ tokens }) => Math.floor((tokens - 1) / 16)),
      )
      expect(written.filter((name) => after[1 - lane].names.includes(name))).toEqual([])
    }

    await worker.kill()
    await worker.restart()
    for (const [i, body] of bodies.entries()) {
      const next = { ...body, prompt: `${body.prompt}${answers[i].text} And he said`, max_tokens: 20 }
      const answer = await client.ask(next)
      expect(answer.session).toBe(answers[i].session)
      expect(answer.cached).toBeGreaterThan(answers[i].promptTokens)
      expect(said(answer)).toEqual(said(await alone(next)))
    }
  })

  test('an object that is evicted between turns is not missed', async () => {
    const client = new SessionClient(worker, 'evicted')
    const body = { prompt: prompt(0, 7), max_tokens: 40, prompt_cache_key: keyOf(0) }
    const first = await client.ask(body)
    await tell('abort?lane=0')
    const next = { ...body, prompt: `${body.prompt}${first.text} And he said` }
    const second = await client.ask(next)
    expect([second.session, second.cached > first.promptTokens]).toEqual([first.session, true])
    expect(said(second)).toEqual(said(await alone(next)))
  })

  test('a client does not notice that the object of its stream is evicted', async () => {
    const client = new SessionClient(worker, 'streaming')
    const bodies = [0, 1, 2, 3].map((n) => ({
      prompt: prompt(0, n),
      max_tokens: 3000,
      prompt_cache_key: keyOf(0, n),
    }))
    for (const [n, body] of bodies.entries()) {
      const hash = n % 2 === 0
      const answer = await client.ask(body, hash, async (frames) => {
        if (frames === 1 + 200 * n) await tell('abort?lane=0')
      })
      const whole = await alone(body)
      expect(said(answer)).toEqual(said(hash ? whole : { ...whole, hash: undefined }))
    }
    expect((await client.sessions()).map(({ state }) => state)).toEqual(bodies.map(() => 'done'))
    // Of objects that are gone no turn is left in the engine.
    expect(await health()).toMatchObject({ running: 0, waiting: 0 })
  })
})
