// This file reads what `--vocabulary` names: texts that choose ids, or a file that keeps such a choice.

import { readdir, stat } from 'node:fs/promises'
import { basename, join, parse } from 'node:path'
import { IsletError } from '../../src/lib/errors.ts'
import type { ModelSource } from '../../src/packing/source.ts'
import { chooseBy, type Choice } from '../../src/packing/vocabulary/choice.ts'
import { isVocabularyFile, readVocabulary } from '../../src/packing/vocabulary/vocabulary-file.ts'
import type { TrimmingLoss } from '../../src/weights/manifest.ts'
import { wholeNumber } from './options.ts'
import { readText } from './text-command.ts'

/** The choice that `path` makes of the source's vocabulary; `ids` is the value of `--ids`. */
export async function choiceOf(source: ModelSource, path: string, ids: string | undefined): Promise<Choice> {
  const texts = await textsOf(path)
  const isKept = texts.length === 1 && isVocabularyFile(texts[0])
  if (ids === undefined && !isKept)
    throw new IsletError('invalid_request', '--ids N is missing: how many ids are to stay', {
      param: '--ids',
    })
  const count = ids === undefined ? undefined : wholeNumber(ids, '--ids', 1)
  if (!isKept) return chooseBy(source, parse(basename(path)).name, texts, count ?? 0)
  const choice = await readVocabulary(source, texts[0])
  if (count === undefined || count === choice.kept.length) return choice
  const held = `${path} keeps ${choice.kept.length} ids`
  throw new IsletError('invalid_request', `--ids ${count}: ${held}; leave --ids out`, { param: '--ids' })
}

/** What a choice of ids costs on its texts, as a line. */
export function lossLine(kept: number, of: number, { tokens, gone, more }: TrimmingLoss): string {
  const share = (part: number): string => `${((100 * part) / Math.max(1, tokens)).toFixed(1)} %`
  return `${kept} of ${of} ids; of ${tokens} tokens of the texts ${share(gone)} lose theirs, which makes ${share(more)} more tokens\n`
}

/** A text file's text, or those of all files in a folder and the folders in it, by name. */
async function textsOf(path: string): Promise<string[]> {
  const facts = await stat(path).catch(() => undefined)
  if (!facts?.isDirectory()) return [await readText(path, '--vocabulary')]
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  if (files.length === 0)
    throw new IsletError('invalid_request', `${path} has no files in it`, { param: '--vocabulary' })
  return Promise.all(files.toSorted().map((file) => readText(file, '--vocabulary')))
}
