// GET /health: 200 once a lane can answer, else 503 with its state. GET /: what this is.

import type { ApiContext, ApiDeps } from './context.ts'

/** Handler of GET /health. */
export function getHealth(deps: ApiDeps) {
  return async function health(c: ApiContext): Promise<Response> {
    const health = await deps.lanes(c).health()
    const { state, model, done, total, window, message, note } = health
    const body = {
      status: state === 'ready' ? 'ok' : state === 'failed' ? 'error' : 'loading',
      state,
      model,
      loaded_bytes: done,
      total_bytes: total,
      window: window.window ?? null,
      ...(window.byDepth !== undefined && { windows: window.byDepth }),
      sinks: window.sinks,
      linear_memory_bytes: health.linearMemoryBytes,
      running: health.running,
      waiting: health.waiting,
      storage: health.storage,
      ...(message !== undefined && { message }),
      ...(note !== undefined && { note }),
    }
    return state === 'ready' ? c.json(body, 200) : c.json(body, 503, { 'retry-after': '1' })
  }
}

/** Handler of GET /. */
export function getRoot(c: ApiContext): Response {
  return c.json({
    name: 'Islet',
    what: 'Small language models inside a Cloudflare Worker, behind an OpenAI-compatible API. Use /v1 as the base URL.',
    endpoints: [
      'POST /v1/chat/completions',
      'POST /v1/completions',
      'POST /v1/responses',
      'GET, DELETE /v1/responses/:id',
      'POST /v1/responses/:id/cancel',
      'GET /v1/responses/:id/input_items',
      'GET, DELETE /v1/sessions',
      'GET, DELETE /v1/sessions/:id',
      'POST /v1/sessions/:id/fork',
      'GET /v1/sessions/:id/stream',
      'GET /v1/models',
      'GET /v1/models/:id',
      'GET /health',
    ],
    docs: 'README.md and docs/ in the repository',
  })
}
