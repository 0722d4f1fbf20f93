// The chat is the shown conversation, the list of all, and what a person can do with them.

import van from 'vanjs-core'
import { type Clock } from './answering.ts'
import { answersOf } from './answers.ts'
import * as focus from './focus.ts'
import { type Found, type History } from './history.ts'
import { server } from './server.ts'
import {
  add,
  newId,
  path,
  show,
  titleOf,
  treeOf,
  type Conversation,
  type Message,
  type Tree,
} from './tree.ts'

export type Chat = ReturnType<typeof chatOf>

/** The chat over a history. `remember` is told which conversation is shown, for the next load of the page. */
export function chatOf(
  history: History,
  clock: Clock,
  remember: (id: string | undefined) => void = () => undefined,
) {
  const conversations = van.state<readonly Conversation[]>([])
  /** The tree that is shown; another object whenever messages came, went or were exchanged. */
  const shown = van.state<{ tree: Tree }>({ tree: emptyTree() })
  const messages = (): Message[] => path(shown.val.tree)
  /** What went wrong with the history itself, in words. */
  const trouble = van.state<string | undefined>()
  const found = van.state<readonly Found[] | undefined>()
  const answers = answersOf({
    clock,
    shown,
    changed,
    store: ({ conversation }, message) => void keep(history.save(conversation, [message])),
  })
  const running = (): Message | undefined => messages().find(({ answer }) => answer?.state === 'running')

  function emptyTree(): Tree {
    const now = Date.now()
    return treeOf({ id: newId(), title: '', createdAt: now, usedAt: now, base: server().base })
  }

  async function keep(work: Promise<unknown>): Promise<void> {
    await work.catch((error: unknown) => {
      trouble.val = `The history could not be stored: ${(error as Error | null)?.message}`
    })
  }

  function changed(tree: Tree, written: readonly Message[]): void {
    const { conversation } = tree
    if (shown.rawVal.tree === tree) shown.val = { tree }
    if (conversations.rawVal[0] !== conversation)
      conversations.val = [conversation, ...conversations.rawVal.filter(({ id }) => id !== conversation.id)]
    void keep(history.save(conversation, written))
  }

  /** Says something, behind what is shown. */
  function send(text: string): void {
    const { tree } = shown.rawVal
    if (!text.trim() || running()) return
    question(tree, messages().at(-1)?.id ?? null, text)
  }

  function question(tree: Tree, parent: string | null, text: string): void {
    const before = tree.messages.get(parent!)?.at ?? 0
    const message = { id: newId(), parent, role: 'user' as const, text, at: Math.max(Date.now(), before + 1) }
    if (!tree.conversation.title) {
      tree.conversation.title = titleOf(text)
      remember(tree.conversation.id)
    }
    changed(tree, add(tree, message))
    answers.answer(tree, message)
  }

  /** A question in other words is a branch beside the first one. */
  function edit(id: string, text: string): void {
    const { tree } = shown.rawVal
    const message = tree.messages.get(id)
    if (!message || !text.trim()) return
    stop()
    question(tree, message.parent, text)
  }

  /** Another answer to the same question. */
  function regenerate(id: string): void {
    const { tree } = shown.rawVal
    stop()
    answers.answer(tree, tree.messages.get(tree.messages.get(id)!.parent!)!)
  }

  function goOn(id: string): void {
    const { tree } = shown.rawVal
    answers.goOn(tree, tree.messages.get(id)!)
  }

  function stop(): void {
    answers.stop((tree) => tree === shown.rawVal.tree)
  }

  /** Shows another branch of the same place. */
  function choose(id: string): void {
    const { tree } = shown.rawVal
    changed(tree, show(tree, id))
    answers.point()
  }

  function present(tree: Tree): void {
    shown.val = { tree }
    focus.memory.val = undefined
    answers.point()
  }

  function begin(): void {
    if (shown.rawVal.tree.messages.size === 0) return
    remember(undefined)
    present(emptyTree())
  }

  async function open(id: string): Promise<void> {
    const conversation = conversations.rawVal.find((each) => each.id === id)
    let tree = answers.treeOf(id)
    if (!tree) {
      const stored = conversation && (await history.messages(id).catch(() => undefined))
      if (!stored) return void (trouble.val = 'This conversation could not be read.')
      tree = treeOf(conversation, stored)
    }
    remember(id)
    // One that ran when the page was closed is read on.
    for (const message of tree.messages.values())
      if (message.answer?.state === 'running' && !answers.has(message)) answers.readAgain(tree, message)
    present(tree)
  }

  async function load(last?: unknown): Promise<void> {
    await keep(history.list().then((list) => (conversations.val = list)))
    if (conversations.rawVal.some(({ id }) => id === last)) await open(last as string)
  }

  async function rename(id: string, title: string): Promise<void> {
    const conversation = conversations.rawVal.find((each) => each.id === id)
    if (!conversation || !title.trim()) return
    const same = [conversation, shown.rawVal.tree.conversation, answers.treeOf(id)?.conversation]
    for (const each of same) if (each?.id === id) each.title = title.trim().slice(0, 200)
    conversations.val = [...conversations.rawVal]
    shown.val = { ...shown.rawVal }
    await keep(history.save(conversation))
  }

  async function remove(id: string): Promise<void> {
    forget((tree) => tree.conversation.id === id)
    conversations.val = conversations.rawVal.filter((each) => each.id !== id)
    found.val = found.rawVal?.filter(({ conversation }) => conversation.id !== id)
    await keep(history.remove(id))
  }

  async function removeAll(): Promise<void> {
    forget(() => true)
    conversations.val = []
    found.val = undefined
    await keep(history.clear())
  }

  /** Stops what runs in some conversations, and shows none of them. */
  function forget(which: (tree: Tree) => boolean): void {
    answers.stop(which, true)
    if (which(shown.rawVal.tree)) begin()
  }

  /** Takes conversations of a file in. */
  async function take(read: Parameters<History['import']>[0]): Promise<{ added: number; known: number }> {
    const taken = await history.import(read)
    conversations.val = await history.list()
    return taken
  }

  return {
    ...answers,
    history,
    conversations,
    shown,
    messages,
    running,
    trouble,
    found,
    send,
    edit,
    regenerate,
    goOn,
    choose,
    stop,
    begin,
    open,
    load,
    rename,
    remove,
    removeAll,
    take,
    now: clock.now,
  }
}
