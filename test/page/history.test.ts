// The history of conversations: what is stored, found, exported and taken in again; files from elsewhere are checked.

import { describe, expect, it } from 'vitest'
import { imported, ImportError } from '../../page/state/exchange.ts'
import { historyOf, memoryStore, openHistory, type History } from '../../page/state/history.ts'
import { type Conversation, type Message } from '../../page/state/tree.ts'

const conversation = (id: string, title: string, usedAt: number): Conversation => ({
  id,
  title,
  createdAt: 1,
  usedAt,
})

const messages: Message[] = [
  { id: 'q', parent: null, role: 'user', text: 'What is a heron?', at: 1, shown: 'a' },
  {
    id: 'a',
    parent: 'q',
    role: 'assistant',
    text: 'A long-legged bird that waits at the water for hours and hours, and then strikes.',
    at: 2,
    answer: {
      state: 'length',
      model: 'm',
      sampling: { temperature: 0.2 },
      session: 'sess_1',
      turn: 'turn_1',
      frames: 12,
      thoughts: 'birds',
      prompt: 9,
      reused: 3,
      tokens: 20,
      perSecond: 31.5,
      firstMs: 120,
    },
  },
]

async function filled(): Promise<History> {
  const history = historyOf(memoryStore())
  await history.save(conversation('1', 'Birds', 10), messages)
  await history.save(conversation('2', 'Numbers', 20), [
    { id: 'q', parent: null, role: 'user', text: '2 + 2?', at: 3 },
  ])
  return history
}

async function fileOf(history: History): Promise<string> {
  let text = ''
  for await (const part of history.export()) text += part
  return text
}

describe('the history', () => {
  it('works in memory where the browser has no IndexedDB, or forbids it', async () => {
    expect((await openHistory(undefined)).lasting).toBe(false)
    const forbidden = {
      open() {
        throw new DOMException('no', 'SecurityError')
      },
    } as unknown as IDBFactory
    expect((await openHistory(forbidden)).lasting).toBe(false)
  })

  it('lists those used last first, and keeps messages of equal ids apart', async () => {
    const history = await filled()
    expect((await history.list()).map(({ title }) => title)).toEqual(['Numbers', 'Birds'])
    expect(await history.messages('1')).toEqual(messages)
    expect(await history.messages('2')).toHaveLength(1)
    expect(await history.messages('3')).toEqual([])
  })

  it('keeps what was saved, not what became of the object', async () => {
    const history = historyOf(memoryStore())
    const one = conversation('1', 'Birds', 1)
    await history.save(one)
    one.title = 'changed'
    expect((await history.list())[0].title).toBe('Birds')
  })

  it('deletes one with its messages, or all', async () => {
    const history = await filled()
    await history.remove('1')
    expect(await history.messages('1')).toEqual([])
    expect(await history.list()).toHaveLength(1)
    await history.clear()
    expect(await history.list()).toEqual([])
    expect(await history.messages('2')).toEqual([])
  })
})

describe('a search', () => {
  it('finds titles and texts, all words of it, without regard to case', async () => {
    const history = await filled()
    expect((await history.search('bIRDs')).map(({ conversation }) => conversation.id)).toEqual(['1'])
    const [found] = await history.search('water BIRD')
    expect(found.conversation.id).toBe('1')
    expect(found.excerpt).toBe(
      'A long-legged bird that waits at the water for hours and hours, and then strikes.',
    )
    expect(await history.search('bird submarine')).toEqual([])
  })

  it('reads thousands of messages, some at a time, and can be given up', async () => {
    const store = memoryStore()
    let asked = 0
    const history = historyOf({ ...store, rows: (...args) => (asked++, store.rows(...args)) })
    for (let at = 0; at < 30; at++) {
      const many = Array.from({ length: 100 }, (_, index): Message => {
        return { id: `m${index}`, parent: null, role: 'user', text: at === 17 ? 'needle' : 'hay', at: index }
      })
      await history.save(conversation(`c${at}`, `No. ${at}`, at), many)
    }
    expect((await history.search('needle')).map(({ conversation }) => conversation.id)).toEqual(['c17'])
    expect(asked).toBe(9)
    const given = new AbortController()
    given.abort()
    await expect(history.search('needle', given.signal)).rejects.toThrow()
  })
})

describe('a file', () => {
  it('brings everything back as it was', async () => {
    const text = await fileOf(await filled())
    const other = historyOf(memoryStore())
    expect(await other.import(imported(text))).toEqual({ added: 2, known: 0 })
    expect(JSON.parse(await fileOf(other))).toEqual(JSON.parse(text))
    expect(await other.messages('1')).toEqual(messages)
  })

  it('changes nothing that is there', async () => {
    const history = await filled()
    const text = await fileOf(history)
    await history.save(conversation('1', 'Renamed', 30))
    expect(await history.import(imported(text))).toEqual({ added: 0, known: 2 })
    expect((await history.list())[0].title).toBe('Renamed')
  })

  it('has an empty list where there is nothing', async () => {
    expect(imported(await fileOf(historyOf(memoryStore())))).toEqual([])
  })

  it('says nothing of an answer that runs: it was stopped', async () => {
    const history = historyOf(memoryStore())
    const running = { ...messages[1], answer: { ...messages[1].answer!, state: 'running' as const } }
    await history.save(conversation('1', 'Birds', 1), [messages[0], running])
    expect(imported(await fileOf(history))[0].messages[1].answer?.state).toBe('stopped')
  })
})

describe('a file from elsewhere', () => {
  const first = { id: 'q', parent: null, role: 'user', text: 'x', at: 1 }
  const reply = {
    id: 'a',
    parent: 'q',
    role: 'assistant',
    text: 'y',
    at: 2,
    answer: { state: 'done', frames: 1 },
  }
  const file = (...list: unknown[]): string =>
    JSON.stringify({
      format: 'islet-conversations',
      version: 1,
      conversations: [{ id: 'c', title: 't', createdAt: 1, usedAt: 1, messages: list }],
    })

  it.each([
    ['no JSON', '<html>'],
    ['null', 'null'],
    ['a list', '[]'],
    ['another format', '{"format":"chat","version":1,"conversations":[]}'],
    ['another version', '{"format":"islet-conversations","version":2,"conversations":[]}'],
    ['no list', '{"format":"islet-conversations","version":1,"conversations":{}}'],
    ['a message that is none', file(7)],
    ['another role', file({ ...first, role: 'system' })],
    ['a text that is none', file({ ...first, text: { html: '<b>' } })],
    ['a date that is none', file({ ...first, at: 'now' })],
    ['a text beyond all bounds', file({ ...first, text: 'x'.repeat(1_000_001) })],
    ['a parent that is not there', file({ ...first, parent: 'z' })],
    ['two of one id', file(first, first)],
    ['a ring', file({ ...first, parent: 'a' }, reply)],
    ['two questions in a row', file(first, { ...first, id: 'p', parent: 'q' })],
    ['an answer that opens', file({ ...reply, parent: null })],
    ['an answer without how it came', file(first, { ...reply, answer: undefined })],
    ['a state that nobody knows', file(first, { ...reply, answer: { state: 'best', frames: 1 } })],
    ['frames below 0', file(first, { ...reply, answer: { state: 'done', frames: -1 } })],
  ])('is refused: %s', (_, text) => {
    expect(() => imported(text)).toThrow(ImportError)
  })

  it('brings no field that nobody defines', () => {
    const evil = { ...first, html: '<script>', answer: { state: 'done' } }
    const sampled = { ...reply.answer, sampling: { temperature: 1, tools: [{}], x: { y: 1 } } }
    const [{ messages: read }] = imported(file(evil, { ...reply, answer: sampled }))
    expect(Object.keys(read[0]).sort()).toEqual(['at', 'id', 'parent', 'role', 'text'])
    expect(read[1].answer!.sampling).toEqual({ temperature: 1 })
    const polluted = file(first).replace('"text"', '"__proto__":{"admin":true},"text"')
    expect((imported(polluted)[0].messages[0] as { admin?: boolean }).admin).toBeUndefined()
  })
})
