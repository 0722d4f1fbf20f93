// A tree holds a conversation's messages: an edit or another answer is a branch, and one of them is shown.

export type Role = 'user' | 'assistant'

/** `stopped` by the person, cut by its limit of tokens (`length`), or given up (`failed`); such answers can go on. */
export type AnswerState = 'running' | 'done' | 'length' | 'stopped' | 'failed'

/** How an answer came to be. Numbers that nobody measured are missing. */
export type Answer = {
  state: AnswerState
  /** The model that wrote it. */
  model?: string
  /** The sampling fields of the request that asked for it. */
  sampling: Record<string, unknown>
  /** The session it belongs to, and the turn in it. */
  session?: string
  turn?: string
  /** `data:` frames of the stream that `text` is made of: where to read on. */
  frames: number
  thoughts?: string
  /** Tokens of the prompt, and those of them that the session had already. */
  prompt?: number
  reused?: number
  /** Tokens of the prompt that did not fit and were left out. */
  truncated?: number
  /** Tokens of the answer, and those it had before it went on. */
  tokens?: number
  before?: number
  perSecond?: number
  /** Milliseconds from the request to the first text. */
  firstMs?: number
  /** Why it failed, in words. */
  problem?: string
}

export type Message = {
  id: string
  /** The message it follows; null opens the conversation. */
  parent: string | null
  role: Role
  text: string
  /** Milliseconds since 1970. */
  at: number
  /** The child that is shown, where there are several. */
  shown?: string
  /** Of an assistant's message. */
  answer?: Answer
}

export type Conversation = {
  id: string
  title: string
  createdAt: number
  usedAt: number
  /** The opening message that is shown. */
  shown?: string
  /** The server's address that its sessions are at; empty: the page's own. */
  base?: string
}

export type Tree = {
  conversation: Conversation
  messages: Map<string, Message>
  /** Ids in the order in which they were made; null has those that open the conversation. */
  children: Map<string | null, string[]>
}

/** What an answer goes on with: the session itself, or a fork of it, since its last turn belongs to another branch. */
export type Source = { session: string; fork: boolean }

/** An id that is made once: 64 random bits. */
export function newId(): string {
  return crypto.getRandomValues(new BigUint64Array(1))[0].toString(16)
}

/** The tree of stored messages, in whatever order they come. */
export function treeOf(conversation: Conversation, messages: Iterable<Message> = []): Tree {
  const tree: Tree = { conversation, messages: new Map(), children: new Map() }
  for (const message of [...messages].sort((a, b) => a.at - b.at)) place(tree, message)
  return tree
}

/** Adds a message and shows it; the messages that this changed, for storing. */
export function add(tree: Tree, message: Message): Message[] {
  place(tree, message)
  return [...show(tree, message.id), message]
}

function place(tree: Tree, message: Message): void {
  tree.messages.set(message.id, message)
  const children = tree.children.get(message.parent)
  if (children) children.push(message.id)
  else tree.children.set(message.parent, [message.id])
}

/** Makes a message the one of its siblings that is shown; the messages that this changed. */
export function show(tree: Tree, id: string): Message[] {
  const above = tree.messages.get(tree.messages.get(id)!.parent!)
  ;(above ?? tree.conversation).shown = id
  return above ? [above] : []
}

/** The messages that are shown, from the first to the last. */
export function path(tree: Tree): Message[] {
  const shown: Message[] = []
  for (let next = shownBelow(tree); next; next = shownBelow(tree, next)) shown.push(next)
  return shown
}

/** The messages up to this one, itself included. */
export function pathTo(tree: Tree, id: string | null): Message[] {
  const above: Message[] = []
  for (let next = tree.messages.get(id!); next; next = tree.messages.get(next.parent!)) above.push(next)
  return above.reverse()
}

function shownBelow(tree: Tree, parent?: Message): Message | undefined {
  const { shown } = parent ?? tree.conversation
  const children = below(tree, parent?.id ?? null)
  return tree.messages.get(children.includes(shown!) ? shown! : children.at(-1)!)
}

function below(tree: Tree, parent: string | null): readonly string[] {
  return tree.children.get(parent) ?? []
}

/** The message and those that stand in the same place, in the order in which they were made. */
export function siblings(tree: Tree, message: Message): readonly string[] {
  return below(tree, message.parent)
}

/**
 * What the answer to a message goes on with: the session of the nearest answer above. Where that session has gone on elsewhere, or
 * another branch of the same place has one, it is a fork. Undefined where nothing was computed yet.
 */
export function sourceOf(tree: Tree, question: Message): Source | undefined {
  const above = pathTo(tree, question.id).findLast(({ answer }) => answer?.session)
  if (above) return ownSource(tree, above)
  const session = firstAnswer(tree, question.id) ?? firstAnswer(tree, null)
  return session ? { session, fork: true } : undefined
}

/** What an answer goes on with that is to become longer. */
export function ownSource(tree: Tree, message: Message): Source | undefined {
  const session = message.answer?.session
  if (!session) return undefined
  const made = [...tree.messages.values()].filter(({ answer }) => answer?.session === session)
  return { session, fork: made.some(({ at }) => at > message.at) }
}

/** The session of the first answer at or below a place. */
function firstAnswer(tree: Tree, parent: string | null): string | undefined {
  const waiting = [...below(tree, parent)]
  for (const id of waiting) {
    const session = tree.messages.get(id)?.answer?.session
    if (session) return session
    waiting.push(...below(tree, id))
  }
  return undefined
}

/** What a conversation is called until somebody names it: the first line of its first message, 60 characters at most. */
export function titleOf(text: string): string {
  const line = text.trim().split('\n')[0].trim()
  return line.length > 60 ? `${line.slice(0, 59)}…` : line || 'New chat'
}
