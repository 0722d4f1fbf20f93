// The handler of GET /metrics asks every lane for its counts, or tells the router's own.

import type { ApiContext, ApiDeps } from '../context.ts'
import { exposition, type Source } from './exposition.ts'

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Handler of GET /metrics. */
export function getMetrics(deps: ApiDeps) {
  let router: string | undefined
  return async function metrics(c: ApiContext): Promise<Response> {
    const lanes = await deps.lanes(c).metrics()
    // Each isolate of the router counts for itself: without a name of its own their series would be one.
    router ??= deps.newId().slice(0, 8)
    const own: Source[] = [{ labels: { router }, metrics: deps.counts }]
    const sources = lanes?.map(({ metrics, ...labels }): Source => ({ labels, metrics }))
    return c.body(exposition(sources ?? own), 200, { 'content-type': CONTENT_TYPE })
  }
}
