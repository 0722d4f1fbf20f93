// The schemas of embeddings and rerank check their bodies and make texts of them.

import * as z from 'zod/mini'
import { IsletError } from '../../lib/errors.ts'
import { ignored, integer, unsupported } from '../dialects/field-kinds.ts'
import { label } from '../dialects/fields.ts'
import { optionsSchema } from '../dialects/ollama/options.ts'
import { bodySchema, validate } from '../validate.ts'

/** Most texts of one request, and documents beside a query. */
const MOST_TEXTS = 1024

const words = `must be a text or an array of at most ${MOST_TEXTS} texts, none empty`
const text = () => z.string(words).check(z.minLength(1, { error: words, abort: true }))
const texts = () => z.array(text(), words).check(z.minLength(1, words), z.maxLength(MOST_TEXTS, words))

const model = () => z.nullish(z.string().check(z.minLength(1)))

/** The body of POST /v1/embeddings. */
export const embeddingSchema = bodySchema(() => ({
  model: model(),
  input: z.union([text(), texts()], words),
  encoding_format: z.nullish(z.enum(['float', 'base64'])),
  dimensions: unsupported(),
  user: label(),
}))

const document = () => z.union([text(), z.object({ text: text() })], 'must be a text or {"text"}, not empty')

/** The body of POST /v1/rerank. */
export const rerankSchema = bodySchema(() => ({
  model: model(),
  query: text(),
  documents: z.array(document()).check(z.minLength(1), z.maxLength(MOST_TEXTS)),
  top_n: z.nullish(integer(1, Number.MAX_SAFE_INTEGER)),
  return_documents: z.nullish(z.boolean()),
  user: label(),
}))

const ollamas = () => ({
  model: model(),
  // Nothing is sampled, and a deployment settles the machine.
  options: optionsSchema(),
  keep_alive: ignored(),
})

/** The body of POST /api/embed. */
export const embedSchema = bodySchema(() => ({
  ...ollamas(),
  input: z.union([text(), texts()], words),
  // A text that is too long is refused, not cut.
  truncate: z.nullish(z.boolean()),
  dimensions: unsupported(),
}))

/** The body of POST /api/embeddings, of one text. */
export const oldEmbedSchema = bodySchema(() => ({ ...ollamas(), prompt: text() }))

/** The texts of a body, and the model it names. */
type TextsOrder = { model: string | undefined; texts: string[] }
type InVain = { truncate?: boolean; options?: object; keep_alive?: unknown }
export type EmbedOrder = TextsOrder & { ignored: string[] }
export type EmbeddingOrder = TextsOrder & { inBase64: boolean }

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
    texts: listOf(fields.input),
    inBase64: fields.encoding_format === 'base64',
  }
}

/**
 * Reads the body of POST /api/embed.
 * @throws IsletError with `param`, for anything missing, malformed or not implemented.
 */
export function parseEmbed(body: Record<string, unknown>): EmbedOrder {
  const { model, input, ...rest } = validate(embedSchema, body)
  return { model, texts: listOf(input), ignored: inVain(rest) }
}

/**
 * Reads the body of POST /api/embeddings.
 * @throws IsletError as parseEmbed does.
 */
export function parseOldEmbed(body: Record<string, unknown>): EmbedOrder {
  const { model, prompt, ...rest } = validate(oldEmbedSchema, body)
  return { model, texts: [prompt], ignored: inVain(rest) }
}

/** The places of what was asked for without effect. */
function inVain({ truncate, options = {}, keep_alive }: InVain): string[] {
  return [
    ...(truncate === true ? ['truncate'] : []),
    ...Object.keys(options).map((name) => `options.${name}`),
    ...(keep_alive === undefined ? [] : ['keep_alive']),
  ]
}

function listOf(input: string | string[]): string[] {
  return typeof input === 'string' ? [input] : input
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
