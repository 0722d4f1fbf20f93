// A chain in workerd answers as one isolate does, and whatever of it is killed in mid-answer, nothing is lost or different.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startChain, type ChainHalf, type TestChain } from '../helpers/chain-worker.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { rng } from '../helpers/rng.ts'
import { SessionClient, type Answer } from '../helpers/session-client.ts'
import { ROOT, startWorker } from '../helpers/worker.ts'

const missing = ['models/tiny/manifest.json', 'build/islet.relaxed.wasm'].filter(
  (file) => !existsSync(join(ROOT, file)),
)

const KILLS = 20
const VARS = { WINDOW: '256' }
const PROMPTS = Array.from({ length: KILLS }, (_, i) => `${i} And God said, Let there be light`)
const asked = (prompt: string, tokens = 400): object => ({ prompt, max_tokens: tokens })

/** What one isolate answers, without anything that disturbs it. */
const undisturbed = new Map<string, Answer>()

const saidBy = ({ text, hash, finish }: Pick<Answer, 'text' | 'hash' | 'finish'>) => ({ text, hash, finish })

describe.skipIf(missing.length > 0)(`a chain (needs ${missing.join(', ') || 'nothing more'})`, () => {
  beforeAll(async () => {
    const worker = await startWorker(TINY_FOLDER, VARS)
    const client = new SessionClient(worker, 'calm')
    for (const prompt of PROMPTS) undisturbed.set(prompt, await client.ask(asked(prompt)))
    await worker.stop()
  }, 200_000)

  describe.each([1, 2] as const)('in processes: %i', (processes) => {
    let chain: TestChain
    beforeAll(async () => {
      chain = await startChain(TINY_FOLDER, 3, { vars: VARS, processes })
    }, 120_000)
    afterAll(() => chain?.stop())

    test('one and several answers have the bits of one isolate', async () => {
      const client = new SessionClient(chain, 'calm')
      const [prompt] = PROMPTS
      expect(saidBy(await client.ask(asked(prompt)))).toEqual(saidBy(undisturbed.get(prompt)!))
      const several = PROMPTS.slice(1, 6)
      const got = await Promise.all(several.map((each) => client.ask(asked(each))))
      expect(got.map(saidBy)).toEqual(several.map((each) => saidBy(undisturbed.get(each)!)))
    }, 60_000)

    test('health tells of its stages', async () => {
      const health = (await (await fetch(`${chain.url}/health`)).json()) as { stages: object[] }
      expect(health.stages).toMatchObject([
        { name: 'stage 1', calls: expect.any(Number), slowest_hop_ms: expect.any(Number) },
        { name: 'stage 2' },
      ])
    })

    const halves: [string, (chain: TestChain) => ChainHalf][] = [
      ["the lane's process", ({ hub }) => hub],
      ...(processes === 2
        ? [
            ["the stages' process", ({ stages }: TestChain) => stages] as [
              string,
              (chain: TestChain) => ChainHalf,
            ],
          ]
        : []),
    ]

    test.each(halves)(
      `%s is killed ${KILLS} times in mid-answer`,
      async (_, halfOf) => {
        const random = rng(processes)
        const client = new SessionClient(chain, `killed ${random.int(1e6)}`)
        for (const prompt of PROMPTS) {
          const whole = undisturbed.get(prompt)!
          const half = halfOf(chain)
          const frames = 1 + random.int(300)
          if (half === chain.hub) {
            const broken = await client.readSome(asked(prompt), { frames, delay: 0, hash: true })
            await half.kill()
            await half.restart()
            const rest = await client.readOn(broken.session, frames)
            expect({ ...saidBy(rest), text: broken.text + rest.text }).toEqual(saidBy(whole))
          } else {
            const answer = client.ask(asked(prompt))
            await new Promise((resolve) => setTimeout(resolve, 200 + random.int(500)))
            await half.kill()
            await half.restart()
            expect(saidBy(await answer), prompt).toEqual(saidBy(whole))
          }
        }
      },
      600_000,
    )
  })

  test(`a stage's object is aborted more than ${KILLS} times in mid-answer`, async () => {
    const chain = await startChain(TINY_FOLDER, 3, {
      vars: { ...VARS, ABORT_AFTER: '97' },
      stageMain: 'test/workers/dying-stage.ts',
    })
    try {
      const client = new SessionClient(chain, 'aborted')
      // A hash would have all rows computed again each time, and never end.
      for (const prompt of PROMPTS.slice(0, 6)) {
        const { text, finish } = await client.ask(asked(prompt), false)
        const whole = undisturbed.get(prompt)!
        expect({ text, finish }, prompt).toEqual({ text: whole.text, finish: whole.finish })
      }
      expect(chain.log().match(/aborted for a test/g)?.length).toBeGreaterThan(KILLS)
    } finally {
      await chain.stop()
    }
  }, 200_000)
})
