// This module makes the table of docs/embeddings.md from docs/results/embeddings.json.

import { readFileSync } from 'node:fs'
import { EMBEDDINGS_FILE, type EmbeddingResults } from '../../bench/embeddings.ts'
import { table } from '../../tools/markdown.ts'

export function embeddingBlocks(): [name: string, text: string][] {
  const { pairs, models } = JSON.parse(readFileSync(EMBEDDINGS_FILE, 'utf8')) as EmbeddingResults
  const rows = models.flatMap(({ model, scored }) =>
    scored.map(({ name, spearman, auc, halves }) => [
      `\`${model}\``,
      name === 'TF-IDF' ? name : `\`${name}\``,
      spearman.toFixed(3),
      auc.toFixed(3),
      halves.reworded.toFixed(3),
      halves.reordered.toFixed(3),
    ]),
  )
  const head = ['model', 'likeness', 'Spearman', 'AUC', 'AUC, reworded', 'AUC, reordered']
  return [['embeddings', [`${pairs} pairs of sentences.`, '', table(head, rows, 2)].join('\n')]]
}
