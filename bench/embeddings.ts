// `npm run embeddings -- MODEL`: whether vectors of a packed model tell sentences of one meaning better than their words do,
// over bench/data/sentences.json, by the code of the endpoint, into docs/results/embeddings.json.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DEFAULT_MODEL } from '../cli/lib/pull.ts'
import { nodeKernels } from '../cli/lib/kernels.ts'
import { localKv } from '../cli/lib/kv.ts'
import { openTextModel } from '../cli/lib/model.ts'
import { Pool } from '../src/answer/pool.ts'
import { textIds } from '../src/chat/prompt-ids.ts'
import { loadModel } from '../src/graph/load-model.ts'
import type { LocalModel } from '../src/graph/model.ts'
import { PAGE_POSITIONS } from '../src/kernels/layout.ts'
import { readTokenizer } from '../src/tokenizer/packed.ts'
import { POOLINGS } from '../src/weights/manifest.ts'
import { ROOT } from '../tools/root.ts'

/** A sentence, another of the same meaning, and one of the same subject that says something else. */
type Entry = [text: string, same: string, related: string]

/** What the sentences of one meaning have in common. */
type Half = 'reworded' | 'reordered'

/** Two sentences: of one meaning (2), of one subject (1), or of nothing in common (0). */
type Pair = { one: string; other: string; grade: 0 | 1 | 2 }

export type Scored = {
  name: string
  /** Of the cosines and the grades, ties given their mean rank. */
  spearman: number
  /** That a pair of one meaning is more alike than one of two, by chance: 0.5. */
  auc: number
  /** The same in each half of the set. */
  halves: Record<Half, number>
}

export type EmbeddingResults = {
  pairs: number
  models: { model: string; pooling: string | null; scored: Scored[] }[]
}

export const EMBEDDINGS_FILE = `${ROOT}docs/results/embeddings.json`

const LONGEST = 128
const CHUNK = 16

/**
 * Of each sentence three pairs; the one without anything in common is with a sentence far from it in the list. `reworded` is
 * hard for words: one meaning shares few of them, one subject many. `reordered` is easy for them: it is the other way round.
 */
function sentencePairs(): Record<Half, Pair[]> {
  const text = readFileSync(`${ROOT}bench/data/sentences.json`, 'utf8')
  const { reworded, reordered } = JSON.parse(text) as Record<Half, Entry[]>
  return { reworded: pairsOf(reworded), reordered: pairsOf(reordered) }
}

function pairsOf(entries: readonly Entry[]): Pair[] {
  const far = Math.floor(entries.length / 2) - 5
  return entries.flatMap(([one, same, related], index): Pair[] => [
    { one, other: same, grade: 2 },
    { one, other: related, grade: 1 },
    { one, other: entries[(index + far) % entries.length][1], grade: 0 },
  ])
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}

/** Words in lower case, weighed by how rare they are among all sentences, as vectors of length 1. */
function tfIdf(texts: readonly string[]): Map<string, Float64Array> {
  const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  const counts = new Map<string, number>()
  for (const text of texts)
    for (const word of new Set(wordsOf(text))) counts.set(word, (counts.get(word) ?? 0) + 1)
  const places = new Map([...counts.keys()].map((word, place) => [word, place]))
  return new Map(
    texts.map((text) => {
      const vector = new Float64Array(places.size)
      for (const word of wordsOf(text))
        vector[places.get(word) ?? 0] += Math.log(texts.length / (counts.get(word) ?? 1)) + 1
      const length = Math.sqrt(dot(vector, vector))
      return [text, vector.map((value) => value / length)]
    }),
  )
}

/** The vectors of a text by each pooling. */
function vectorsOf(model: LocalModel, ids: readonly number[]): Float32Array[] {
  const pages = Array.from({ length: Math.ceil(ids.length / PAGE_POSITIONS) }, (_, page) => page)
  const pools = POOLINGS.map((pooling) => new Pool(pooling, model.spec.hidden))
  for (let from = 0; from < ids.length; from += CHUNK) {
    const part = ids.slice(from, from + CHUNK)
    const outputs = model.run(
      part.map((id, i) => ({ id, position: from + i, pages, yields: 'hidden' as const })),
    )
    for (let i = 0; i < part.length; i++) for (const pool of pools) pool.add(outputs.hidden(i), from + i)
  }
  return pools.map((pool) => pool.vector())
}

function scored(name: string, halves: Record<Half, Pair[]>, likeness: (pair: Pair) => number): Scored {
  const pairs = [...halves.reworded, ...halves.reordered]
  const values = pairs.map(likeness)
  const area = (own: readonly Pair[]): number => {
    const of = (isSame: boolean) => own.filter(({ grade }) => (grade === 2) === isSame).map(likeness)
    return auc(of(true), of(false))
  }
  return {
    name,
    spearman: spearman(
      values,
      pairs.map(({ grade }) => grade),
    ),
    auc: area(pairs),
    halves: { reworded: area(halves.reworded), reordered: area(halves.reordered) },
  }
}

/** Pearson's correlation of ranks. */
export function spearman(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [ranks(a), ranks(b)]
  const mean = (a.length - 1) / 2
  const covariance = (u: number[], v: number[]) =>
    u.reduce((sum, rank, i) => sum + (rank - mean) * (v[i] - mean), 0)
  return covariance(x, y) / Math.sqrt(covariance(x, x) * covariance(y, y))
}

/** From 0, equal values their mean. */
function ranks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length
    const equal = values.filter((other) => other === value).length
    return below + (equal - 1) / 2
  })
}

/** The share of couples in which the one that should be larger is; equal ones count half. */
export function auc(larger: readonly number[], smaller: readonly number[]): number {
  const wins = larger.reduce(
    (sum, one) => sum + smaller.reduce((won, other) => won + (one > other ? 1 : one === other ? 0.5 : 0), 0),
    0,
  )
  return wins / (larger.length * smaller.length)
}

async function measure(name: string): Promise<EmbeddingResults['models'][number]> {
  const pairs = sentencePairs()
  const texts = [
    ...new Set(
      Object.values(pairs)
        .flat()
        .flatMap(({ one, other }) => [one, other]),
    ),
  ]
  const words = tfIdf(texts)
  const cosine = <V extends ArrayLike<number>>(vectors: Map<string, V>) => {
    const of = (text: string): V => vectors.get(text) as V
    return ({ one, other }: Pair): number => dot(of(one), of(other))
  }
  const { manifest, source, tokenizerBytes } = await openTextModel(name, {})
  const tokenizer = readTokenizer(tokenizerBytes)
  const model = await loadModel(manifest, source, {
    window: { window: undefined, sinks: 0 },
    chunk: CHUNK,
    maxPositions: LONGEST,
    kv: localKv(manifest),
    kernels: nodeKernels(),
  })
  const vectors = texts.map((text) => vectorsOf(model, textIds(tokenizer, manifest.chat, text)))
  const rows = POOLINGS.map((pooling, at) => {
    const own = new Map(texts.map((text, i) => [text, vectors[i][at]]))
    return scored(pooling, pairs, cosine(own))
  })
  return {
    model: manifest.id,
    pooling: manifest.embedding?.pooling ?? null,
    scored: [scored('TF-IDF', pairs, cosine(words)), ...rows],
  }
}

async function main(): Promise<void> {
  const measured = await measure(process.argv[2] ?? DEFAULT_MODEL)
  for (const { name, spearman: rho, auc: area, halves } of measured.scored)
    console.log(
      `${name.padEnd(20)} ${rho.toFixed(3)} ${area.toFixed(3)} ${halves.reworded.toFixed(3)} ${halves.reordered.toFixed(3)}`,
    )
  const before = existsSync(EMBEDDINGS_FILE)
    ? (JSON.parse(readFileSync(EMBEDDINGS_FILE, 'utf8')) as EmbeddingResults).models
    : []
  const models = [...before.filter(({ model }) => model !== measured.model), measured]
  models.sort((a, b) => (a.model < b.model ? -1 : 1))
  const results: EmbeddingResults = { pairs: Object.values(sentencePairs()).flat().length, models }
  writeFileSync(EMBEDDINGS_FILE, `${JSON.stringify(results, undefined, 1)}\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
