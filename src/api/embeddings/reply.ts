// Replies to embeddings and rerank word the vectors that a lane made.

import type { ScoresEvent } from '../../protocol/generation.ts'
import type { EmbeddingOrder, EmbedOrder, RerankOrder } from './schema.ts'

/** The numbers of a vector, little-endian f32 in base64. */
export function numbersOf(vector: string): number[] {
  const bytes = Uint8Array.from(atob(vector), (letter) => letter.charCodeAt(0))
  const view = new DataView(bytes.buffer)
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(i * 4, true))
}

/** The reply of POST /v1/embeddings, as OpenAI words it. */
export function embeddingReply(
  { texts, inBase64 }: EmbeddingOrder,
  model: string,
  vectors: readonly string[],
  scores: ScoresEvent,
): object {
  return {
    object: 'list',
    data: texts.map((_, index) => ({
      object: 'embedding',
      index,
      embedding: inBase64 ? vectors[index] : numbersOf(vectors[index]),
    })),
    model,
    ...countsOf(scores),
  }
}

/** The reply of POST /api/embed, as Ollama words it; durations are nanoseconds. */
export function embedReply(
  { ignored }: EmbedOrder,
  model: string,
  vectors: readonly string[],
  scores: ScoresEvent,
  { all, load }: Took,
): object {
  const islet = { ...isletOf(scores), ...(ignored.length > 0 && { ignored }) }
  return {
    model,
    embeddings: vectors.map(numbersOf),
    total_duration: Math.round(1e6 * all),
    load_duration: Math.round(1e6 * load),
    prompt_eval_count: scores.promptTokens,
    islet,
  }
}

/** How long an answer took, and how much of that passed while the model was loaded; milliseconds. */
export type Took = { all: number; load: number }

/** The reply of POST /v1/rerank, as Jina and llama-server word it: likest first, of equals the one that came first. */
export function rerankReply(
  { documents, most, returnDocuments }: RerankOrder,
  { id, model }: { id: string; model: string },
  [query, ...vectors]: readonly string[],
  scores: ScoresEvent,
): object {
  const asked = numbersOf(query)
  const results = vectors.map((vector, index) => {
    const numbers = numbersOf(vector)
    return { index, relevance_score: asked.reduce((sum, value, i) => sum + value * numbers[i], 0) }
  })
  results.sort((a, b) => b.relevance_score - a.relevance_score || a.index - b.index)
  return {
    id,
    object: 'list',
    model,
    results: results.slice(0, most).map(({ index, relevance_score }) => ({
      index,
      ...(returnDocuments && { document: { text: documents[index] } }),
      relevance_score,
    })),
    ...countsOf(scores),
  }
}

function countsOf(scores: ScoresEvent): object {
  const { promptTokens } = scores
  return {
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
    islet: isletOf(scores),
  }
}

function isletOf({ cachedTokens, window }: ScoresEvent): object {
  return {
    cached_tokens: cachedTokens,
    window: window.window ?? null,
    sinks: window.sinks,
    out_of_sight: window.outOfSight,
  }
}
