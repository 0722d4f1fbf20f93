// `npm run vocabulary`: what a part of a vocabulary costs on texts that did not choose it, into docs/results/vocabulary.json.
// Texts come with this project: its packages' README files and TypeScript's declarations choose, its own documents, its
// source and TypeScript's messages in other languages tell what is lost.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { artefactOf, DEFAULT_MODEL } from '../cli/lib/pull.ts'
import { openSource } from '../src/packing/open-source.ts'
import { planPack } from '../src/packing/pack.ts'
import { chooseBy, tokenizerOf, trimBy } from '../src/packing/vocabulary/choice.ts'
import { trimTokenizer } from '../src/packing/vocabulary/trim-tokenizer.ts'
import { trimmingLoss } from '../src/packing/vocabulary/trimming-loss.ts'
import { parseTokenizer } from '../src/tokenizer/format.ts'
import { readTokenizer } from '../src/tokenizer/packed.ts'
import type { TrimmingLoss } from '../src/weights/manifest.ts'
import { ROOT } from '../tools/root.ts'

export const VOCABULARY_FILE = `${ROOT}docs/results/vocabulary.json`

export type VocabularyResults = {
  models: {
    model: string
    of: number
    /** Of the whole table, and of the tokenizer's file. */
    table: number
    tokenizer: number
    trimmed: {
      ids: number
      table: number
      tokenizer: number
      losses: { text: string; loss: TrimmingLoss }[]
    }[]
  }[]
}

const SIZES: Readonly<Record<string, readonly number[]>> = {
  [DEFAULT_MODEL]: [16384, 24576, 32768],
  'gemma-3-270m': [40960, 49152, 65536],
}

const TYPESCRIPT = `${ROOT}node_modules/typescript/lib/`

/** The files below a folder whose name fits, by name. */
function filesIn(folder: string, name: RegExp, recursive = true): string[] {
  return readdirSync(folder, { recursive, withFileTypes: true })
    .filter((entry) => entry.isFile() && name.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}

const choosing = (): string[] =>
  [...filesIn(`${ROOT}node_modules`, /^README\.md$/i), ...filesIn(TYPESCRIPT, /\.d\.ts$/, false)].map(textOf)

const HELD: readonly [text: string, read: () => string[]][] = [
  ['documents of this project', () => filesIn(`${ROOT}docs`, /\.md$/).map(textOf)],
  ['its TypeScript', () => filesIn(`${ROOT}src`, /\.ts$/).map(textOf)],
  ['messages in German', () => [messages('de')]],
  ['messages in Russian', () => [messages('ru')]],
  ['messages in Chinese', () => [messages('zh-cn')]],
]

function textOf(file: string): string {
  return readFileSync(file, 'utf8')
}

/** The compiler's messages, without the keys, which are English. */
function messages(language: string): string {
  const file = `${TYPESCRIPT}${language}/diagnosticMessages.generated.json`
  return Object.values(JSON.parse(textOf(file)) as Record<string, string>).join('\n')
}

async function measure(model: string): Promise<VocabularyResults['models'][number]> {
  const path = await artefactOf(model, { log: (line) => process.stderr.write(`${line}\n`) })
  if (path === undefined) throw new Error(`${model} is out of reach`)
  const source = await openSource(path)
  const tableOf = (packed: typeof source): number =>
    planPack(packed, {})
      .entries.filter(({ name }) => name.startsWith('embedding'))
      .reduce((sum, { length }) => sum + length, 0)
  const bytes = await tokenizerOf(source)
  const whole = readTokenizer(bytes)
  const texts = choosing()
  const trimmed = []
  for (const ids of SIZES[model]) {
    const choice = await chooseBy(source, 'english and code', texts, ids)
    const file = trimTokenizer(parseTokenizer(bytes), choice.kept)
    const part = readTokenizer(file)
    const losses = HELD.map(([text, read]) => ({
      text,
      loss: trimmingLoss(whole, part, choice.kept, read()),
    }))
    trimmed.push({ ids, table: tableOf(await trimBy(source, choice)), tokenizer: file.length, losses })
    process.stderr.write(`${model}: ${ids} ids\n`)
  }
  const result = { model, of: source.spec.vocab, table: tableOf(source), tokenizer: bytes.length, trimmed }
  await source.close()
  return result
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const models = []
  for (const model of Object.keys(SIZES)) models.push(await measure(model))
  writeFileSync(VOCABULARY_FILE, `${JSON.stringify({ models } satisfies VocabularyResults, null, 2)}\n`)
}
