// The route table lists every endpoint once.
// The router, `Allow`, the list at `GET /` and those of the documents are made from it.

import type * as z from 'zod/mini'
import type { ApiContext, ApiDeps } from './context.ts'
import { postDecision } from './decide.ts'
import { decisionSchema } from './decisions/schema.ts'
import { anthropicDialect } from './dialects/anthropic/dialect.ts'
import { chatDialect } from './dialects/chat/dialect.ts'
import { completionsDialect } from './dialects/completions/dialect.ts'
import type { Dialect } from './dialects/dialect.ts'
import { responsesDialect } from './dialects/responses/dialect.ts'
import { responseSchema } from './dialects/responses/schema.ts'
import { postEmbedding, postRerank } from './embed.ts'
import { embeddingSchema, rerankSchema } from './embeddings/schema.ts'
import { postGenerate } from './generate.ts'
import { getHealth, getRoot } from './health.ts'
import { getModel, listModels } from './models.ts'
import { cancelResponse, deleteResponse, getResponse, listInputItems } from './responses.ts'
import {
  deleteSession,
  deleteSessions,
  forkSession,
  getSession,
  listSessions,
  streamSession,
} from './sessions.ts'
import { postApplyTemplate, postDetokenize, postInputTokens, postTokenize } from './tokens/handlers.ts'
import { applyTemplateSchema, detokenizeSchema, tokenizeSchema } from './tokens/schema.ts'

export type Route = {
  /** GET answers HEAD too, unless `head` is false. */
  method: 'GET' | 'POST' | 'DELETE'
  /** As Hono reads it: `:id` is a parameter, braces hold its pattern. */
  path: string
  handler: (deps: ApiDeps) => (c: ApiContext) => Response | Promise<Response>
  /** One sentence for the documents, in Markdown. */
  summary: string
  /** The schema of the body, where there is one that is read. */
  body?: z.ZodMiniObject
  /** How errors at this path are worded, whoever finds them; OpenAI's without it. */
  errorBody?: Dialect['errorBody']
  head?: false
  /** Needs no key. */
  open?: true
}

export const ROUTES: readonly Route[] = [
  {
    ...answersIn(chatDialect),
    path: '/v1/chat/completions',
    summary: 'chat, streamed or whole',
  },
  {
    ...answersIn(completionsDialect),
    path: '/v1/completions',
    summary: 'text completion: texts or arrays of token ids, one or several',
  },
  {
    ...answersIn(responsesDialect),
    path: '/v1/responses',
    summary: 'responses, with `previous_response_id` and `background`',
  },
  {
    ...answersIn(anthropicDialect),
    path: '/v1/messages',
    summary: "Anthropic's Messages, streamed or whole",
  },
  {
    method: 'POST',
    path: '/v1/responses/input_tokens',
    handler: postInputTokens,
    summary: "the number of a response's input tokens; nothing is generated",
    body: responseSchema,
  },
  {
    method: 'POST',
    path: '/v1/decisions',
    handler: postDecision,
    summary: 'typed decisions: predicates, choices and scores with probabilities, without sampling',
    body: decisionSchema,
  },
  {
    method: 'POST',
    path: '/v1/embeddings',
    handler: postEmbedding,
    summary: 'vectors of texts, by a model that declares a pooling',
    body: embeddingSchema,
  },
  {
    method: 'POST',
    path: '/v1/rerank',
    handler: postRerank,
    summary: 'documents in the order of their likeness to a query, by such a model',
    body: rerankSchema,
  },
  {
    method: 'GET',
    path: '/v1/responses/:id',
    handler: getResponse,
    summary: 'a stored response as it stands; `?stream=true&starting_after=N` reads it on',
  },
  {
    method: 'DELETE',
    path: '/v1/responses/:id',
    handler: deleteResponse,
    summary: 'deletes a stored response',
  },
  {
    method: 'POST',
    path: '/v1/responses/:id/cancel',
    handler: cancelResponse,
    summary: 'ends a response that runs or waits',
  },
  {
    method: 'GET',
    path: '/v1/responses/:id/input_items',
    handler: listInputItems,
    summary: 'the conversation up to the answer',
  },
  { method: 'GET', path: '/v1/sessions', handler: listSessions, summary: 'the sessions of this key' },
  {
    method: 'DELETE',
    path: '/v1/sessions',
    handler: deleteSessions,
    summary: 'deletes all sessions of this key',
  },
  {
    method: 'GET',
    path: '/v1/sessions/:id',
    handler: getSession,
    summary: 'one session: its state, tokens, window and cache',
  },
  {
    method: 'DELETE',
    path: '/v1/sessions/:id',
    handler: deleteSession,
    summary: 'deletes a session with its turns',
  },
  {
    method: 'POST',
    path: '/v1/sessions/:id/fork',
    handler: forkSession,
    summary: 'a new session that begins as this one stands',
  },
  {
    method: 'GET',
    path: '/v1/sessions/:id/stream',
    handler: streamSession,
    summary: '`?after=N` reads the last answer on, without its first N frames',
    // A HEAD would take the turn from whoever reads it.
    head: false,
  },
  {
    method: 'POST',
    path: '/tokenize',
    handler: postTokenize,
    summary: 'the token ids of a text, as llama-server has it',
    body: tokenizeSchema,
  },
  {
    method: 'POST',
    path: '/detokenize',
    handler: postDetokenize,
    summary: 'the text of token ids',
    body: detokenizeSchema,
  },
  {
    method: 'POST',
    path: '/apply-template',
    handler: postApplyTemplate,
    summary: "a chat's prompt as text, by the model's template",
    body: applyTemplateSchema,
  },
  { method: 'GET', path: '/v1/models', handler: listModels, summary: 'the model that is served' },
  {
    method: 'GET',
    path: '/v1/models/:id{.+}',
    handler: getModel,
    summary: 'one model; ids are compared without case',
  },
  {
    method: 'GET',
    path: '/health',
    handler: getHealth,
    open: true,
    summary: '200 once it can answer, else 503 with the state of loading; asking starts the load',
  },
  {
    method: 'GET',
    path: '/',
    handler: () => getRoot(endpointList()),
    open: true,
    summary: 'what this is, and the list of endpoints',
  },
]

/** What a route has of the dialect that it answers in. */
function answersIn(dialect: Dialect): Omit<Route, 'path' | 'summary'> {
  const { schema: body, errorBody } = dialect
  return { method: 'POST', handler: (deps) => postGenerate(deps, dialect), body, errorBody }
}

/** Each path with the methods that `Allow` names, in the order of the table. */
export function allowedMethods(): Map<string, string> {
  return byPath(({ method, head }) => (method === 'GET' && head !== false ? 'GET, HEAD' : method))
}

/** Lines such as `GET, DELETE /v1/sessions`, all but the root's own. */
export function endpointList(): string[] {
  const methods = byPath(({ method }) => method)
  return [...methods].filter(([path]) => path !== '/').map(([path, names]) => `${names} ${plainPath(path)}`)
}

/** A path without the patterns of its parameters. */
export function plainPath(path: string): string {
  return path.replace(/\{[^}]*\}/g, '')
}

function byPath(word: (route: Route) => string): Map<string, string> {
  const words = new Map<string, string>()
  for (const route of ROUTES) {
    const before = words.get(route.path)
    words.set(route.path, before === undefined ? word(route) : `${before}, ${word(route)}`)
  }
  return words
}
