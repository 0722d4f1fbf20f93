// Answers are asked for, read on and stopped here: those of the shown conversation, and of others meanwhile.

import van, { type State } from 'vanjs-core'
import { ServerError } from '../client/server.ts'
import { ask, readOn, type Clock, type Hooks, type Notice, type Request, type Run } from './answering.ts'
import * as focus from './focus.ts'
import { hoodOpen } from './preferences.ts'
import { chatRequest, continuation, sessionOf, type Options } from './prompt.ts'
import { samplingBody, systemPrompt } from './sampling.ts'
import { model, server, tell as tellPage } from './server.ts'
import { add, newId, ownSource, path, sourceOf, type Message, type Source, type Tree } from './tree.ts'

/** What answers take of the chat around them. */
export type Around = {
  clock: Clock
  shown: State<{ tree: Tree }>
  /** Messages were added: shows and stores them. */
  changed(tree: Tree, written: readonly Message[]): void
  /** Stores a message as it is. */
  store(tree: Tree, message: Message): void
}

export type Answers = ReturnType<typeof answersOf>

export function answersOf({ clock, shown, changed, store }: Around) {
  /** Goes up with each picture in which a running answer grew. */
  const beat = van.state(0)
  const notices = van.state<ReadonlyMap<string, Notice>>(new Map())
  /** What a screen reader should say. */
  const said = van.state('')
  const runs = new Map<string, { run: Run; tree: Tree }>()
  /** Tokens of answers, where log probabilities were asked for: as long as the page is there. */
  const tokens = new Map<string, focus.Token[]>()

  const isShown = (tree: Tree): boolean => shown.rawVal.tree === tree

  /** Points other views to the last answer that is shown. */
  function point(): void {
    const last = path(shown.rawVal.tree).findLast(({ answer }) => answer)
    focus.session.val = last?.answer?.session
    focus.tokens.val = (last && tokens.get(last.id)) ?? []
  }

  /** The settings as they are. */
  function options(): Options {
    return {
      model: model.val?.id,
      system: systemPrompt.val,
      sampling: samplingBody(),
      isWatched: hoodOpen.val,
    }
  }

  function tell(message: Message, notice: Notice | undefined): void {
    if (notices.rawVal.get(message.id) === notice) return
    const next = new Map(notices.rawVal)
    if (notice) next.set(message.id, notice)
    else next.delete(message.id)
    notices.val = next
  }

  function hooksOf(tree: Tree, message: Message): Hooks {
    return {
      grew(more) {
        if (more.length > 0) tokens.set(message.id, [...(tokens.get(message.id) ?? []), ...more])
        if (!isShown(tree)) return
        beat.val++
        focus.growth.val++
        if (more.length > 0) point()
      },
      save() {
        if (isShown(tree) && focus.session.rawVal !== message.answer!.session) point()
        // A conversation that was deleted meanwhile stays deleted.
        if (runs.get(message.id)?.tree === tree) store(tree, message)
      },
      tell: (notice) => tell(message, notice),
      memory(report) {
        if (isShown(tree)) focus.memory.val = report
      },
      failed(error) {
        // The whole page wants a key then.
        if (error instanceof ServerError && error.status === 401) tellPage(error)
      },
    }
  }

  function follow(tree: Tree, message: Message, start: (hooks: Hooks) => Run): void {
    const run = start(hooksOf(tree, message))
    runs.set(message.id, { run, tree })
    void run.ended.then(() => {
      runs.delete(message.id)
      if (!isShown(tree)) return
      const { state, problem } = message.answer!
      said.val = problem ?? (state === 'stopped' ? 'Stopped.' : 'The answer is there.')
      shown.val = { tree }
      point()
    })
  }

  /** Asks for an answer to a question: one beside others, where there are. */
  function answer(tree: Tree, question: Message): void {
    const asked = options()
    const source = ofThisModel(tree, ofThisServer(tree, sourceOf(tree, question)), asked)
    const message: Message = {
      id: newId(),
      parent: question.id,
      role: 'assistant',
      text: '',
      at: Math.max(Date.now(), question.at + 1),
      answer: { state: 'running', model: asked.model, sampling: asked.sampling, frames: 0 },
    }
    said.val = ''
    tree.conversation.usedAt = Date.now()
    const written = add(tree, message)
    begin(tree, message, source, async (key = message.id) =>
      asNext(chatRequest(tree, question.id, key, asked)),
    )
    changed(tree, written)
  }

  /** The request that the shown question would be asked with, by the settings as they are: the one to copy. */
  function preview(): void {
    const { tree } = shown.val
    const question = path(tree).findLast(({ role }) => role === 'user')
    const asked = options()
    const session = path(tree).findLast(({ answer }) => answer?.session)?.answer?.session
    const source = ofThisModel(tree, session && question ? { session, fork: false } : undefined, asked)
    asNext(chatRequest(tree, question?.id, source?.session ?? tree.conversation.id, asked))
  }

  /** The request that other views show. */
  function asNext(request: Request): Request {
    focus.lastRequest.val = request
    return request
  }

  type Prepare = (key: string | undefined, signal: AbortSignal) => Promise<Request>

  function begin(tree: Tree, message: Message, source: Source | undefined, prepare: Prepare): void {
    const at = server()
    const request = async (signal: AbortSignal, gone: boolean): Promise<Request> =>
      prepare(gone ? undefined : await sessionOf(at, source, clock.wait, signal), signal)
    follow(tree, message, (hooks) => ask(at, clock, message, request, hooks))
  }

  /** Lets an answer go on: one that was left is read on, one that its limit cut is asked for more. */
  function goOn(tree: Tree, message: Message): void {
    const facts = message.answer!
    if (runs.has(message.id)) return
    const own = ofThisServer(tree, ownSource(tree, message))
    if (facts.state !== 'length' && own && !own.fork) {
      readAgain(tree, message)
    } else {
      const now = options()
      const asked = { ...now, model: facts.model ?? now.model }
      facts.before = facts.tokens
      // The frames from here on are those of a turn of its own.
      facts.frames = 0
      delete facts.session
      delete facts.turn
      begin(tree, message, own, (key = newId(), signal) =>
        continuation(server(), tree, message, key, asked, signal),
      )
    }
    shown.val = { tree }
  }

  /** Reads an answer on that the page, or the person, had left. */
  function readAgain(tree: Tree, message: Message): void {
    follow(tree, message, (hooks) => readOn(server(), clock, message, hooks))
  }

  /** Sessions are at one server: a conversation that goes on at another one begins anew there. */
  function ofThisServer(tree: Tree, source: Source | undefined): Source | undefined {
    const { base } = server()
    if ((tree.conversation.base ?? '') === base) return source
    tree.conversation.base = base
    return undefined
  }

  /** A session has one model: another reads the conversation anew. */
  function ofThisModel(tree: Tree, source: Source | undefined, { model }: Options): Source | undefined {
    const made =
      source && [...tree.messages.values()].find(({ answer }) => answer?.session === source.session)
    return model && made?.answer?.model && made.answer.model !== model ? undefined : source
  }

  /** Stops answers; with `forget` what comes of it is not stored. */
  function stop(which: (tree: Tree) => boolean, forget = false): void {
    for (const [id, { run, tree }] of runs) {
      if (!which(tree)) continue
      if (forget) runs.delete(id)
      run.stop()
    }
  }

  return {
    beat,
    notices,
    said,
    answer,
    goOn,
    readAgain,
    stop,
    point,
    preview,
    has: (message: Message): boolean => runs.has(message.id),
    tryNow: (id: string): void => runs.get(id)?.run.tryNow(),
    treeOf: (conversation: string): Tree | undefined =>
      [...runs.values()].find(({ tree }) => tree.conversation.id === conversation)?.tree,
  }
}
