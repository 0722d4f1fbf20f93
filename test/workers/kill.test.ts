// The process is killed in the middle of answers, over and over, and nothing that a client was promised is lost.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingModel, REAL_FOLDER, TINY_FOLDER } from '../helpers/real-model.ts'
import { rng, type Rng } from '../helpers/rng.ts'
import { SessionClient, type Answer, type Broken } from '../helpers/session-client.ts'
import { ROOT, startWorker, type TestWorker } from '../helpers/worker.ts'

const PAGE = 16

/** What may be lost: what was decoded in the last two seconds, and a page that was not full. */
const LOSS_MS = 2000

type Scenario = {
  /** The first turn, and the next one once the answer is known. */
  first: object
  next: (answer: string) => object
  /** Frames that are read before the kill; 0: it comes while the prompt is computed. */
  frames: number
  /** Milliseconds before the kill where no frame is read. */
  delay: number
  /** A hash covers every row, so that an answer that is read on is computed anew; without it goes on from the pages that are stored. */
  hash: boolean
  /** A fork goes on before the broken answer is read: all that it reuses comes from storage. */
  forkFirst: boolean
}

type Undisturbed = { first: Answer; next: Answer }
type Figures = { state: string; tokens: number; promised: number; stored: number; cached: number | undefined }

async function killedInTheMiddle(worker: TestWorker, scenario: Scenario): Promise<Figures> {
  const { first, next, frames, hash, forkFirst } = scenario
  const calm = new SessionClient(worker, 'calm')
  const answer = await calm.ask(first)
  const whole: Undisturbed = { first: answer, next: await calm.ask(next(answer.text)) }
  const client = new SessionClient(worker, 'killed')
  const before = (await client.sessions()).map(({ id }) => id)
  const broken = await client.readSome(first, scenario)
  const killedAt = Date.now()
  await worker.kill()
  await worker.restart()

  const after = await client.sessions()
  expect(after.map(({ id }) => id).sort()).toEqual([...before, broken.session].sort())
  const view = after.find(({ id }) => id === broken.session)
  const stored = PAGE * (view?.cache.storage.pages ?? 0)
  const promised = leastKept(broken, killedAt, whole)
  expect(stored).toBeGreaterThanOrEqual(promised)

  const goOn = async (session: string): Promise<number> => {
    const answer = await client.ask({ ...next(whole.first.text), prompt_cache_key: session })
    expect([answer.text, answer.hash, answer.session]).toEqual([whole.next.text, whole.next.hash, session])
    expect(answer.cached).toBeGreaterThanOrEqual(promised)
    return answer.cached
  }
  const cached = forkFirst ? await goOn(await client.fork(broken.session)) : undefined
  const rest = await client.readOn(broken.session, frames)
  expect(broken.text + rest.text).toBe(whole.first.text)
  expect([rest.finish, rest.hash]).toEqual([whole.first.finish, hash ? whole.first.hash : undefined])
  await goOn(broken.session)
  return { state: view?.state ?? '', tokens: whole.first.promptTokens + frames, promised, stored, cached }
}

/** Tokens that must be there after the kill, as far as the next prompt begins with them at all. */
function leastKept({ times }: Broken, killedAt: number, { first, next }: Undisturbed): number {
  const early = times.filter((time) => time <= killedAt - LOSS_MS).length
  return early === 0 ? 0 : Math.min(next.cached, first.promptTokens + early) - PAGE
}

const WORDS =
  'And God said Let there be light and the earth was without form void darkness upon face of deep he saw that it good day night'.split(
    ' ',
  )
const words = (random: Rng, count: number): string =>
  Array.from({ length: count }, () => WORDS[random.int(WORDS.length)]).join(' ')

function report(what: string, figures: readonly Figures[]): void {
  const lines = figures.map(
    ({ state, tokens, promised, stored, cached }) =>
      `  killed at ${tokens} tokens (${state}): ${stored} stored (${promised} promised)${cached === undefined ? '' : `, a fork reused ${cached}`}`,
  )
  console.log([what, ...lines].join('\n'))
}

const missing = ['models/tiny/manifest.json', 'build/islet.relaxed.wasm'].filter(
  (file) => !existsSync(join(ROOT, file)),
)

describe.skipIf(missing.length > 0)(`killed (needs ${missing.join(', ') || 'nothing more'})`, () => {
  const KILLS = 20
  let worker: TestWorker
  beforeAll(async () => {
    worker = await startWorker(TINY_FOLDER, { WINDOW: '256' })
  })
  afterAll(() => worker?.stop())

  test(`${KILLS} times at random points, no token and no session is lost`, async () => {
    const random = rng(22)
    const figures: Figures[] = []
    for (let kill = 0; kill < KILLS; kill++) {
      const inPrefill = kill % 5 === 4
      const prompt = `${kill} ${words(random, inPrefill ? 1500 : 20 + random.int(80))}`
      const scenario = {
        first: { prompt, max_tokens: 3000 },
        next: (answer: string) => ({ prompt: `${prompt}${answer} And God said`, max_tokens: 30 }),
        frames: inPrefill ? 0 : 1 + random.int(2000),
        delay: inPrefill ? random.int(400) : 0,
        hash: kill % 3 === 0,
        forkFirst: kill % 2 === 0,
      }
      figures.push(await killedInTheMiddle(worker, scenario))
    }
    report('tiny, killed:', figures)
    expect(figures.map(({ state }) => state)).toEqual(figures.map(() => 'paused'))
  }, 400_000)
})

const skip = missingModel()

describe.skipIf(skip !== undefined)(`killed, with SmolLM2${skip === undefined ? '' : ` (${skip})`}`, () => {
  let worker: TestWorker
  beforeAll(async () => {
    worker = await startWorker(REAL_FOLDER)
  })
  afterAll(() => worker?.stop())

  test('a chat goes on as if nothing had been', async () => {
    const figures: Figures[] = []
    for (const [kill, frames] of [0, 50, 600].entries()) {
      const question = { role: 'user', content: `Tell me a long story about ${kill + 2} clever foxes.` }
      const scenario = {
        first: { messages: [question], max_tokens: 630, ignore_eos: true },
        next: (content: string) => ({
          messages: [question, { role: 'assistant', content }, { role: 'user', content: 'And then?' }],
          max_tokens: 16,
        }),
        frames,
        delay: 0,
        hash: kill === 1,
        forkFirst: kill !== 1,
      }
      figures.push(await killedInTheMiddle(worker, scenario))
    }
    report('SmolLM2, killed:', figures)
  }, 200_000)
})
