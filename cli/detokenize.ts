// The command `islet detokenize` turns ids into text.

import { IsletError } from '../src/lib/errors.ts'
import { printOut, printText, readArguments } from './lib/text-command.ts'
import type { Print } from './lib/text-command.ts'
import { tokenizerOf } from './lib/tokenizer-of.ts'

const usage = 'detokenize MODEL --ids 1,2,3'

export const command = {
  name: 'detokenize',
  summary: 'print the text of ids',
  usage,
  run,
}

/**
 * As the family's own tokenizer: special tokens print their names (byte-level) or nothing (SentencePiece).
 */
async function run(argv: string[], print: Print = printOut): Promise<void> {
  const { model, values } = readArguments(argv, { ids: { type: 'string' } } as const, usage)
  if (values.ids === undefined)
    throw new IsletError('invalid_request', `give --ids\nusage: ${usage}`, { param: '--ids' })
  const { tokenizer } = await tokenizerOf(model)
  printText(tokenizer.decode(parseIds(values.ids, tokenizer.vocabSize), { special: true }), print)
}

function parseIds(list: string, vocabSize: number): number[] {
  const bare = list
    .trim()
    .replace(/^\[(.*)\]$/s, '$1')
    .trim() // what `tokenize` prints is taken too
  if (bare === '') return []
  return bare.split(',').map((part) => {
    const text = part.trim()
    if (/^\d{1,9}$/.test(text) && Number(text) < vocabSize) return Number(text)
    const allowed = `ids are whole numbers from 0 to ${vocabSize - 1}, with commas between them`
    throw new IsletError(
      'invalid_request',
      `${JSON.stringify(text)} is not an id of this model; ${allowed}`,
      { param: '--ids' },
    )
  })
}
