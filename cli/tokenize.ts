// The command `islet tokenize` turns text into ids.

import { IsletError } from '../src/lib/errors.ts'
import { printOut, readArguments, readText } from './lib/text-command.ts'
import type { Print } from './lib/text-command.ts'
import { tokenizerOf } from './lib/tokenizer-of.ts'

const usage = 'tokenize MODEL (--text T | --text-file F) [--special]'

export const command = {
  name: 'tokenize',
  summary: 'print the ids of a text as a JSON array',
  usage,
  run,
}

/** Special tokens in the text are plain text unless --special; BOS is not added. */
async function run(argv: string[], print: Print = printOut): Promise<void> {
  const options = {
    text: { type: 'string' },
    'text-file': { type: 'string' },
    special: { type: 'boolean' },
  } as const
  const { model, values } = readArguments(argv, options, usage)
  const file = values['text-file']
  if ((values.text === undefined) === (file === undefined)) {
    throw new IsletError('invalid_request', `give either --text or --text-file\nusage: ${usage}`, {
      param: '--text',
    })
  }
  const text = values.text ?? (await readText(file ?? '', '--text-file'))
  const { tokenizer } = await tokenizerOf(model)
  print(`${JSON.stringify(tokenizer.encode(text, { special: values.special === true && 'original' }))}\n`)
}
