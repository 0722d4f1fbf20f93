// Health answers 200 once a lane can serve, else 503 with its state; the root says what this server is.

import type { LaneHealth, StageHealth } from '../protocol/lane-reports.ts'
import type { ApiContext, ApiDeps } from './context.ts'
import { hasAccess } from './http/auth.ts'
import { pageFor } from './page.ts'

/** Handler of GET /health. */
export function getHealth(deps: ApiDeps) {
  return async function health(c: ApiContext): Promise<Response> {
    const health = await deps.lanes(c).health()
    const isTold = await hasAccess(c, deps.config.apiKeys, 'operate')
    const each = health.models?.map((one) => bodyOf(one, isTold))
    const body = { ...bodyOf(health, isTold), ...(each && { models: each }) }
    return health.state === 'ready' ? c.json(body, 200) : c.json(body, 503, { 'retry-after': '1' })
  }
}

function bodyOf(health: LaneHealth, isTold: boolean): object {
  const { state, model, done, total } = health
  return {
    status: state === 'ready' ? 'ok' : state === 'failed' ? 'error' : 'loading',
    state,
    model,
    loaded_bytes: done,
    total_bytes: total,
    ...(isTold && detailsOf(health)),
  }
}

/** What is told to whoever may use the lanes: it shows what others do. */
function detailsOf({ window, message, note, stages, models: _, ...health }: LaneHealth): object {
  return {
    window: window.window ?? null,
    ...(window.byDepth !== undefined && { windows: window.byDepth }),
    sinks: window.sinks,
    linear_memory_bytes: health.linearMemoryBytes,
    running: health.running,
    waiting: health.waiting,
    storage: health.storage,
    ...(stages !== undefined && { stages: stages.map(stageOf) }),
    ...(message !== undefined && { message }),
    ...(note !== undefined && { note }),
  }
}

function stageOf({ name, state, linearMemoryBytes, calls, lastHopMs, slowestHopMs }: StageHealth): object {
  return {
    name,
    state,
    linear_memory_bytes: linearMemoryBytes,
    calls,
    last_hop_ms: lastHopMs,
    slowest_hop_ms: slowestHopMs,
  }
}

/** Handler of GET /: the page for browsers, JSON for others. */
export function getRoot(deps: ApiDeps, endpoints: readonly string[]) {
  return async function root(c: ApiContext): Promise<Response> {
    const page = await pageFor(deps, c)
    if (page !== undefined) return page
    return c.json({
      name: 'Islet',
      what: 'Small language models inside a Cloudflare Worker, behind an OpenAI-compatible API. Use /v1 as the base URL.',
      endpoints,
      docs: 'README.md and docs/ in the repository',
    })
  }
}
