// The chat's state over the built worker with the embedded model: what a branch reuses, and an answer that goes on.

import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Clock } from '../../page/state/answering.ts'
import { chatOf, type Chat } from '../../page/state/chat.ts'
import { historyOf, memoryStore } from '../../page/state/history.ts'
import * as focus from '../../page/state/focus.ts'
import { hoodOpen } from '../../page/state/preferences.ts'
import { maxTokens, seed, temperature } from '../../page/state/sampling.ts'
import { useServer } from '../../page/state/server.ts'
import { type Message } from '../../page/state/tree.ts'
import { whenever } from '../../page/state/whenever.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { startWorker, type TestWorker } from '../helpers/worker.ts'

const clock: Clock = {
  now: () => performance.now(),
  frame: (callback) => void setTimeout(callback, 5),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}

const QUESTION =
  'And God said let there be light upon the face of the deep, and there was light. What did he see?'

describe('the chat over the worker', () => {
  let worker: TestWorker
  let chat: Chat
  beforeAll(async () => void (worker = await startWorker(TINY_FOLDER)))
  afterAll(() => worker?.stop())
  beforeEach(() => {
    useServer({ base: worker.url, key: '' })
    temperature.value.val = 0
    maxTokens.value.val = 12
    chat = chatOf(historyOf(memoryStore()), clock)
  })

  const last = (): Message => chat.messages().at(-1)!
  const settled = (): Promise<void> =>
    vi.waitFor(() => expect(last().answer?.state ?? 'running').not.toBe('running'), 30_000)

  it('another answer, and another wording, reuse what the first computed', async () => {
    chat.send(QUESTION)
    await settled()
    const first = last()
    expect(first.answer!.prompt).toBeGreaterThan(16)

    temperature.value.val = 1
    seed.value.val = 5
    chat.regenerate(first.id)
    await settled()
    expect(last().answer!.session).not.toBe(first.answer!.session)
    // All of the prompt but its last token, whose row gives the first logits.
    expect(last().answer!.reused).toBe(first.answer!.prompt! - 1)

    chat.send('And then?')
    await settled()
    const { reused } = last().answer!
    expect(reused).toBeGreaterThanOrEqual(first.answer!.prompt!)

    const [question] = chat.messages()
    chat.edit(question.id, QUESTION.replace('What did he see?', 'What did he say?'))
    await settled()
    expect(last().answer!.reused).toBeGreaterThan(8)

    // The first branch is as it was, and its session goes on.
    chat.choose(question.id)
    chat.choose(first.id)
    chat.send('And then?')
    await settled()
    expect(last().answer!.session).toBe(first.answer!.session)
    expect(last().answer!.reused).toBeGreaterThanOrEqual(first.answer!.prompt!)
  })

  it('an answer that its limit cut goes on as it would have without', async () => {
    maxTokens.value.val = 24
    chat.send(QUESTION)
    await settled()
    const whole = last()
    chat.begin()
    maxTokens.value.val = 12
    chat.send(QUESTION)
    await settled()
    const cut = last()
    expect(cut.answer).toMatchObject({ state: 'length', tokens: 12 })
    chat.goOn(cut.id)
    await settled()
    expect(cut.answer!.tokens).toBe(24)
    expect(cut.text).toBe(whole.text)
    expect(cut.answer!.reused).toBeGreaterThanOrEqual(whole.answer!.prompt!)
    chat.send('And then?')
    await settled()
    expect(last().answer).toMatchObject({ session: cut.answer!.session })
  })

  it('an answer that was stopped is read on, and nothing is computed twice', async () => {
    maxTokens.value.val = 400
    chat.send(QUESTION)
    // With the first picture that has text: the small model needs no second for all of it.
    const end = whenever(() => {
      void chat.beat.val
      if (chat.messages().at(-1)?.text) chat.stop()
    })
    await settled()
    end()
    expect(last().answer!.state).toBe('stopped')
    const before = last().text
    chat.goOn(last().id)
    await settled()
    expect(last().text.startsWith(before)).toBe(true)
    expect(last().text.length).toBeGreaterThan(before.length)
    expect(['done', 'length']).toContain(last().answer!.state)
    const { session } = last().answer!
    const { state } = (await (await fetch(`${worker.url}/v1/sessions/${session}`)).json()) as {
      state: string
    }
    expect(state).toBe('done')
  })

  it('while the memory view is open an answer brings its tokens and reports of the memory, also where it goes on', async () => {
    hoodOpen.val = true
    chat.send(QUESTION)
    await settled()
    expect(focus.tokens.val).toHaveLength(12)
    expect(
      focus.tokens.val
        .map(({ text }) => text)
        .join('')
        .trim(),
    ).toBe(last().text.trim())
    for (const { logprob, top } of focus.tokens.val) {
      expect(logprob).toBeLessThanOrEqual(0)
      expect(top).toHaveLength(5)
    }
    expect(focus.memory.val).toMatchObject({ object: 'session.memory' })
    expect(focus.session.val).toBe(last().answer!.session)
    chat.goOn(last().id)
    await settled()
    expect(last().answer!.state).toBe('length')
    expect(focus.tokens.val).toHaveLength(24)
    hoodOpen.val = false
  })
})
