// An export file holds conversations that leave a browser and come back; what is read of it is checked.

import { type Answer, type AnswerState, type Conversation, type Message, type Role } from './tree.ts'

export type Exchanged = { conversation: Conversation; messages: Message[] }

const FORMAT = 'islet-conversations'
const VERSION = 1

/** Characters of a text, and of anything that only names something. */
const [LONGEST_TEXT, LONGEST_NAME] = [1_000_000, 512]

/** A file that is none of ours; the message says what is wrong with it. */
export class ImportError extends Error {
  override name = 'ImportError'
}

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
  const { format, version, conversations } = object(file, 'the file')
  if (format !== FORMAT) throw new ImportError('This file holds no conversations of this page.')
  if (version !== VERSION) throw new ImportError('This file is of another version of the page.')
  if (!Array.isArray(conversations)) throw new ImportError('"conversations" is not a list.')
  return conversations.map((value, at) => conversationOf(value, `conversation ${at + 1}`))
}

function conversationOf(value: unknown, where: string): Exchanged {
  const from = object(value, where)
  if (!Array.isArray(from['messages'])) throw new ImportError(`The messages of ${where} are not a list.`)
  const messages = from['messages'].map((message, at) => messageOf(message, `message ${at + 1} of ${where}`))
  const known = new Map(messages.map((message) => [message.id, message]))
  if (known.size < messages.length) throw new ImportError(`Two messages of ${where} have the same id.`)
  checkPlaces(known, where)
  const shown = optional(from['shown'], name)
  const base = optional(from['base'], name)
  const conversation: Conversation = {
    id: name(from['id'], `the id of ${where}`),
    title: name(from['title'], `the title of ${where}`),
    createdAt: count(from['createdAt'], `the date of ${where}`),
    usedAt: count(from['usedAt'], `the date of ${where}`),
    ...(shown !== undefined && { shown }),
    ...(base !== undefined && { base }),
  }
  return { conversation, messages }
}

/** Each message hangs below another role, and following parents ends. */
function checkPlaces(known: ReadonlyMap<string, Message>, where: string): void {
  const sound = new Set<string>()
  for (const message of known.values()) {
    const way = new Set<string>()
    for (let at = message; !sound.has(at.id);) {
      if (way.has(at.id)) throw new ImportError(`Messages of ${where} follow each other in a ring.`)
      way.add(at.id)
      const parent = at.parent === null ? undefined : known.get(at.parent)
      if (at.parent !== null && !parent)
        throw new ImportError(`A message of ${where} follows one that is not there.`)
      if ((parent?.role ?? 'assistant') === at.role)
        throw new ImportError(`Questions and answers of ${where} do not take turns.`)
      if (!parent) break
      at = parent
    }
    for (const id of way) sound.add(id)
  }
}

function messageOf(value: unknown, where: string): Message {
  const from = object(value, where)
  const role = oneOf<Role>(from['role'], ['user', 'assistant'], `the role of ${where}`)
  const shown = optional(from['shown'], name)
  return {
    id: name(from['id'], `the id of ${where}`),
    parent: from['parent'] === null ? null : name(from['parent'], `the place of ${where}`),
    role,
    text: string(from['text'], LONGEST_TEXT, `the text of ${where}`),
    at: count(from['at'], `the date of ${where}`),
    ...(shown !== undefined && { shown }),
    ...(role === 'assistant' && { answer: answerOf(from['answer'], `the answer of ${where}`) }),
  }
}

const STATES: readonly AnswerState[] = ['running', 'done', 'length', 'stopped', 'failed']
const NAMES = ['model', 'session', 'turn', 'problem'] as const
const COUNTS = ['prompt', 'reused', 'truncated', 'tokens', 'before', 'perSecond', 'firstMs'] as const

function answerOf(value: unknown, where: string): Answer {
  const from = object(value, where)
  const state = oneOf(from['state'], STATES, `the state of ${where}`)
  const answer: Answer = {
    state: state === 'running' ? 'stopped' : state,
    sampling: samplingOf(from['sampling'], where),
    frames: count(from['frames'], `the frames of ${where}`),
  }
  for (const field of NAMES)
    if (from[field] !== undefined) answer[field] = name(from[field], `"${field}" of ${where}`)
  for (const field of COUNTS)
    if (from[field] !== undefined) answer[field] = count(from[field], `"${field}" of ${where}`)
  if (from['thoughts'] !== undefined) answer.thoughts = string(from['thoughts'], LONGEST_TEXT, where)
  return answer
}

/** Sampling is shown, never sent again: plain values under short names. */
function samplingOf(value: unknown, where: string): Record<string, unknown> {
  const fields = Object.entries(object(value ?? {}, where))
  const plain = fields.filter(
    ([field, of]) =>
      field !== '__proto__' &&
      (typeof of === 'number' || (typeof of === 'string' && of.length <= LONGEST_NAME)),
  )
  return Object.fromEntries(plain.slice(0, 32))
}

function object(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new ImportError(`Something is missing: ${where} is no object.`)
}

function string(value: unknown, longest: number, where: string): string {
  if (typeof value !== 'string') throw new ImportError(`Something is missing: ${where} is no text.`)
  if (value.length > longest) throw new ImportError(`Too long: ${where} has more than ${longest} characters.`)
  return value
}

function name(value: unknown, where: string): string {
  return string(value, LONGEST_NAME, where)
}

function count(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
  throw new ImportError(`Something is missing: ${where} is no number.`)
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[], where: string): T {
  const found = allowed.find((each) => each === value)
  if (found === undefined) throw new ImportError(`Something is missing: ${where} is not known.`)
  return found
}

function optional<T>(value: unknown, read: (value: unknown, where: string) => T): T | undefined {
  return value === undefined ? undefined : read(value, 'a field')
}
