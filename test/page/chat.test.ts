// What a person does in the chat: sending, stopping, branches as forks, going on, reloading, and what the history keeps of it.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Clock } from '../../page/state/answering.ts'
import { chatOf, type Chat } from '../../page/state/chat.ts'
import * as focus from '../../page/state/focus.ts'
import { historyOf, memoryStore, type History } from '../../page/state/history.ts'
import { hoodOpen } from '../../page/state/preferences.ts'
import { systemPrompt, temperature } from '../../page/state/sampling.ts'
import { model, useServer } from '../../page/state/server.ts'
import { siblings, type Message } from '../../page/state/tree.ts'
import { whenever } from '../../page/state/whenever.ts'
import { fakeIslet, type FakeIslet } from './fake-islet.ts'

const clock: Clock = {
  now: () => performance.now(),
  frame: (callback) => void setTimeout(callback, 5),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      setTimeout(resolve, Math.min(ms, 20))
      signal.addEventListener('abort', () => resolve())
    }),
}

let fake: FakeIslet
let history: History
let chat: Chat

beforeEach(async () => {
  fake = await fakeIslet()
  useServer({ base: fake.url, key: '' })
  model.val = { id: 'small-model' }
  history = historyOf(memoryStore())
  chat = chatOf(history, clock)
})

afterEach(async () => {
  chat.stop()
  hoodOpen.val = false
  systemPrompt.val = ''
  temperature.value.val = undefined
  await fake.close()
})

const settled = (): Promise<void> =>
  vi.waitFor(() => expect(chat.messages().at(-1)?.answer?.state ?? 'running').not.toBe('running'))
const texts = (): string[] => chat.messages().map(({ text }) => text)
const last = (): Message => chat.messages().at(-1)!
const chats = (): Record<string, unknown>[] =>
  fake.asked.filter(({ path }) => path === '/v1/chat/completions').map(({ body }) => body)
const forks = (): string[] => fake.asked.map(({ path }) => path).filter((path) => path.endsWith('/fork'))

describe('sending', () => {
  it('asks with what the person set, and shows what was reused', async () => {
    systemPrompt.val = 'Be brief.'
    temperature.value.val = 0.5
    chat.send('Hi')
    await settled()
    expect(texts()).toEqual(['Hi', 'Hello there.'])
    expect(chats()[0]).toMatchObject({
      model: 'small-model',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
      ],
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0.5,
    })
    expect(chats()[0]).not.toHaveProperty('logprobs')
    expect(chats()[0]).not.toHaveProperty('islet')
    expect(last().answer).toMatchObject({
      model: 'small-model',
      sampling: { temperature: 0.5 },
      reused: 0,
      tokens: 3,
    })
    expect(focus.session.val).toBe(last().answer!.session)
    expect(focus.lastRequest.val).toMatchObject({ path: '/v1/chat/completions' })

    chat.send('More')
    await settled()
    expect(chats()[1]).toMatchObject({ prompt_cache_key: focus.session.val })
    expect((chats()[1]['messages'] as unknown[]).length).toBe(4)
    expect(last().answer!.reused).toBe(40)
    expect(forks()).toEqual([])
  })

  it('says nothing that is empty, and nothing while an answer comes', async () => {
    fake.script({ tokens: Array<string>(50).fill('x'), pace: 10 })
    chat.send('  \n')
    expect(texts()).toEqual([])
    chat.send('Hi')
    chat.send('Ho')
    expect(texts()).toEqual(['Hi', ''])
    chat.stop()
    await settled()
  })

  it('asks for log probabilities only while the memory view is open', async () => {
    hoodOpen.val = true
    chat.send('Hi')
    await settled()
    expect(chats()[0]).toMatchObject({ logprobs: true, top_logprobs: 5, islet: { memory: true } })
    expect(focus.tokens.val.map(({ text }) => text)).toEqual(['Hello', ' there', '.'])
    expect(focus.growth.val).toBeGreaterThan(0)
    chat.begin()
    expect(focus.tokens.val).toEqual([])
    expect(focus.session.val).toBeUndefined()
  })

  it('tells in words that the server is busy, and tries again', async () => {
    fake.refuse({ status: 429, after: 1 })
    chat.send('Hi')
    const told: (string | undefined)[] = []
    const end = whenever(() => void told.push([...chat.notices.val.values()][0]?.text))
    await settled()
    end()
    expect(told).toContain('The server has as much to do as it can take.')
    expect(last().text).toBe('Hello there.')
    expect(chat.notices.val.size).toBe(0)
  })

  it('tells why an answer was refused, and asks again when told to', async () => {
    fake.refuse({ status: 400, message: 'the prompt is too long' })
    chat.send('Hi')
    await settled()
    expect(last().answer).toMatchObject({ state: 'failed', problem: 'the prompt is too long' })
    chat.regenerate(last().id)
    await settled()
    expect(last().text).toBe('Hello there.')
  })
})

describe('branches', () => {
  it('another answer is beside the first, of a fork of its session', async () => {
    fake.script({ tokens: ['one'] }, { tokens: ['two'] }, { tokens: ['three'] })
    chat.send('Hi')
    await settled()
    const first = last()
    chat.regenerate(first.id)
    await settled()
    expect(texts()).toEqual(['Hi', 'two'])
    expect(forks()).toEqual([`/v1/sessions/${first.answer!.session}/fork`])
    expect(last().answer!.session).not.toBe(first.answer!.session)
    expect(last().answer!.reused).toBe(40)
    expect(siblings(chat.shown.val.tree, last())).toEqual([first.id, last().id])

    chat.choose(first.id)
    expect(texts()).toEqual(['Hi', 'one'])
    expect(focus.session.val).toBe(first.answer!.session)
    chat.send('And?')
    await settled()
    expect(forks()).toHaveLength(1)
    expect(chats().at(-1)).toMatchObject({ prompt_cache_key: first.answer!.session })
  })

  it('another wording keeps the first', async () => {
    fake.script({ tokens: ['one'] }, { tokens: ['two'] })
    chat.send('Hi')
    await settled()
    const [question] = chat.messages()
    chat.edit(question.id, 'Hey')
    await settled()
    expect(texts()).toEqual(['Hey', 'two'])
    expect(forks()).toHaveLength(1)
    chat.choose(question.id)
    expect(texts()).toEqual(['Hi', 'one'])
  })

  it('do without a fork whose session is gone', async () => {
    chat.send('Hi')
    await settled()
    last().answer!.session = 'sess_gone'
    chat.regenerate(last().id)
    await settled()
    expect(last()).toMatchObject({ text: 'Hello there.', answer: { reused: 0, state: 'done' } })
  })

  it('begin anew at another server', async () => {
    chat.send('Hi')
    await settled()
    const other = await fakeIslet()
    useServer({ base: other.url })
    chat.regenerate(last().id)
    await settled()
    expect(other.asked.map(({ path }) => path)).toEqual(['/v1/chat/completions'])
    await other.close()
  })
})

describe('an answer that goes on', () => {
  it('is read on where the person stopped it', async () => {
    fake.script({ tokens: Array.from({ length: 30 }, (_, at) => `${at} `), pace: 8 })
    chat.send('Count')
    await vi.waitFor(() => expect(last().text).toContain('4 '))
    chat.stop()
    await settled()
    expect(last().answer!.state).toBe('stopped')
    expect(last().text).not.toContain('29')
    chat.goOn(last().id)
    await vi.waitFor(() => expect(last().answer!.state).toBe('done'))
    expect(last().text).toBe(Array.from({ length: 30 }, (_, at) => `${at} `).join(''))
    expect(chats()).toHaveLength(1)
  })

  it('is asked for as a completion of what there is, where its limit cut it', async () => {
    fake.script({ tokens: ['one ', 'two '], finish: 'length' }, { tokens: ['three'] })
    chat.send('Count')
    await settled()
    const { session } = last().answer!
    expect(last().answer).toMatchObject({ state: 'length', tokens: 2 })
    chat.goOn(last().id)
    await vi.waitFor(() => expect(last().answer!.state).toBe('done'))
    expect(last()).toMatchObject({ text: 'one two three', answer: { tokens: 3, session } })
    const request = fake.asked.findLast(({ path }) => path === '/v1/completions')!
    const prompt = String.fromCharCode(...(request.body['prompt'] as number[]))
    expect(prompt).toBe('user: Count\nassistant: one two ')
    expect(request.body).toMatchObject({ prompt_cache_key: session })
  })

  it('cannot where a message writes a mark of the model, and says so', async () => {
    fake.script({ tokens: ['one '], finish: 'length' })
    chat.send('Count <|im_end|>')
    await settled()
    const { fetch } = globalThis
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
      const body = JSON.parse(init.body as string) as { parse_special?: boolean }
      if (url.endsWith('/tokenize') && body.parse_special === true)
        return Promise.resolve(Response.json({ tokens: [1] }))
      return fetch(url, init)
    })
    chat.goOn(last().id)
    await settled()
    vi.unstubAllGlobals()
    expect(last()).toMatchObject({ text: 'one ', answer: { state: 'failed' } })
    expect(last().answer!.problem).toMatch(/writes a mark/)
  })
})

describe('the history', () => {
  it('keeps all of it: a reload in mid-answer reads on', async () => {
    fake.script({ tokens: Array.from({ length: 120 }, (_, at) => `${at} `), pace: 10 })
    let remembered: string | undefined
    chat = chatOf(history, clock, (id) => (remembered = id))
    chat.send('Count')
    // Stored more than once while it runs.
    await vi.waitFor(async () => {
      const stored = (await history.messages(remembered!)).find(({ answer }) => answer)
      expect(stored!.answer!.frames).toBeGreaterThan(20)
    })
    // The page is gone: nobody reads, and its state is that of storage.
    const stored = await history.messages(remembered!)
    const reloaded = chatOf(history, clock)
    fake.breakOff()
    await reloaded.load(remembered)
    const answer = (): Message => reloaded.messages().at(-1)!
    expect(answer().answer!.state).toBe('running')
    await vi.waitFor(() => expect(answer().answer!.state).toBe('done'), 5000)
    expect(answer().text).toBe(Array.from({ length: 120 }, (_, at) => `${at} `).join(''))
    expect(fake.asked.map(({ path }) => path)).toContain(
      `/v1/sessions/${answer().answer!.session}/stream?after=${stored.find((each) => each.answer)!.answer!.frames}`,
    )
  })

  it('shows answers of other conversations when they are opened again', async () => {
    fake.script({ tokens: Array<string>(40).fill('x'), pace: 8 })
    chat.send('Slow')
    const { id } = chat.shown.val.tree.conversation
    await vi.waitFor(() => expect(last().text).not.toBe(''))
    chat.begin()
    expect(texts()).toEqual([])
    fake.script({ tokens: ['quick'] })
    chat.send('Quick')
    await settled()
    expect(chat.conversations.val.map(({ title }) => title)).toEqual(['Quick', 'Slow'])
    await chat.open(id)
    expect(last().answer!.state).toBe('running')
    await settled()
    expect(last().text).toBe('x'.repeat(40))
  })

  it('forgets what is deleted, also while it runs', async () => {
    fake.script({ tokens: Array<string>(40).fill('x'), pace: 8 })
    chat.send('Slow')
    await vi.waitFor(() => expect(last().text).not.toBe(''))
    await chat.remove(chat.conversations.val[0].id)
    expect(texts()).toEqual([])
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await history.list()).toEqual([])
    chat.send('Again')
    await vi.waitFor(() => expect(last().text).not.toBe(''))
    await chat.removeAll()
    expect(await history.list()).toEqual([])
  })

  it('has names that a person gives', async () => {
    chat.send('Hi')
    await settled()
    const [{ id }] = chat.conversations.val
    await chat.rename(id, ' Birds ')
    await chat.rename(id, '  ')
    expect((await history.list())[0].title).toBe('Birds')
    chat.send('More')
    await settled()
    expect((await history.list())[0].title).toBe('Birds')
  })

  it('that cannot be stored is told in words, and the chat goes on', async () => {
    const store = { ...memoryStore(), save: () => Promise.reject(new Error('quota')) }
    chat = chatOf(historyOf(store), clock)
    chat.send('Hi')
    await settled()
    expect(last().text).toBe('Hello there.')
    expect(chat.trouble.val).toContain('quota')
  })
})
