// The command `islet chat` holds a conversation in the terminal. Answers go to standard output, the prompt
// sign and the model's thoughts to standard error.

import { createInterface } from 'node:readline'
import { DEFAULT_SAMPLING, type ChatMessage, type SamplingOptions } from '../src/protocol/generation.ts'
import { IsletError } from '../src/lib/errors.ts'
import { openLocal, type Local } from './lib/local.ts'
import { number, windowOption, wholeNumber } from './lib/options.ts'
import { printOut, readArguments, type Print } from './lib/text-command.ts'
import { checkedChat, tokenizerOf } from './lib/tokenizer-of.ts'

const usage = `chat MODEL [--system T] [--temperature X] [--seed N] [--max-tokens N] [--window W] [--sinks S]

One line is one turn; an empty line or the end of input ends the chat. Defaults: temperature 0.7, 512 tokens an answer,
a window of 1024 with 4 sinks, so that a chat may go on for ever; --window 256,1024 has one for each of so many equal runs
of layers, from the first layer up.`

const options = {
  system: { type: 'string' },
  temperature: { type: 'string' },
  seed: { type: 'string' },
  'max-tokens': { type: 'string' },
  window: { type: 'string' },
  sinks: { type: 'string' },
} as const

export const command = { name: 'chat', summary: 'talk to a model in the terminal', usage, run }

async function run(
  argv: string[],
  print: Print = printOut,
  lines: AsyncIterable<string> = terminal(),
): Promise<void> {
  const { model, values } = readArguments(argv, options, usage)
  const temperature =
    values.temperature === undefined ? 0.7 : number(values.temperature, '--temperature', 0, 2)
  const seed = values.seed === undefined ? 0 : wholeNumber(values.seed, '--seed', 0) >>> 0
  const maxTokens =
    values['max-tokens'] === undefined ? 512 : wholeNumber(values['max-tokens'], '--max-tokens', 1)
  checkedChat(await tokenizerOf(model))
  const local = await openLocal(model, windowOption(values.window ?? '1024', values.sinks))
  const messages: ChatMessage[] =
    values.system === undefined ? [] : [{ role: 'system', content: values.system }]
  process.stderr.write('> ')
  for await (const line of lines) {
    if (line.trim() === '') break
    messages.push({ role: 'user', content: line })
    const sampling = { ...DEFAULT_SAMPLING, temperature, seed: (seed + messages.length) >>> 0 }
    messages.push({
      role: 'assistant',
      content: await answer(local, { messages, maxTokens, sampling }, print),
    })
    print('\n')
    process.stderr.write('> ')
  }
}

async function answer(
  local: Local,
  { messages, ...request }: { messages: ChatMessage[]; maxTokens: number; sampling: SamplingOptions },
  print: Print,
): Promise<string> {
  let text = ''
  for await (const event of local.generate({ ...request, prompt: { kind: 'chat', messages } })) {
    if (event.type === 'error') throw new IsletError('engine_failure', event.message)
    if (event.type !== 'text') continue
    if (event.reasoning !== undefined) process.stderr.write(event.reasoning)
    text += event.text
    print(event.text)
  }
  return text
}

async function* terminal(): AsyncGenerator<string> {
  yield* createInterface({ input: process.stdin })
}
