// The schemas of embeddings and rerank check their bodies and make texts of them.

import * as z from 'zod/mini'
import { IsletError } from '../../lib/errors.ts'
import { integer, unsupported } from '../dialects/field-kinds.ts'
import { label } from '../dialects/fields.ts'
import { bodySchema, validate } from '../validate.ts'

/** Most texts of one request, and documents beside a query. */
const MOST_TEXTS = 1024

const words = `must be a text or an array of at most ${MOST_TEXTS} texts, none empty`
const text = () => z.string(words).check(z.minLength(1, { error: words, abort: true }))
const texts = () => z.array(text(), words).check(z.minLength(1, words), z.maxLength(MOST_TEXTS, words))

/** The body of POST /v1/embeddings. */
export const embeddingSchema = bodySchema(() => ({
  model: z.nullish(z.string().check(z.minLength(1))),
  input: z.union([text(), texts()], words),
  encoding_format: z.nullish(z.enum(['float', 'base64'])),
  dimensions: unsupported(),
  user: label(),
}))

const document = () => z.union([text(), z.object({ text: text() })], 'must be a text or {"text"}, not empty')

/** The body of POST /v1/rerank. */
export const rerankSchema = bodySchema(() => ({
  model: z.nullish(z.string().check(z.minLength(1))),
  query: text(),
  documents: z.array(document()).check(z.minLength(1), z.maxLength(MOST_TEXTS)),
  top_n: z.nullish(integer(1, Number.MAX_SAFE_INTEGER)),
  return_documents: z.nullish(z.boolean()),
  user: label(),
}))

export type EmbeddingOrder = { model: string | undefined; texts: string[]; inBase64: boolean }

/**
 * Reads the body of POST /v1/embeddings.
 * @throws IsletError with `param`, for anything missing, malformed or not implemented.
 */
export function parseEmbedding(body: Record<string, unknown>): EmbeddingOrder {
  const { input } = body
  // Whoever sends ids has made them with another model's tokenizer.
  const first: unknown = Array.isArray(input) ? input.flat(1)[0] : undefined
  if (typeof first === 'number')
    throw new IsletError(
      'unsupported_value',
      "input: send texts; token ids are another model's unless this one's tokenizer made them. LangChain sends texts with check_embedding_ctx_length=False",
      { param: 'input' },
    )
  const fields = validate(embeddingSchema, body)
  return {
    model: fields.model,
    texts: typeof fields.input === 'string' ? [fields.input] : fields.input,
    inBase64: fields.encoding_format === 'base64',
  }
}

export type RerankOrder = {
  model: string | undefined
  query: string
  documents: string[]
  most: number
  returnDocuments: boolean
}

/**
 * Reads the body of POST /v1/rerank.
 * @throws IsletError with `param`, for anything missing, malformed or not implemented.
 */
export function parseRerank(body: Record<string, unknown>): RerankOrder {
  const fields = validate(rerankSchema, body)
  return {
    model: fields.model,
    query: fields.query,
    documents: fields.documents.map((each) => (typeof each === 'string' ? each : each.text)),
    most: fields.top_n ?? fields.documents.length,
    returnDocuments: fields.return_documents ?? false,
  }
}
