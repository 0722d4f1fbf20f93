// The operations say of each route what its table does not: queries, and the shape of what it answers.
// A route that is missing here is described by its table alone, and a test names it.

import { ref, type Schema } from './shapes.ts'

export type Operation = {
  tag: string
  /** Parameters of the query, with what they do in `description`. */
  query?: Readonly<Record<string, Schema>>
  /** The body of a success: JSON, or the media type of something else. */
  ok: Schema | 'text/plain' | 'text/html' | 'text/javascript'
  /** Each event of a stream, where one can be asked for. */
  event?: Schema
  /** Each line of a stream of lines. */
  lines?: Schema
  /** The status of a success that is not 200; of another answer in the same shape. */
  status?: number
  also?: number
  /** What one sends, for a body that no schema checks. */
  body?: Schema
}

const limit = (usual: number, most: number): Schema => ({
  type: 'integer',
  minimum: 1,
  maximum: most,
  default: usual,
  description: 'How many at most.',
})
const after = (what: string): Schema => ({
  type: 'string',
  description: `The id of the last ${what} of the page before.`,
})
const cursor = (description: string): Schema => ({
  type: 'integer',
  minimum: 0,
  maximum: 999_999_999,
  description,
})

const ANSWERS = 'Answers'
const RESPONSES = 'Stored responses'
const SESSIONS = 'Sessions'
const CONVERSATIONS = 'Conversations'
const TOKENS = 'Tokens'
const VECTORS = 'Vectors'
const OLLAMA = "Ollama's API"
const SERVER = 'The server'

/** Models are not changed here. */
const REFUSED: Operation = { tag: OLLAMA, ok: ref('OllamaError'), status: 501, also: 501 }

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'POST /v1/chat/completions': { tag: ANSWERS, ok: ref('ChatCompletion'), event: ref('ChatCompletionChunk') },
  'POST /v1/completions': { tag: ANSWERS, ok: ref('TextCompletion'), event: ref('TextCompletion') },
  'POST /v1/responses': { tag: ANSWERS, ok: ref('Response'), event: ref('ResponseEvent') },
  'POST /v1/messages': { tag: ANSWERS, ok: ref('Message'), event: ref('MessageEvent') },
  'POST /v1/decisions': { tag: ANSWERS, ok: ref('Decision') },
  'GET /v1/responses/:id': {
    tag: RESPONSES,
    query: {
      stream: { type: 'boolean', default: false, description: 'Read it on as a stream of its events.' },
      starting_after: cursor('Leave out events up to this sequence_number; needs stream=true.'),
    },
    ok: ref('Response'),
    event: ref('ResponseEvent'),
  },
  'DELETE /v1/responses/:id': { tag: RESPONSES, ok: ref('Deleted') },
  'POST /v1/responses/:id/cancel': { tag: RESPONSES, ok: ref('Response') },
  'GET /v1/responses/:id/input_items': {
    tag: RESPONSES,
    query: {
      limit: limit(20, 100),
      order: { enum: ['asc', 'desc'], default: 'desc', description: 'The order of the conversation.' },
      after: after('item'),
    },
    ok: ref('ItemList'),
  },
  'GET /v1/sessions': {
    tag: SESSIONS,
    query: { limit: limit(100, 1000), after: after('session') },
    ok: ref('SessionList'),
  },
  'DELETE /v1/sessions': { tag: SESSIONS, ok: ref('DeletedAll') },
  'GET /v1/sessions/:id': { tag: SESSIONS, ok: ref('Session') },
  'GET /v1/sessions/:id/memory': { tag: SESSIONS, ok: ref('SessionMemory') },
  'DELETE /v1/sessions/:id': { tag: SESSIONS, ok: ref('Deleted') },
  'POST /v1/sessions/:id/fork': { tag: SESSIONS, ok: ref('Session'), status: 201 },
  'GET /v1/sessions/:id/stream': {
    tag: SESSIONS,
    query: { after: cursor('Leave out so many frames, which the client has.') },
    ok: {},
    event: { description: 'The frames of the route that was asked first.' },
    lines: { description: "The lines of a route of Ollama's API." },
  },
  'POST /v1/conversations': { tag: CONVERSATIONS, ok: ref('Conversation') },
  'GET /v1/conversations/:id': { tag: CONVERSATIONS, ok: ref('Conversation') },
  'POST /v1/conversations/:id': { tag: CONVERSATIONS, ok: ref('Conversation') },
  'DELETE /v1/conversations/:id': { tag: CONVERSATIONS, ok: ref('Deleted') },
  'POST /v1/conversations/:id/items': { tag: CONVERSATIONS, ok: ref('ItemList') },
  'GET /v1/conversations/:id/items': {
    tag: CONVERSATIONS,
    query: {
      limit: limit(20, 100),
      order: { enum: ['asc', 'desc'], default: 'desc', description: 'The order of the conversation.' },
      after: after('item'),
    },
    ok: ref('ItemList'),
  },
  'GET /v1/conversations/:id/items/:item': { tag: CONVERSATIONS, ok: ref('Item') },
  'DELETE /v1/conversations/:id/items/:item': { tag: CONVERSATIONS, ok: ref('Conversation') },
  'POST /v1/messages/count_tokens': { tag: TOKENS, ok: ref('CountedTokens') },
  'POST /v1/responses/input_tokens': { tag: TOKENS, ok: ref('InputTokens') },
  'POST /tokenize': { tag: TOKENS, ok: ref('Tokens') },
  'POST /detokenize': { tag: TOKENS, ok: ref('DetokenizedText') },
  'POST /apply-template': { tag: TOKENS, ok: ref('RenderedPrompt') },
  'POST /v1/embeddings': { tag: VECTORS, ok: ref('EmbeddingList') },
  'POST /v1/rerank': { tag: VECTORS, ok: ref('Ranking') },
  'POST /api/chat': { tag: OLLAMA, ok: ref('OllamaChat'), lines: ref('OllamaChat') },
  'POST /api/generate': { tag: OLLAMA, ok: ref('OllamaGeneration'), lines: ref('OllamaGeneration') },
  'GET /api/tags': { tag: OLLAMA, ok: ref('OllamaModels') },
  'POST /api/show': { tag: OLLAMA, ok: ref('OllamaModel') },
  'GET /api/ps': { tag: OLLAMA, ok: ref('OllamaModels') },
  'GET /api/version': { tag: OLLAMA, ok: ref('OllamaVersion') },
  'POST /api/embed': { tag: OLLAMA, ok: ref('OllamaEmbeddings') },
  'POST /api/embeddings': { tag: OLLAMA, ok: ref('OllamaEmbedding') },
  'POST /api/pull': REFUSED,
  'POST /api/push': REFUSED,
  'POST /api/create': REFUSED,
  'POST /api/copy': REFUSED,
  'DELETE /api/delete': REFUSED,
  'GET /api/blobs/:digest': REFUSED,
  'POST /api/blobs/:digest': REFUSED,
  'GET /v1/models': { tag: SERVER, ok: ref('ModelList') },
  'GET /v1/models/:id': { tag: SERVER, ok: ref('Model') },
  'GET /health': { tag: SERVER, ok: ref('Health'), also: 503 },
  'GET /metrics': { tag: SERVER, ok: 'text/plain' },
  'GET /openapi.json': { tag: SERVER, ok: { type: 'object', required: ['openapi', 'paths'] } },
  'GET /docs': { tag: SERVER, ok: 'text/html' },
  'GET /': { tag: SERVER, ok: ref('Root') },
  'GET /play/:name': { tag: SERVER, ok: 'text/javascript' },
}
