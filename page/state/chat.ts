// The state of the chat: the conversation that is shown, the list of all, the answers that run, and what a person can do.

import { batch, computed, signal } from '@preact/signals'
import { ask, readOn, type Clock, type Hooks, type Notice, type Run } from './answering.ts'
import * as focus from './focus.ts'
import { type Found, type History } from './history.ts'
import { hoodOpen } from './preferences.ts'
import { chatRequest, continuation, sessionOf, type Options } from './prompt.ts'
import { samplingBody, systemPrompt } from './sampling.ts'
import { model, server } from './server.ts'
import {
  add,
  newId,
  ownSource,
  path,
  show,
  sourceOf,
  titleOf,
  treeOf,
  type Conversation,
  type Message,
  type Source,
  type Tree,
} from './tree.ts'

export type Chat = ReturnType<typeof chatOf>

/** The chat over a history. `remember` is told which conversation is shown, for the next load of the page. */
export function chatOf(
  history: History,
  clock: Clock,
  remember: (id: string | undefined) => void = () => {},
) {
  const conversations = signal<readonly Conversation[]>([])
  /** The tree that is shown; another object whenever messages came, went or were exchanged. */
  const shown = signal<{ tree: Tree }>({ tree: emptyTree() })
  const messages = computed(() => path(shown.value.tree))
  /** Goes up with each picture in which a running answer grew. */
  const beat = signal(0)
  const notices = signal<ReadonlyMap<string, Notice>>(new Map())
  /** What went wrong with the history itself, in words. */
  const trouble = signal<string | undefined>(undefined)
  /** What a screen reader should say. */
  const said = signal('')
  const found = signal<readonly Found[] | undefined>(undefined)

  /** Answers that run, also those of conversations that are not shown. */
  const runs = new Map<string, { run: Run; tree: Tree }>()
  /** Tokens of answers, where log probabilities were asked for: as long as the page is there. */
  const tokens = new Map<string, focus.Token[]>()

  const running = computed(() =>
    messages.value.find(({ id, answer }) => answer?.state === 'running' && runs.has(id)),
  )

  function emptyTree(): Tree {
    const now = Date.now()
    return treeOf({ id: newId(), title: '', createdAt: now, usedAt: now, base: server.peek().base })
  }

  async function keep(work: Promise<unknown>): Promise<void> {
    await work.catch((error: unknown) => {
      trouble.value = `The history could not be stored: ${error instanceof Error ? error.message : String(error)}`
    })
  }

  function changed(tree: Tree, written: readonly Message[]): void {
    const { conversation } = tree
    if (shown.peek().tree === tree) shown.value = { tree }
    if (!conversations.peek().includes(conversation) || conversations.peek()[0] !== conversation)
      conversations.value = [conversation, ...conversations.peek().filter(({ id }) => id !== conversation.id)]
    void keep(history.save(conversation, written))
  }

  function point(): void {
    const last = messages.peek().findLast(({ answer }) => answer)
    batch(() => {
      focus.session.value = last?.answer?.session
      focus.tokens.value = (last && tokens.get(last.id)) ?? []
    })
  }

  function options(): Options {
    return {
      model: model.peek()?.id,
      system: systemPrompt.peek(),
      sampling: samplingBody(),
      isWatched: hoodOpen.peek(),
    }
  }

  function hooksOf(tree: Tree, message: Message): Hooks {
    const isShown = (): boolean => shown.peek().tree === tree
    return {
      grew(more) {
        if (more.length > 0) tokens.set(message.id, [...(tokens.get(message.id) ?? []), ...more])
        if (!isShown()) return
        batch(() => {
          beat.value++
          focus.growth.value++
          if (more.length > 0) point()
        })
      },
      save() {
        if (isShown() && focus.session.peek() !== message.answer!.session) point()
        // A conversation that was deleted meanwhile stays deleted.
        if (runs.get(message.id)?.tree === tree) void keep(history.save(tree.conversation, [message]))
      },
      tell(notice) {
        if (notices.peek().get(message.id) === notice) return
        const next = new Map(notices.peek())
        if (notice) next.set(message.id, notice)
        else next.delete(message.id)
        notices.value = next
      },
      memory(report) {
        if (isShown()) focus.memory.value = report
      },
    }
  }

  function follow(tree: Tree, message: Message, start: (hooks: Hooks) => Run): void {
    const run = start(hooksOf(tree, message))
    runs.set(message.id, { run, tree })
    void run.ended.then(() => {
      runs.delete(message.id)
      if (shown.peek().tree !== tree) return
      const { state, problem } = message.answer!
      said.value =
        state === 'failed' ? (problem ?? '') : state === 'stopped' ? 'Stopped.' : 'The answer is there.'
      shown.value = { tree }
      point()
    })
  }

  /** Asks for an answer to a question; one beside others where there are. */
  function answer(tree: Tree, question: Message): void {
    const source = ofThisServer(tree, sourceOf(tree, question))
    const asked = options()
    const message: Message = {
      id: newId(),
      parent: question.id,
      role: 'assistant',
      text: '',
      at: Math.max(Date.now(), question.at + 1),
      answer: { state: 'running', sampling: asked.sampling, frames: 0 },
    }
    if (asked.model !== undefined) message.answer!.model = asked.model
    tree.conversation.usedAt = Date.now()
    changed(tree, add(tree, message))
    follow(tree, message, (hooks) =>
      ask(
        server.peek(),
        clock,
        message,
        async (signal, gone) => {
          const session = gone ? undefined : await sessionOf(server.peek(), source, clock.wait, signal)
          const request = chatRequest(tree, question.id, session ?? message.id, asked)
          focus.lastRequest.value = { method: 'POST', ...request }
          return request
        },
        hooks,
      ),
    )
  }

  /** Sessions are at one server: a conversation that goes on at another one begins anew there. */
  function ofThisServer(tree: Tree, source: Source | undefined): Source | undefined {
    const { base } = server.peek()
    if ((tree.conversation.base ?? '') === base) return source
    tree.conversation.base = base
    return undefined
  }

  /** Says something, behind what is shown. */
  function send(text: string): void {
    const { tree } = shown.peek()
    if (text.trim() === '' || running.peek()) return
    const last = messages.peek().at(-1)
    // A question whose answer never came is answered together with what follows it.
    const parent = last?.role === 'user' ? last.parent : (last?.id ?? null)
    question(tree, parent, text)
  }

  function question(tree: Tree, parent: string | null, text: string): void {
    const before = parent === null ? 0 : tree.messages.get(parent)!.at
    const message: Message = { id: newId(), parent, role: 'user', text, at: Math.max(Date.now(), before + 1) }
    if (tree.conversation.title === '') {
      tree.conversation.title = titleOf(text)
      remember(tree.conversation.id)
    }
    changed(tree, add(tree, message))
    answer(tree, message)
  }

  /** A question in other words is a branch beside the first one. */
  function edit(id: string, text: string): void {
    const { tree } = shown.peek()
    const message = tree.messages.get(id)
    if (message?.role !== 'user' || text.trim() === '') return
    stopAll(tree)
    question(tree, message.parent, text)
  }

  function regenerate(id: string): void {
    const { tree } = shown.peek()
    const message = tree.messages.get(id)
    const asked = message?.role === 'user' ? message : tree.messages.get(message?.parent ?? '')
    if (!asked) return
    stopAll(tree)
    answer(tree, asked)
  }

  /** Lets an answer go on: one that was left is read on, one that its limit cut is asked for more. */
  function goOn(id: string): void {
    const { tree } = shown.peek()
    const message = tree.messages.get(id)
    if (!message?.answer || runs.has(id)) return
    const { answer } = message
    const own = ofThisServer(tree, ownSource(tree, message))
    if (answer.state !== 'length' && own && !own.fork) {
      follow(tree, message, (hooks) => readOn(server.peek(), clock, message, hooks))
    } else {
      const asked = options()
      if (answer.tokens !== undefined) answer.before = answer.tokens
      // The frames from here on are those of a turn of its own.
      answer.frames = 0
      delete answer.session
      delete answer.turn
      follow(tree, message, (hooks) =>
        ask(
          server.peek(),
          clock,
          message,
          async (signal, gone) => {
            const session = gone ? undefined : await sessionOf(server.peek(), own, clock.wait, signal)
            return continuation(server.peek(), tree, message, session ?? newId(), asked, signal)
          },
          hooks,
        ),
      )
    }
    shown.value = { tree }
  }

  /** Shows another branch of the same place. */
  function choose(id: string): void {
    const { tree } = shown.peek()
    changed(tree, show(tree, id))
    point()
  }

  function stop(): void {
    const message = running.peek()
    if (message) runs.get(message.id)?.run.stop()
  }

  function tryNow(id: string): void {
    runs.get(id)?.run.tryNow()
  }

  function stopAll(tree?: Tree): void {
    for (const each of runs.values()) if (!tree || each.tree === tree) each.run.stop()
  }

  function begin(): void {
    if (shown.peek().tree.messages.size === 0) return
    remember(undefined)
    shown.value = { tree: emptyTree() }
    focus.memory.value = undefined
    point()
  }

  async function open(id: string): Promise<void> {
    const going = [...runs.values()].find(({ tree }) => tree.conversation.id === id)?.tree
    const conversation = conversations.peek().find((each) => each.id === id)
    if (!going && !conversation) return
    let tree = going
    if (!tree) {
      const stored = await history.messages(id).catch(() => undefined)
      if (!stored) return void (trouble.value = 'The history could not be read.')
      tree = treeOf(conversation!, stored)
    }
    remember(id)
    shown.value = { tree }
    focus.memory.value = undefined
    point()
    for (const message of tree.messages.values())
      if (message.answer?.state === 'running' && !runs.has(message.id)) readAgain(tree, message)
  }

  /** An answer that ran when the page was closed is read on. */
  function readAgain(tree: Tree, message: Message): void {
    follow(tree, message, (hooks) => readOn(server.peek(), clock, message, hooks))
    shown.value = { tree }
  }

  async function load(last?: string): Promise<void> {
    await keep(history.list().then((list) => (conversations.value = list)))
    if (last !== undefined) await open(last)
  }

  async function rename(id: string, title: string): Promise<void> {
    const conversation = conversations.peek().find((each) => each.id === id)
    if (!conversation || title.trim() === '') return
    const trees = [shown.peek().tree, ...[...runs.values()].map(({ tree }) => tree)]
    const same = trees.map((tree) => tree.conversation).filter((each) => each.id === id)
    for (const each of [conversation, ...same]) each.title = title.trim().slice(0, 200)
    conversations.value = [...conversations.peek()]
    await keep(history.save(conversation))
  }

  async function remove(id: string): Promise<void> {
    forget((tree) => tree.conversation.id === id)
    conversations.value = conversations.peek().filter((each) => each.id !== id)
    found.value = found.peek()?.filter(({ conversation }) => conversation.id !== id)
    await keep(history.remove(id))
  }

  async function removeAll(): Promise<void> {
    forget(() => true)
    conversations.value = []
    found.value = undefined
    await keep(history.clear())
  }

  /** Stops what runs in some conversations, and shows none of them. */
  function forget(which: (tree: Tree) => boolean): void {
    for (const [id, { run, tree }] of runs)
      if (which(tree)) {
        runs.delete(id)
        run.stop()
      }
    if (which(shown.peek().tree)) begin()
  }

  async function take(read: Parameters<History['import']>[0]): Promise<{ added: number; known: number }> {
    const taken = await history.import(read)
    conversations.value = await history.list()
    return taken
  }

  return {
    history,
    conversations,
    shown,
    messages,
    running,
    beat,
    notices,
    trouble,
    said,
    found,
    send,
    edit,
    regenerate,
    goOn,
    choose,
    stop,
    tryNow,
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
