// The tree of a conversation: branches, what is shown, and which session an answer goes on with.

import { describe, expect, it } from 'vitest'
import {
  add,
  ownSource,
  path,
  pathTo,
  show,
  siblings,
  sourceOf,
  titleOf,
  treeOf,
  type Conversation,
  type Message,
  type Tree,
} from '../../page/state/tree.ts'

const conversation = (): Conversation => ({ id: 'c', title: 't', createdAt: 1, usedAt: 1 })
let clock = 1

function question(id: string, parent: string | null): Message {
  return { id, parent, role: 'user', text: id, at: clock++ }
}

function answer(id: string, parent: string, session?: string): Message {
  const facts = { state: 'done' as const, sampling: {}, frames: 3, ...(session !== undefined && { session }) }
  return { id, parent, role: 'assistant', text: id, at: clock++, answer: facts }
}

function grown(...messages: Message[]): Tree {
  const tree = treeOf(conversation())
  for (const message of messages) add(tree, message)
  return tree
}

const ids = (messages: readonly Message[]): string => messages.map(({ id }) => id).join(' ')

describe('what is shown', () => {
  it('is the newest branch of each place, until another is chosen', () => {
    const tree = grown(question('q1', null), answer('a1', 'q1'), question('q2', 'a1'), answer('a2', 'q2'))
    expect(ids(path(tree))).toBe('q1 a1 q2 a2')
    expect(ids(add(tree, answer('b1', 'q1')))).toBe('q1 b1')
    expect(ids(path(tree))).toBe('q1 b1')
    expect(siblings(tree, tree.messages.get('b1')!)).toEqual(['a1', 'b1'])
    expect(ids(show(tree, 'a1'))).toBe('q1')
    expect(ids(path(tree))).toBe('q1 a1 q2 a2')
  })

  it('may be another opening, which the conversation remembers', () => {
    const tree = grown(question('q1', null), answer('a1', 'q1'), question('e1', null))
    expect(ids(path(tree))).toBe('e1')
    expect(show(tree, 'q1')).toEqual([])
    expect(tree.conversation.shown).toBe('q1')
    expect(ids(path(tree))).toBe('q1 a1')
  })

  it('comes back from storage as it was, in whatever order rows come', () => {
    const tree = grown(question('q1', null), answer('a1', 'q1'), answer('b1', 'q1'), question('q2', 'b1'))
    show(tree, 'a1')
    const again = treeOf(tree.conversation, [...tree.messages.values()].reverse())
    expect(ids(path(again))).toBe('q1 a1')
    expect(siblings(again, again.messages.get('a1')!)).toEqual(['a1', 'b1'])
  })

  it('falls back to the newest where the one that was chosen is gone', () => {
    const tree = grown(question('q1', null), answer('a1', 'q1'))
    tree.messages.get('q1')!.shown = 'gone'
    tree.conversation.shown = 'gone too'
    expect(ids(path(tree))).toBe('q1 a1')
  })

  it('is found within milliseconds in 20,000 messages', () => {
    const messages = Array.from({ length: 20_000 }, (_, at) =>
      at % 2 ? answer(`m${at}`, `m${at - 1}`, 's') : question(`m${at}`, at ? `m${at - 1}` : null),
    )
    const started = performance.now()
    const tree = treeOf(conversation(), messages)
    expect(path(tree)).toHaveLength(20_000)
    expect(sourceOf(tree, tree.messages.get('m19998')!)).toEqual({ session: 's', fork: true })
    expect(performance.now() - started).toBeLessThan(400)
  })
})

describe('which session an answer goes on with', () => {
  it('is none for the first answer', () => {
    const tree = grown(question('q1', null))
    expect(sourceOf(tree, tree.messages.get('q1')!)).toBeUndefined()
  })

  it('is the session itself where the answer above is its last', () => {
    const tree = grown(question('q1', null), answer('a1', 'q1', 's'), question('q2', 'a1'))
    expect(sourceOf(tree, tree.messages.get('q2')!)).toEqual({ session: 's', fork: false })
  })

  it('is a fork where the session went on elsewhere', () => {
    const before = [
      question('q1', null),
      answer('a1', 'q1', 's'),
      question('q2', 'a1'),
      answer('a2', 'q2', 's'),
    ]
    const tree = grown(...before, question('e2', 'a1'))
    expect(sourceOf(tree, tree.messages.get('e2')!)).toEqual({ session: 's', fork: true })
    expect(sourceOf(tree, tree.messages.get('q2')!)).toEqual({ session: 's', fork: true })
  })

  it('is a fork of the first answer where that is given once more, or its question is edited', () => {
    const tree = grown(question('q1', null), answer('a1', 'q1', 's'), question('e1', null))
    expect(sourceOf(tree, tree.messages.get('q1')!)).toEqual({ session: 's', fork: true })
    expect(sourceOf(tree, tree.messages.get('e1')!)).toEqual({ session: 's', fork: true })
  })

  it('of each branch is its own', () => {
    const tree = grown(question('q1', null), answer('a1', 'q1', 's'), answer('b1', 'q1', 'f'))
    const below = (parent: string): Message => (
      add(tree, question(`q-${parent}`, parent)),
      tree.messages.get(`q-${parent}`)!
    )
    expect(sourceOf(tree, below('a1'))).toEqual({ session: 's', fork: false })
    expect(sourceOf(tree, below('b1'))).toEqual({ session: 'f', fork: false })
  })

  it('of an answer that goes on is its own, or a fork where another followed', () => {
    const tree = grown(question('q1', null), answer('a1', 'q1', 's'))
    expect(ownSource(tree, tree.messages.get('a1')!)).toEqual({ session: 's', fork: false })
    add(tree, question('q2', 'a1'))
    add(tree, answer('a2', 'q2', 's'))
    expect(ownSource(tree, tree.messages.get('a1')!)).toEqual({ session: 's', fork: true })
  })
})

it('the way to a message ends with it', () => {
  const tree = grown(question('q1', null), answer('a1', 'q1'), question('q2', 'a1'))
  expect(ids(pathTo(tree, 'a1'))).toBe('q1 a1')
  expect(pathTo(tree, null)).toEqual([])
})

it('a title is the first line, cut', () => {
  expect(titleOf('  Hello\nthere')).toBe('Hello')
  expect(titleOf('x'.repeat(100))).toHaveLength(60)
  expect(titleOf(' \n ')).toBe('New chat')
})
