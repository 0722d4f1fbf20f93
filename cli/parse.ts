// The command `islet parse` reads content, thoughts and tool calls out of a model's answer. It says what the
// chat endpoint would say.

import { chatglm3Messages } from '../src/chat/answers/chatglm3.ts'
import { HERMES_MARKS } from '../src/chat/answers/hermes.ts'
import { parseWhole } from '../src/chat/answers/parser.ts'
import { answerParser } from '../src/chat/answers/rules.ts'
import { IsletError } from '../src/lib/errors.ts'
import { chatNamed } from '../src/packing/chat-format.ts'
import { BUILTIN_FORMATS, type ChatFormat } from '../src/weights/manifest.ts'
import { printOut, readFileArguments, readText, type Print } from './lib/text-command.ts'
import { checkedChat, tokenizerOf } from './lib/tokenizer-of.ts'

const usage = `parse MODEL FILE [--tools] [--chat FORMAT | --template F.jinja]

Reads FILE (- for standard input), the text that a model wrote, and prints one JSON object: role, content, reasoning_content
and tool_calls of the chat endpoint's message, and finish_reason. For ChatGLM3 also its messages as its own history has them.
  --tools      functions were offered in the prompt; without it nothing is a call
  --chat       the chat format, where the files do not tell: ${BUILTIN_FORMATS.join(', ')}
  --template   a Jinja template instead of the model's format`

export const command = { name: 'parse', summary: 'read content and tool calls out of an answer', usage, run }

async function run(argv: string[], print: Print = printOut): Promise<void> {
  const options = {
    tools: { type: 'boolean' },
    chat: { type: 'string' },
    template: { type: 'string' },
  } as const
  const { model, file, values } = readFileArguments(argv, options, usage)
  const text = await readText(file, 'FILE')
  const chat = await formatOf(model, values)
  if (chat.kind === 'none')
    throw new IsletError('invalid_request', `${model} has no chat format: give --chat`)
  const thinking = text.includes(HERMES_MARKS.thinkEnd) && !text.includes(HERMES_MARKS.think)
  const answer = parseWhole(answerParser(chat, { tools: values.tools === true, thinking }), text)
  const calls = answer.calls.map((call) => ({ type: 'function', function: call }))
  const message = {
    role: 'assistant',
    content: answer.content === '' && calls.length > 0 ? null : answer.content,
    ...(answer.reasoning !== '' && { reasoning_content: answer.reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
    finish_reason: calls.length > 0 ? 'tool_calls' : 'stop',
    ...(chat.kind === 'builtin' && chat.format === 'chatglm3' && { messages: chatglm3Messages(text) }),
  }
  print(`${JSON.stringify(message)}\n`)
}

async function formatOf(model: string, values: { chat?: string; template?: string }): Promise<ChatFormat> {
  if (values.template !== undefined)
    return { kind: 'jinja', template: await readText(values.template, '--template') }
  const found = await tokenizerOf(model)
  return values.chat === undefined ? checkedChat(found) : chatNamed(values.chat, found.chat)
}
