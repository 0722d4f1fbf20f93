// This list has the routes of Ollama's API beside its two dialects, those that are refused in words too.

import { ollamaErrorBody } from './dialects/ollama/errors.ts'
import { getPs, getTags, getVersion, postShow, refuseChange, showSchema } from './ollama.ts'
import { postEmbed, postOldEmbed } from './embed.ts'
import { embedSchema, oldEmbedSchema } from './embeddings/schema.ts'
import type { Route } from './route.ts'

const routes: Route[] = [
  { method: 'GET', path: '/api/tags', handler: getTags, summary: 'the models that are served' },
  {
    method: 'POST',
    path: '/api/show',
    handler: postShow,
    summary: 'what is known of a model',
    body: showSchema,
  },
  { method: 'GET', path: '/api/ps', handler: getPs, summary: 'the models that are loaded' },
  { method: 'GET', path: '/api/version', handler: getVersion, summary: 'the version whose API this is' },
  {
    method: 'POST',
    path: '/api/embed',
    handler: postEmbed,
    summary: 'vectors of texts, by a model that declares a pooling',
    body: embedSchema,
  },
  {
    method: 'POST',
    path: '/api/embeddings',
    handler: postOldEmbed,
    summary: 'the vector of one text, in the older words',
    body: oldEmbedSchema,
  },
  { method: 'POST', path: '/api/pull', handler: refuseChange, summary: '501 in words' },
  { method: 'POST', path: '/api/push', handler: refuseChange, summary: '501 in words' },
  { method: 'POST', path: '/api/create', handler: refuseChange, summary: '501 in words' },
  { method: 'POST', path: '/api/copy', handler: refuseChange, summary: '501 in words' },
  { method: 'DELETE', path: '/api/delete', handler: refuseChange, summary: '501 in words' },
  { method: 'GET', path: '/api/blobs/:digest', handler: refuseChange, summary: '501 in words' },
  { method: 'POST', path: '/api/blobs/:digest', handler: refuseChange, summary: '501 in words' },
]

/** Their errors are Ollama's, whoever finds them. */
export const OLLAMA_ROUTES: readonly Route[] = routes.map((route) => ({
  access: route.path.startsWith('/api/embed') ? ['infer'] : [],
  ...route,
  errorBody: ollamaErrorBody,
}))
