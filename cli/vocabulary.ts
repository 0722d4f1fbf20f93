// The command `islet vocabulary` chooses the ids that texts use, and keeps the choice for `islet pack`.

import { writeFile } from 'node:fs/promises'
import { parse } from 'node:path'
import { parseArgs } from 'node:util'
import { IsletError } from '../src/lib/errors.ts'
import { openSource } from '../src/packing/open-source.ts'
import { writeVocabulary } from '../src/packing/vocabulary/vocabulary-file.ts'
import { required } from './lib/options.ts'
import { printOut, type Print } from './lib/text-command.ts'
import { choiceOf, lossLine } from './lib/vocabulary.ts'

const usage = `islet vocabulary INPUT TEXTS OUT --ids N

INPUT is a .gguf file or a Hugging Face folder, TEXTS a text file or a folder of them, OUT the vocabulary file to write,
which \`islet pack --vocabulary OUT\` reads; its name without the extension is that of the profile.
  --ids N        how many ids stay: marks, bytes and the words of the chat format, then those that TEXTS use most`

export const command = {
  name: 'vocabulary',
  summary: 'choose the part of a vocabulary that texts need, for pack',
  usage,
  async run(argv: string[], print: Print = printOut): Promise<void> {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: { ids: { type: 'string' } },
    })
    const [input, texts, out] = positionals
    if (positionals.length !== 3)
      throw new IsletError('invalid_request', `give INPUT, TEXTS and OUT\nusage: ${usage}`)
    const source = await openSource(input)
    try {
      const choice = await choiceOf(source, texts, required(values.ids, '--ids'))
      const profile = parse(out).name
      await writeFile(out, await writeVocabulary(source, { ...choice, profile }))
      print(lossLine(choice.kept.length, source.spec.vocab, choice.lost))
    } finally {
      await source.close()
    }
  },
}
