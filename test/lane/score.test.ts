// A lane's score call: the log probabilities of plain computation, in any company, and what it shares with chats.

import { describe, expect, test } from 'vitest'
import { fileSource } from '../../cli/lib/file-source.ts'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { Feed } from '../../src/graph/feed.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { readModelText } from '../../src/lane/asset-source.ts'
import { KeptScores } from '../../src/lane/kept-scores.ts'
import type { Lane } from '../../src/lane/lane.ts'
import { MAX_SCORE_ROWS } from '../../src/answer/score-prompts.ts'
import type { GenerationEvent, ScoresEvent } from '../../src/protocol/generation.ts'
import { totalLogprob, type ScoreRequest, type ScoredPrompt } from '../../src/protocol/scores.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { logSumExp } from '../../src/sampling/logprobs.ts'
import { ask, eventsOf, idsOf, mockLane, trapOnce } from '../helpers/mock-lane.ts'
import { logitsAlone } from '../helpers/mock-model.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { request } from '../helpers/request.ts'
import { tinyLane } from '../helpers/stored-object.ts'

const bytes = (text: string): number[] => [...new TextEncoder().encode(text)]
const text = (words: string): ScoredPrompt['prompt'] => ({ kind: 'text', text: words })

function scoreRequest(prompts: ScoredPrompt[], changes: Partial<ScoreRequest> = {}): ScoreRequest {
  return { requestId: 'test', tenant: 'tenant', sessionKey: 'key', model: 'mock', prompts, ...changes }
}

async function events(lane: Lane, asked: ScoreRequest): Promise<GenerationEvent[]> {
  const seen: GenerationEvent[] = []
  for await (const event of decodeEvents(lane.score(asked))) seen.push(event)
  return seen
}

async function scored(lane: Lane, asked: ScoreRequest): Promise<ScoresEvent> {
  const last = (await events(lane, asked)).at(-1)
  if (last?.type !== 'scores') throw new Error(JSON.stringify(last))
  return last
}

/** What the mock model says of each token of a continuation when it runs alone; prompts begin with BOS. */
function alone(prompt: string, continuation: string): number[] {
  const ids = [256, ...bytes(prompt), ...bytes(continuation)]
  const rows = logitsAlone(ids)
  const first = ids.length - bytes(continuation).length
  return ids.slice(first).map((id, at) => rows[first + at - 1][id] - logSumExp(rows[first + at - 1]))
}

const WORDS = ['yes', 'yesterday', 'no', 'n', 'neither of the two', 'yes']

describe('the scores of a prompt', () => {
  test.each([{}, { maxLogitRows: 1 }, { maxLogitRows: 16 }, { maxRows: 3 }, { pageCount: 8 }])(
    'are those of each continuation alone: %j',
    async (model) => {
      const { lane, models } = mockLane({ model })
      const { logprobs, promptTokens, cachedTokens } = await scored(
        lane,
        scoreRequest([{ prompt: text('Is it so, or not?'), continuations: WORDS }]),
      )
      expect(logprobs).toEqual([WORDS.map((word) => alone('Is it so, or not?', word))])
      expect([promptTokens, cachedTokens]).toEqual([18, 0])
      expect(totalLogprob(logprobs[0][3])).toBe(logprobs[0][3][0])
      // The prompt once, then what continuations do not share, without each one's last.
      const rows = 18 + 'yesterda'.length + 'n'.length + 'either of the tw'.length
      expect(models[0].rowsRun).toBe(rows)
    },
  )

  test('several prompts share what they begin with, and are told what was reused', async () => {
    const { lane, models } = mockLane()
    const state = 'The lamp is lit at dusk and burns until the morning. '
    const prompts = ['Is it lit?', 'Does it burn long?'].map((question) => ({
      prompt: text(state + question),
      continuations: ['yes', 'no'],
    }))
    const { logprobs, cachedTokens } = await scored(lane, scoreRequest(prompts))
    expect(logprobs).toEqual(
      ['Is it lit?', 'Does it burn long?'].map((question) =>
        ['yes', 'no'].map((word) => alone(state + question, word)),
      ),
    )
    expect(cachedTokens).toBe(1 + state.length)
    expect(models[0].rowsRun).toBe(1 + state.length + 10 + 3 + 18 + 3)
  })

  test('a chat reuses what was scored, a score what was answered, and answers stay what they are', async () => {
    const { lane } = mockLane()
    const long = 'The lamp is lit at dusk and burns until the morning, as each day.'
    const asked = request({ prompt: { kind: 'text', text: long } })
    const plain = idsOf(await ask(mockLane().lane, asked))
    const one = scoreRequest([{ prompt: text(long), continuations: WORDS }])
    const cold = await scored(lane, one)
    const answer = await ask(lane, asked)
    expect(idsOf(answer)).toEqual(plain)
    expect(eventsOf(answer, 'start')[0].cachedTokens).toBe(long.length)
    const warm = await scored(lane, one)
    expect(warm.cachedTokens).toBe(long.length)
    expect(warm.logprobs).toEqual(cold.logprobs)
  })

  test('beside other tenants, who go on, the bits are the same', async () => {
    const { lane } = mockLane({ model: { pageCount: 12 } })
    const chats = ['a', 'b'].map((tenant) =>
      ask(
        lane,
        request({
          tenant,
          requestId: tenant,
          maxTokens: 30,
          prompt: { kind: 'text', text: `I am ${tenant}` },
        }),
      ),
    )
    const scores = ['c', 'd'].map((tenant) =>
      scored(
        lane,
        scoreRequest([{ prompt: text(`Is ${tenant} here?`), continuations: WORDS }], {
          tenant,
          requestId: tenant,
        }),
      ),
    )
    for (const [i, { logprobs, cachedTokens }] of (await Promise.all(scores)).entries()) {
      expect(logprobs).toEqual([WORDS.map((word) => alone(`Is ${'cd'[i]} here?`, word))])
      expect(cachedTokens).toBe(0)
    }
    for (const [i, answer] of (await Promise.all(chats)).entries()) {
      const changes = { maxTokens: 30, prompt: { kind: 'text' as const, text: `I am ${'ab'[i]}` } }
      expect(idsOf(answer)).toEqual(idsOf(await ask(mockLane().lane, request(changes))))
    }
  })

  test('an engine that fails under it is replaced once', async () => {
    const trap = trapOnce()
    const { lane, models } = mockLane({ model: { onForward: trap.onForward } })
    trap.arm()
    const { logprobs } = await scored(lane, scoreRequest([{ prompt: text('Is it?'), continuations: WORDS }]))
    expect(logprobs).toEqual([WORDS.map((word) => alone('Is it?', word))])
    expect(models).toHaveLength(2)
  })

  test('a reader that leaves ends it, and its turns', async () => {
    let steps = 0
    let leave: () => Promise<void> = () => Promise.resolve()
    const onForward = (): void => {
      if (++steps === 5) void leave()
    }
    const { lane, models } = mockLane({ model: { maxRows: 4, onForward } })
    const asked = scoreRequest([{ prompt: text('x'.repeat(280)), continuations: WORDS }])
    const reader = lane.score(asked).getReader()
    leave = () => reader.cancel()
    let isOpen = true
    while (isOpen) isOpen = !(await reader.read()).done
    expect(models[0].rowsRun).toBeLessThan(280)
    const ran = models[0].rowsRun
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(models[0].rowsRun - ran).toBeLessThanOrEqual(4)
    const { running, waiting } = lane.health()
    expect([running ?? 0, waiting ?? 0]).toEqual([0, 0])
    // Nothing of it is left for the steps of others.
    const before = models[0].rowsRun
    await scored(lane, scoreRequest([{ prompt: text('Is it?'), continuations: ['no'] }], { tenant: 'b' }))
    expect(models[0].rowsRun - before).toBe(7 + 1)
  })
})

describe('scores that are kept', () => {
  const kept = (words: string) => [{ prompt: text(words), continuations: ['yes', 'no'], keep: true }]

  test('are given again to their tenant without a row', async () => {
    const { lane, models } = mockLane()
    const first = await scored(lane, scoreRequest(kept('Is it so?')))
    const ran = models[0].rowsRun
    const again = await scored(lane, scoreRequest(kept('Is it so?')))
    expect(again.logprobs).toEqual(first.logprobs)
    expect(again.cachedTokens).toBe(again.promptTokens)
    expect(models[0].rowsRun).toBe(ran)
    const [asked] = kept('Is it so?')
    const others = await scored(lane, scoreRequest([{ ...asked, continuations: ['no', 'never'] }]))
    expect(others.logprobs[0]).toEqual(['no', 'never'].map((word) => alone('Is it so?', word)))
    const other = await scored(lane, scoreRequest(kept('Is it so?'), { tenant: 'other' }))
    expect(other).toMatchObject({ logprobs: first.logprobs, cachedTokens: 0 })
  })

  test('are bounded: those not asked for for longest go first', () => {
    const scores = new KeptScores(6)
    scores.set('a', [[-1, -2]])
    scores.set('b', [[-1], [-2]])
    scores.get('a')
    scores.set('c', [[-1, -2, -3]])
    expect([scores.get('a'), scores.get('b'), scores.get('c')]).toEqual([
      [[-1, -2]],
      undefined,
      [[-1, -2, -3]],
    ])
    scores.set('d', [[1, 2, 3, 4, 5, 6, 7]])
    expect(scores.get('d')).toBeUndefined()
  })
})

describe('what is refused', () => {
  test.each<[string, ScoredPrompt[], object, Partial<ScoreRequest>?]>([
    ['no text', [{ prompt: text('Hi'), continuations: ['yes', ''] }], { code: 'invalid_request' }],
    [
      'another model',
      [{ prompt: text('Hi'), continuations: ['a'] }],
      { code: 'model_not_found' },
      { model: 'gpt' },
    ],
    [
      'a prompt that is too long',
      [{ prompt: text('x'.repeat(600)), continuations: ['a'] }],
      { code: 'context_length_exceeded' },
    ],
    [
      'a continuation that is too long',
      [{ prompt: text('x'.repeat(400)), continuations: ['y'.repeat(300)] }],
      { code: 'context_length_exceeded' },
    ],
    [
      'too many rows',
      [{ prompt: text('Hi'), continuations: Array.from({ length: 200 }, (_, i) => `${i}`.padEnd(100, 'x')) }],
      {
        code: 'invalid_request',
        message: expect.stringContaining(`may ask for ${MAX_SCORE_ROWS}`) as string,
      },
    ],
  ])('%s', async (_, prompts, error, changes) => {
    const { lane } = mockLane()
    expect((await events(lane, scoreRequest(prompts, changes))).at(-1)).toMatchObject({
      type: 'error',
      ...error,
    })
  })

  test('more requests than there are places, so that another lane may take it', async () => {
    const { lane } = mockLane({ config: { queue: 1 } })
    const asked = scoreRequest([{ prompt: text('Hi'), continuations: ['a'] }])
    const all = await Promise.all([events(lane, asked), events(lane, asked)])
    expect(all.map((seen) => seen.at(-1)?.type).toSorted()).toEqual(['error', 'scores'])
    expect(all.flat().find(({ type }) => type === 'error')).toMatchObject({
      code: 'overloaded',
      movable: true,
    })
  })
})

test('on the embedded model, scores are those of its logits row by row', async () => {
  const { lane } = tinyLane(nodeSql(), 'a')
  const words = ['The keeper', 'The lamp is lit', 'A storm', 'The keeper climbs the steps']
  const chat = {
    kind: 'chat' as const,
    messages: [{ role: 'user', content: 'What do you see at the lamp?' }],
  }
  const asked = scoreRequest([{ prompt: chat, continuations: words }], { model: 'tiny' })
  const cold = await scored(lane, asked)
  const warm = await scored(lane, asked)
  expect(warm.logprobs).toEqual(cold.logprobs)
  expect(warm.cachedTokens).toBe(warm.promptTokens - 1)

  const source = fileSource(TINY_FOLDER)
  const { manifest, tokenizer } = await readModelText(source)
  const model = await loadModel(manifest, source, {
    window: { window: 256, sinks: 4 },
    chunk: 16,
    kernels: nodeKernels(),
  })
  const template = '<|im_start|>user\nWhat do you see at the lamp?<|im_end|>\n<|im_start|>assistant\n'
  const prompt = tokenizer.encode(template, { special: true })
  words.forEach((word, index) => {
    const ids = tokenizer.encode(word)
    const logprobs: number[] = []
    new Feed(model).run([...prompt, ...ids], (logits, position) => {
      const place = position + 1 - prompt.length
      if (place >= 0 && place < ids.length) logprobs.push(logits[ids[place]] - logSumExp(logits))
    })
    expect(cold.logprobs[0][index]).toEqual(logprobs)
  })
})
