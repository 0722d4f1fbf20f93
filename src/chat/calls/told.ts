// Functions are told in plain words where a chat format knows none; calls and results become text.

import { fieldOf, jsonText, withField } from '../../lib/json-value.ts'
import { contentText } from '../../protocol/generation.ts'
import type { Tokenizer } from '../../tokenizer/tokenizer.ts'
import type { ChatFormat } from '../../weights/manifest.ts'
import { readsToolCalls } from '../answers/rules.ts'
import { callsOf, functionsOf, type TextMessage } from '../conversation.ts'
import type { SentMessage } from '../message-forms.ts'
import { promptText } from '../prompt-ids.ts'
import { CALL, CALL_END } from '../../grammar/call-form.ts'

type Offered = { tools?: readonly unknown[] }

/** The messages and options of a prompt in which the format can say all of it. */
export function toldOf<O extends Offered>(
  tokenizer: Tokenizer,
  chat: ChatFormat,
  messages: readonly SentMessage[],
  options: O,
): { messages: readonly SentMessage[]; options: O } {
  const { tools = [] } = options
  if (chat.kind === 'none' || readsToolCalls(chat)) return { messages, options }
  // A template that has words of its own for earlier calls is left to them where none are offered.
  const saysCalls = chat.kind === 'jinja' && chat.template.includes('tool_calls')
  if (tools.length === 0 && (saysCalls || !messages.some(hasCalls))) return { messages, options }
  const plain = plainMessages(messages)
  if (tools.length === 0) return { messages: plain, options }
  const words = instruction(tools)
  const told = takesSystem(tokenizer, chat) ? withSystem(plain, words) : withQuestion(plain, words)
  return { messages: told, options: { ...options, tools: [] } }
}

function instruction(tools: readonly unknown[]): string {
  return [
    'You can call these functions:',
    ...functionsOf(tools).map(jsonText),
    'To call one, write its name and its arguments, a JSON object, and nothing else:',
    `${CALL}\n{"name": "...", "arguments": {...}}\n${CALL_END}`,
    'The result comes back as <tool_response>.',
  ].join('\n')
}

function roleOf(message: SentMessage): unknown {
  return fieldOf(message, 'role')
}

function isResult(message: SentMessage): boolean {
  return roleOf(message) === 'tool' || roleOf(message) === 'function'
}

function hasCalls(message: SentMessage): boolean {
  const calls = fieldOf(message, 'tool_calls')
  return Array.isArray(calls) && calls.length > 0
}

/** Calls as the text that an answer wrote, results as what the user says: of these several in a row are one message. */
function plainMessages(messages: readonly SentMessage[]): SentMessage[] {
  const plain: SentMessage[] = []
  let results: string[] = []
  const flush = (): void => {
    if (results.length > 0) plain.push({ role: 'user', content: results.join('\n') })
    results = []
  }
  for (const message of messages) {
    const text = contentText(fieldOf(message, 'content'))
    if (isResult(message)) {
      results.push(`<tool_response>\n${text}\n</tool_response>`)
    } else if (roleOf(message) === 'user' && results.length > 0) {
      results.push(text)
      flush()
    } else {
      flush()
      plain.push(hasCalls(message) ? { role: 'assistant', content: calledText(message, text) } : message)
    }
  }
  flush()
  return plain
}

/** Arguments that are text stay what they are: so the next prompt has the ids that the model wrote. */
function calledText(message: SentMessage, said: string): string {
  const blocks = callsOf(textMessage(message)).map(({ name, arguments: given }) => {
    const written = typeof given === 'string' ? given : jsonText(given)
    return `${CALL}\n{"name": ${JSON.stringify(name)}, "arguments": ${written}}\n${CALL_END}`
  })
  return [...(said === '' ? [] : [said]), ...blocks].join('\n')
}

function textMessage(message: SentMessage): TextMessage {
  const calls = fieldOf(message, 'tool_calls')
  return { role: 'assistant', content: '', ...(Array.isArray(calls) && { tool_calls: calls }) }
}

function withSystem(messages: readonly SentMessage[], words: string): SentMessage[] {
  const [first, ...rest] = messages
  if (first === undefined || roleOf(first) !== 'system')
    return [{ role: 'system', content: words }, ...messages]
  const content = `${contentText(fieldOf(first, 'content'))}\n\n${words}`
  return [withField(first, 'content', content) as SentMessage, ...rest]
}

function withQuestion(messages: readonly SentMessage[], words: string): SentMessage[] {
  const at = messages.findIndex((message) => roleOf(message) === 'user')
  return messages.map((message, i) => {
    if (i !== at) return message
    const content = `${words}\n\n${contentText(fieldOf(message, 'content'))}`
    return withField(message, 'content', content) as SentMessage
  })
}

const PROBE = 'islet probe of a system text'

const known = new WeakMap<ChatFormat, boolean>()

/** Whether the format prints a system message: one is rendered, once in an isolate. */
function takesSystem(tokenizer: Tokenizer, chat: ChatFormat): boolean {
  let takes = known.get(chat)
  if (takes === undefined) known.set(chat, (takes = probe(tokenizer, chat)))
  return takes
}

function probe(tokenizer: Tokenizer, chat: ChatFormat): boolean {
  const messages = [
    { role: 'system', content: PROBE },
    { role: 'user', content: 'a' },
  ]
  try {
    return promptText(tokenizer, chat, messages).includes(PROBE)
  } catch {
    return false
  }
}
