// A long prompt leaves the steps to readers of answers beside it, so that a token of each step is on its way at once.

import { describe, expect, test } from 'vitest'
import { openedTurn, stepOnce } from '../../src/lane/unkept-run.ts'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import { bed, idsOf, settled, text } from '../helpers/turn-bed.ts'

async function read(events: AsyncGenerator<GenerationEvent>, most = Infinity): Promise<string[]> {
  const seen: string[] = []
  while (seen.length < most) {
    const { done, value } = await events.next()
    if (done === true) break
    seen.push(value.type)
  }
  return seen
}

describe('a long prompt beside an answer', () => {
  /** One whose first token has been read, and a prompt of 100 that has begun. */
  async function beside() {
    const made = bed({ maxRows: 32, options: { rowsBesideAnswers: 8 } })
    const answer = made.turn({ maxTokens: 60 }, { ids: idsOf(4) })
    await read(answer.events, 2)
    const prompt = made.turn({ maxTokens: 2 }, { ids: idsOf(100, 3) })
    expect(await read(prompt.events, 1)).toEqual(['start'])
    made.clock.waits.length = 0
    made.model.steps.length = 0
    return { ...made, answer, prompt }
  }

  test('leaves the steps to the reader that waits, who has a token of each', async () => {
    const { answer, prompt, model, clock } = await beside()
    const first = read(prompt.events, 1)
    let tokens = 0
    for (let isRead = false; !isRead; tokens++) {
      await read(answer.events, 1)
      isRead = await Promise.race([first.then(() => true), settled().then(() => false)])
    }
    expect(await first).toEqual(['text'])
    expect(model.steps.filter(([rows]) => rows === 8).length).toBeGreaterThanOrEqual(13)
    // Most of its rests end with a step of the other's: three before each step would be its own.
    expect(clock.waits.length).toBeLessThan(1.5 * model.steps.length)
    expect(tokens).toBeGreaterThan(model.steps.length / 2)
  })

  test('goes on by itself, three turns of the host behind each step, where that reader does not come', async () => {
    const { prompt, model, clock } = await beside()
    await read(prompt.events, 1)
    const made = model.steps.length
    expect(made).toBeGreaterThanOrEqual(14)
    // The first step comes behind the rest that flushes the headers.
    expect(clock.waits).toEqual(Array.from({ length: 1 + 3 * (made - 1) }, () => 0))
  })

  test('ends with an abort while it leaves the thread', async () => {
    const { prompt, model } = await beside()
    const next = read(prompt.events)
    await settled()
    await settled()
    const made = model.steps.length
    prompt.abort.abort()
    expect([await next, model.steps.length]).toEqual([[], made])
  })
})

test('what is scored or embedded leaves the steps to a reader that waits, too', async () => {
  const { engine, turn, clock, loaded, host, model } = bed({
    maxRows: 32,
    options: { rowsBesideAnswers: 8 },
  })
  const signal = new AbortController().signal
  const run = { host, loaded, signal, text, record: { request: { tenant: 'tenant' } } }
  const open = (length: number) =>
    openedTurn(run, {
      tenant: 'tenant',
      prompt: idsOf(length, 5),
      maxTokens: 1,
      choose: () => ({ id: 0, stop: true }),
    })
  const alone = open(9)
  await stepOnce(run, '')
  expect([clock.waits, model.steps.length, alone?.state]).toEqual([[], 1, 'done'])
  const answer = turn({ maxTokens: 60 }, { ids: idsOf(4) })
  await read(answer.events, 2)
  expect(engine.isHeard).toBe(true)
  const scored = open(200)
  clock.waits.length = 0
  model.steps.length = 0
  await stepOnce(run, '')
  expect([clock.waits, model.steps.length]).toEqual([[0, 0, 0], 1])
  const step = stepOnce(run, '')
  await read(answer.events, 2)
  const made = model.steps.length
  await step
  expect([clock.waits.length, model.steps.length], 'the reader ran it').toEqual([4, made])
  expect(scored?.state).toBe('running')
})
