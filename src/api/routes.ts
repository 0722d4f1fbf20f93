// The route table lists every endpoint once.
// The router, `Allow`, the list at `GET /` and those of the documents are made from it.

import { postDecision } from './decide.ts'
import { decisionSchema } from './decisions/schema.ts'
import { countSchema } from './dialects/anthropic/count.ts'
import { anthropicDialect } from './dialects/anthropic/dialect.ts'
import { chatDialect } from './dialects/chat/dialect.ts'
import { completionsDialect } from './dialects/completions/dialect.ts'
import type { Dialect } from './dialects/dialect.ts'
import { ollamaChat, ollamaGenerate } from './dialects/ollama/dialect.ts'
import { responsesDialect } from './dialects/responses/dialect.ts'
import { responseSchema } from './dialects/responses/schema.ts'
import { postEmbedding, postRerank } from './embed.ts'
import { embeddingSchema, rerankSchema } from './embeddings/schema.ts'
import { postGenerate } from './generate.ts'
import { getHealth, getRoot } from './health.ts'
import type { Access } from './http/auth.ts'
import { getMetrics } from './metrics/handler.ts'
import { getPageFile } from './page.ts'
import { getReference } from './reference.ts'
import { getModel, listModels } from './models.ts'
import { OLLAMA_ROUTES } from './ollama-routes.ts'
import type { Route } from './route.ts'
import { STORED_ROUTES } from './stored-routes.ts'
import {
  postCountTokens,
  postApplyTemplate,
  postDetokenize,
  postInputTokens,
  postTokenize,
} from './tokens/handlers.ts'
import { applyTemplateSchema, detokenizeSchema, tokenizeSchema } from './tokens/schema.ts'

export type { Route } from './route.ts'

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
    summary: 'responses, with `previous_response_id`, `conversation` and `background`',
  },
  {
    ...answersIn(anthropicDialect),
    path: '/v1/messages',
    summary: "Anthropic's Messages, streamed or whole",
  },
  {
    method: 'POST',
    path: '/v1/messages/count_tokens',
    handler: postCountTokens,
    summary: "the number of a message's input tokens",
    body: countSchema,
    errorBody: anthropicDialect.errorBody,
    access: ['infer'],
  },
  {
    method: 'POST',
    path: '/v1/responses/input_tokens',
    handler: postInputTokens,
    summary: "the number of a response's input tokens; nothing is generated",
    body: responseSchema,
    access: ['infer'],
  },
  {
    method: 'POST',
    path: '/v1/decisions',
    handler: postDecision,
    summary: 'typed decisions: predicates, choices and scores with probabilities, without sampling',
    body: decisionSchema,
    access: ['infer'],
  },
  {
    method: 'POST',
    path: '/v1/embeddings',
    handler: postEmbedding,
    summary: 'vectors of texts, by a model that declares a pooling',
    body: embeddingSchema,
    access: ['infer'],
  },
  {
    method: 'POST',
    path: '/v1/rerank',
    handler: postRerank,
    summary: 'documents in the order of their likeness to a query, by such a model',
    body: rerankSchema,
    access: ['infer'],
  },
  ...STORED_ROUTES,
  {
    method: 'POST',
    path: '/tokenize',
    handler: postTokenize,
    summary: 'the token ids of a text, as llama-server has it',
    body: tokenizeSchema,
    access: ['infer'],
  },
  {
    method: 'POST',
    path: '/detokenize',
    handler: postDetokenize,
    summary: 'the text of token ids',
    body: detokenizeSchema,
    access: ['infer'],
  },
  {
    method: 'POST',
    path: '/apply-template',
    handler: postApplyTemplate,
    summary: "a chat's prompt as text, by the model's template",
    body: applyTemplateSchema,
    access: ['infer'],
  },
  {
    ...answersIn(ollamaChat),
    path: '/api/chat',
    summary: "Ollama's chat, streamed as lines of JSON or whole",
  },
  {
    ...answersIn(ollamaGenerate),
    path: '/api/generate',
    summary: "Ollama's answer to one prompt",
  },
  ...OLLAMA_ROUTES,
  {
    method: 'GET',
    path: '/v1/models',
    handler: listModels,
    summary: 'the models that are served',
    access: [],
  },
  {
    method: 'GET',
    path: '/v1/models/:id{.+}',
    handler: getModel,
    summary: 'one model; ids are compared without case',
    access: [],
  },
  {
    method: 'GET',
    path: '/metrics',
    handler: getMetrics,
    summary: 'counters and gauges of every lane in Prometheus text format',
    access: ['operate'],
  },
  {
    method: 'GET',
    path: '/openapi.json',
    handler: getReference('openapi.json'),
    summary: 'this table with all schemas, as OpenAPI 3.1',
    access: 'open',
  },
  {
    method: 'GET',
    path: '/docs',
    handler: getReference('docs.page'),
    summary: 'the same as a page to read',
    access: 'open',
  },
  {
    method: 'GET',
    path: '/health',
    handler: getHealth,
    summary: '200 once it can answer, else 503 with the state of loading; asking starts the load',
    access: 'open',
  },
  {
    method: 'GET',
    path: '/',
    handler: (deps) => getRoot(deps, endpointList()),
    summary: 'what this is, and the list of endpoints; browsers get a page to talk to the model',
    access: 'open',
  },
  {
    method: 'GET',
    path: '/play/:name',
    handler: getPageFile,
    summary: 'the files of that page',
    access: 'open',
  },
]

/** What a route has of the dialect that it answers in. */
function answersIn(dialect: Dialect): Omit<Route, 'path' | 'summary'> {
  const { schema: body, errorBody } = dialect
  return {
    method: 'POST',
    handler: (deps) => postGenerate(deps, dialect),
    body,
    errorBody,
    access: ['infer'],
  }
}

/** Who may ask a route: nobody is let in by what was forgotten. */
export function accessTo({ access }: Route): Access {
  return access ?? ['operate']
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
