// This module makes the table of docs/packing.md from docs/results/vocabulary.json.

import { readFileSync } from 'node:fs'
import { VOCABULARY_FILE, type VocabularyResults } from '../../bench/vocabulary.ts'
import { table } from '../../tools/markdown.ts'

export function vocabularyBlocks(): [name: string, text: string][] {
  const { models } = JSON.parse(readFileSync(VOCABULARY_FILE, 'utf8')) as VocabularyResults
  const texts = models[0].trimmed[0].losses.map(({ text }) => text)
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
  const rows = models.flatMap(({ model, of, table: wholeTable, tokenizer, trimmed }) => [
    [`\`${model}\``, `all, ${of}`, megabytes(wholeTable), megabytes(tokenizer), ...texts.map(() => '')],
    ...trimmed.map((part) => [
      '',
      String(part.ids),
      megabytes(part.table),
      megabytes(part.tokenizer),
      ...part.losses.map(
        ({ loss: { tokens, gone, more } }) => `${percent(gone, tokens)} (+${percent(more, tokens)})`,
      ),
    ]),
  ])
  return [['vocabulary', table(['model', 'ids', 'table, MB', 'tokenizer, MB', ...texts], rows, 2)]]
}

function percent(part: number, of: number): string {
  return `${((100 * part) / of).toFixed(1)} %`
}
