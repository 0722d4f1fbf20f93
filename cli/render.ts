// The command `islet render` turns messages into the chat endpoint's prompt, as text or ids.

import { toldOf } from '../src/chat/calls/told.ts'
import { promptIds, promptText } from '../src/chat/prompt-ids.ts'
import type { PromptOptions } from '../src/chat/prompt-ids.ts'
import { IsletError } from '../src/lib/errors.ts'
import { isJsonObject, type JsonObject } from '../src/lib/json-value.ts'
import { chatNamed } from '../src/packing/chat-format.ts'
import { BUILTIN_FORMATS, type ChatFormat } from '../src/weights/manifest.ts'
import { joined, readConversation } from './lib/conversation.ts'
import { wholeNumber } from './lib/options.ts'
import { printOut, printText, readArguments, readJson, readText } from './lib/text-command.ts'
import type { Print } from './lib/text-command.ts'
import { checkedChat, tokenizerOf, type TextModel } from './lib/tokenizer-of.ts'

const usage = `render MODEL --messages F.json [--tools F.json] [--ids] [--chat FORMAT | --template F.jinja] [--no-generation-prompt]
              [--variables F.json] [--max-length N] [--max-new-tokens N] [--trusted]

Prints the prompt that the chat endpoint would use. F.json is an array of messages, or a request with messages in it, and
tools, add_generation_prompt and chat_template_kwargs if it has them.
  --ids          token ids as a JSON array instead of text
  --chat         the chat format, where the files do not tell: ${BUILTIN_FORMATS.join(', ')}
  --template     a Jinja template instead of the model's format
  --variables    further variables of the template, as an object: {"enable_thinking": false}
  --no-generation-prompt   leave out the beginning of the assistant's turn
  --max-length, --max-new-tokens   shorten the conversation as the format's original does, to N positions of which that
                 many are kept for the answer (default of either: as the model's files say); only with --ids. Baichuan drops
                 whole rounds from the front and then cuts; Qwen-1 drops rounds and counts --max-length alone.
  --trusted      special tokens written in messages become tokens, as in the authors' scripts; templates only`

export const command = {
  name: 'render',
  summary: 'print the prompt that the chat endpoint would use',
  usage,
  run,
}

const flags = {
  messages: { type: 'string' },
  tools: { type: 'string' },
  template: { type: 'string' },
  chat: { type: 'string' },
  variables: { type: 'string' },
  'max-length': { type: 'string' },
  'max-new-tokens': { type: 'string' },
  'no-generation-prompt': { type: 'boolean' },
  trusted: { type: 'boolean' },
  ids: { type: 'boolean' },
} as const

type Values = ReturnType<typeof readArguments<typeof flags>>['values']

async function run(argv: string[], print: Print = printOut): Promise<void> {
  const { model, values } = readArguments(argv, flags, usage)
  if (values.messages === undefined) {
    throw new IsletError('invalid_request', `give --messages\nusage: ${usage}`, { param: '--messages' })
  }
  const given = await readJson(values.messages, '--messages')
  const tools = values.tools === undefined ? undefined : await readJson(values.tools, '--tools')
  const conversation = readConversation(given, tools)
  const found = await tokenizerOf(model)
  const { tokenizer } = found
  const format = await formatOf(values, found)
  const settings: PromptOptions = {
    tools: conversation.tools,
    addGenerationPrompt: values['no-generation-prompt'] !== true && conversation.opening,
    variables: joined(conversation.variables, await variablesOf(values.variables)),
    fit: fitOf(values),
    trusted: values.trusted,
  }
  const { messages, options } = toldOf(tokenizer, format, conversation.messages, settings)
  if (values.ids === true) print(`${JSON.stringify(promptIds(tokenizer, format, messages, options))}\n`)
  else printText(promptText(tokenizer, format, messages, options), print)
}

async function formatOf(values: Values, found: TextModel): Promise<ChatFormat> {
  if (values.chat !== undefined) return chatNamed(values.chat, found.chat)
  return values.template === undefined
    ? checkedChat(found)
    : { kind: 'jinja', template: await readText(values.template, '--template') }
}

async function variablesOf(path: string | undefined): Promise<JsonObject> {
  if (path === undefined) return {}
  const value = await readJson(path, '--variables')
  if (isJsonObject(value)) return value
  throw new IsletError('invalid_request', 'the variables must be a JSON object', { param: '--variables' })
}

function fitOf(values: Values): PromptOptions['fit'] {
  const number = (name: 'max-length' | 'max-new-tokens'): number | undefined =>
    values[name] === undefined ? undefined : wholeNumber(values[name], `--${name}`, 1)
  const fit = { maxLength: number('max-length'), maxNewTokens: number('max-new-tokens') }
  return fit.maxLength === undefined && fit.maxNewTokens === undefined ? undefined : fit
}
