// An export file holds conversations that leave a browser and come back; what is read of it is checked.

import { treeOf, type Conversation, type Message } from './tree.ts'

export type Exchanged = { conversation: Conversation; messages: Message[] }

type Fields = Record<string, unknown>
type Check = (value: unknown) => boolean
/** Names of fields, of which those with a question mark may be missing, and what each must be. */
type Shape = readonly (readonly [names: string, check: Check])[]

const FORMAT = 'islet-conversations'
const VERSION = 1

/** A file that is none of ours; the message says so. */
export class ImportError extends Error {}

/** The file's text, in parts, so that no part holds more than a conversation. */
export async function* exported(
  conversations: readonly Conversation[],
  messagesOf: (id: string) => Promise<Message[]>,
): AsyncGenerator<string> {
  yield `{"format":"${FORMAT}","version":${VERSION},"conversations":[`
  let comma = ''
  for (const conversation of conversations) {
    yield `${comma}\n${JSON.stringify({ ...conversation, messages: await messagesOf(conversation.id) })}`
    comma = ','
  }
  yield '\n]}\n'
}

/** A text of so many characters at most. */
const text =
  (longest: number): Check =>
  (value) =>
    typeof value === 'string' && value.length <= longest
const [long, short] = [text(1_000_000), text(512)]
const count: Check = (value) => typeof value === 'number' && value >= 0 && value < Infinity
const oneOf =
  (words: string): Check =>
  (value) =>
    words.split(' ').includes(value as string)

const CONVERSATION: Shape = [
  ['id title shown? base?', short],
  ['createdAt usedAt', count],
  ['messages', Array.isArray],
]
const MESSAGE: Shape = [
  ['id shown?', short],
  ['parent', (value) => value === null || short(value)],
  ['role', oneOf('user assistant')],
  ['text', long],
  ['at', count],
]
const ANSWER: Shape = [
  ['state', oneOf('running done length stopped failed')],
  ['frames prompt? reused? truncated? tokens? before? perSecond? firstMs?', count],
  ['thoughts?', long],
  ['model? session? turn? problem?', short],
]

/**
 * The conversations of a file's text. Every field is checked and those that nobody defines are dropped; a message whose place
 * does not exist is an error, as is a ring. An answer that was running when it was written counts as stopped. Throws ImportError.
 */
export function imported(text: string): Exchanged[] {
  let file: unknown
  try {
    file = JSON.parse(text)
  } catch {
    throw new ImportError('This file is not JSON.')
  }
  const { conversations } = checked(file, [
    ['format', oneOf(FORMAT)],
    ['version', (value) => value === VERSION],
    ['conversations', Array.isArray],
  ])
  return (conversations as unknown[]).map(conversationOf)
}

function conversationOf(value: unknown): Exchanged {
  const { messages: list, ...conversation } = checked(value, CONVERSATION) as Exchanged['conversation'] & {
    messages: unknown[]
  }
  const messages = list.map(messageOf)
  // Each message hangs below one of the other role, and all below the beginning.
  const { messages: byId, children } = treeOf(conversation, messages)
  const placed: (string | null)[] = [null]
  for (const id of placed) placed.push(...(children.get(id) ?? []))
  must(byId.size === messages.length && placed.length === messages.length + 1)
  for (const { parent, role } of messages) must((byId.get(parent ?? '')?.role ?? 'assistant') !== role)
  return { conversation, messages }
}

function messageOf(value: unknown): Message {
  const message = checked(value, MESSAGE) as Message
  if (message.role === 'user') return message
  const { answer: from } = value as { answer?: Fields }
  const answer = checked(from, ANSWER) as Message['answer'] & object
  if (answer.state === 'running') answer.state = 'stopped'
  // Sampling is shown, never sent again: plain values.
  const plain = Object.entries(from?.['sampling'] ?? {}).filter(([, of]) => count(of) || short(of))
  return { ...message, answer: { ...answer, sampling: Object.fromEntries(plain) } }
}

/** The fields that are defined, each as it must be. */
function checked(value: unknown, shape: Shape): Fields {
  must(value instanceof Object)
  const made: Fields = {}
  for (const [names, check] of shape)
    for (const written of names.split(' ')) {
      const name = written.replace('?', '')
      const field = (value as Fields)[name]
      if (field === undefined && name !== written) continue
      must(check(field))
      made[name] = field
    }
  return made
}

function must(holds: boolean): void {
  if (!holds) throw new ImportError('This file is damaged, or none of this page.')
}
