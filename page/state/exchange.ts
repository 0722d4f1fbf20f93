// An export file holds conversations that leave a browser and come back; what is read of it is checked.

import { type Conversation, type Message } from './tree.ts'

export type Exchanged = { conversation: Conversation; messages: Message[] }

type Fields = Record<string, unknown>
type Check = (value: unknown) => boolean

const FORMAT = 'islet-conversations'
const VERSION = 1

/** A file that is none of ours; the message says what is wrong with it. */
export class ImportError extends Error {}

/** The file's text, in parts, so that no part holds more than a conversation. */
export async function* exported(conversations: AsyncIterable<Exchanged>): AsyncGenerator<string> {
  yield `{"format":"${FORMAT}","version":${VERSION},"conversations":[`
  let comma = ''
  for await (const { conversation, messages } of conversations) {
    yield `${comma}\n${JSON.stringify({ ...conversation, messages })}`
    comma = ','
  }
  yield '\n]}\n'
}

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
  const { format, version, conversations } = isObject(file) ? file : {}
  if (format !== FORMAT || version !== VERSION || !Array.isArray(conversations))
    throw new ImportError('This file holds no conversations of this page, or of another version of it.')
  return conversations.map((value, at) => conversationOf(value, `conversation ${at + 1}`))
}

/** A text of so many characters at most. */
const text =
  (longest: number): Check =>
  (value) =>
    typeof value === 'string' && value.length <= longest
const [long, short] = [text(1_000_000), text(512)]
const count: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0
const oneOf =
  (...allowed: unknown[]): Check =>
  (value) =>
    allowed.includes(value)

/** A question mark stands behind fields that may be missing. */
const CONVERSATION: Record<string, Check> = {
  id: short,
  title: short,
  createdAt: count,
  usedAt: count,
  'shown?': short,
  'base?': short,
}
const MESSAGE: Record<string, Check> = {
  id: short,
  parent: (value) => value === null || short(value),
  role: oneOf('user', 'assistant'),
  text: long,
  at: count,
  'shown?': short,
}
const ANSWER: Record<string, Check> = {
  state: oneOf('running', 'done', 'length', 'stopped', 'failed'),
  frames: count,
  'thoughts?': long,
  ...Object.fromEntries(['model?', 'session?', 'turn?', 'problem?'].map((name) => [name, short])),
  ...Object.fromEntries(
    ['prompt?', 'reused?', 'truncated?', 'tokens?', 'before?', 'perSecond?', 'firstMs?'].map((name) => [
      name,
      count,
    ]),
  ),
}

function conversationOf(value: unknown, where: string): Exchanged {
  const conversation = checked(value, CONVERSATION, where)
  const { messages: list } = value as Fields
  if (!Array.isArray(list)) throw damaged(where, 'messages')
  const messages = list.map((each, at) => messageOf(each, `message ${at + 1} of ${where}`))
  checkPlaces(messages, where)
  return { conversation: conversation as Conversation, messages }
}

function messageOf(value: unknown, where: string): Message {
  const message = checked(value, MESSAGE, where) as Message
  if (message.role === 'user') return message
  const { answer: from } = value as { answer?: Fields }
  const answer = checked(from, ANSWER, where)
  if (answer['state'] === 'running') answer['state'] = 'stopped'
  return {
    ...message,
    answer: { ...answer, sampling: plainOf(from?.['sampling']) } as Message['answer'] & object,
  }
}

/** Each message hangs below one of the other role, and following parents ends. */
function checkPlaces(messages: readonly Message[], where: string): void {
  const known = new Map(messages.map((message) => [message.id, message]))
  if (known.size < messages.length) throw damaged(where, 'id')
  const sound = new Set<string>()
  for (const message of messages) {
    const way = new Set<string>()
    for (let at: Message | undefined = message; at && !sound.has(at.id);) {
      const parent: Message | undefined = known.get(at.parent ?? '')
      const isPlaced = at.parent === null || parent
      if (way.has(at.id) || !isPlaced || (parent?.role ?? 'assistant') === at.role)
        throw damaged(where, 'parent')
      way.add(at.id)
      at = parent
    }
    for (const id of way) sound.add(id)
  }
}

/** Sampling is shown, never sent again: plain values under short names. */
function plainOf(value: unknown): Fields {
  const plain = Object.entries(isObject(value) ? value : {}).filter(
    ([name, of]) => name !== '__proto__' && (count(of) || short(of)),
  )
  return Object.fromEntries(plain.slice(0, 32))
}

/** The fields that are defined, each as it must be. */
function checked(value: unknown, fields: Record<string, Check>, where: string): Fields {
  if (!isObject(value)) throw new ImportError(`This file is damaged: ${where} is missing.`)
  const made: Fields = {}
  for (const [field, check] of Object.entries(fields)) {
    const name = field.replace('?', '')
    if (value[name] === undefined && name !== field) continue
    if (!check(value[name])) throw damaged(where, name)
    made[name] = value[name]
  }
  return made
}

function damaged(where: string, name: string): ImportError {
  return new ImportError(`This file is damaged: "${name}" of ${where} is not as it must be.`)
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
