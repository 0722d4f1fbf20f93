// `islet render`: messages to the prompt that the chat endpoint would use, as text or ids.

import * as z from 'zod/mini'
import { messagesSchema, toChatMessages } from '../src/api/messages.ts'
import { validate } from '../src/api/validate.ts'
import { promptIds, promptText } from '../src/chat/prompt.ts'
import type { ChatMessage } from '../src/engine/events.ts'
import { IsletError } from '../src/lib/errors.ts'
import type { ChatFormat } from '../src/weights/manifest.ts'
import { printOut, printText, readArguments, readJson, readText } from './lib/text-command.ts'
import type { Print } from './lib/text-command.ts'
import { tokenizerOf } from './lib/tokenizer-of.ts'

const usage = 'render MODEL --messages F.json [--tools F.json] [--template F.jinja] [--ids]'

export const command = {
  name: 'render',
  summary: 'print the prompt that the chat endpoint would use',
  usage,
  run,
}

/** The file holds an array of messages, or a request with `messages` (and `tools`) in it. */
async function run(argv: string[], print: Print = printOut): Promise<void> {
  const options = {
    messages: { type: 'string' },
    tools: { type: 'string' },
    template: { type: 'string' },
    ids: { type: 'boolean' },
  } as const
  const { model, values } = readArguments(argv, options, usage)
  if (values.messages === undefined) {
    throw new IsletError('invalid_request', `give --messages\nusage: ${usage}`, { param: '--messages' })
  }
  const file = await readJson(values.messages, '--messages')
  const request = Array.isArray(file)
    ? { messages: file }
    : (file as { messages?: unknown; tools?: unknown } | null)
  const messages = readMessages(request?.messages)
  const tools = readTools(
    values.tools === undefined ? request?.tools : await readJson(values.tools, '--tools'),
  )
  const { tokenizer, chat } = await tokenizerOf(model)
  const format: ChatFormat =
    values.template === undefined
      ? chat
      : { kind: 'jinja', template: await readText(values.template, '--template') }
  if (values.ids === true) print(`${JSON.stringify(promptIds(tokenizer, format, messages, { tools }))}\n`)
  else printText(promptText(tokenizer, format, messages, { tools }), print)
}

/** As the endpoint reads them, but for tool calls: here also as templates want them, with arguments as an object. */
function readMessages(value: unknown): ChatMessage[] {
  const given = Array.isArray(value) ? (value as unknown[]) : undefined
  const bare = given?.map((message) => (isObject(message) ? { ...message, tool_calls: undefined } : message))
  const { messages } = validate(z.object({ messages: messagesSchema }), { messages: bare ?? value })
  return toChatMessages(messages).map((message, index) => {
    const source = given?.[index]
    const calls = isObject(source) ? source.tool_calls : undefined
    return message.role === 'assistant' && Array.isArray(calls) ? { ...message, tool_calls: calls } : message
  })
}

function readTools(value: unknown): unknown[] | undefined {
  if (value === undefined || value === null) return undefined
  if (Array.isArray(value)) return value
  throw new IsletError('invalid_request', 'the tools must be a JSON array', { param: '--tools' })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
