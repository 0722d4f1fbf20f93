// This Worker sends itself requests in a row, to the API as it is or through an app that it is mounted in.

import { Hono } from 'hono'
import { createApp } from '../../src/api/app.ts'
import { makeDeps } from '../../src/deps.ts'
import { createIslet } from '../../src/islet.ts'
import { setupOf, type IsletOptions } from '../../src/options.ts'

const options: IsletOptions = { caller: () => 'mine' }
const islet = createIslet(options)
export class Lane extends islet.Lane {}

const app = new Hono()
app.route('/ai', islet.app)

type Send = (env: object, ctx: ExecutionContext) => () => Response | Promise<Response>

const WAYS: Readonly<Record<string, Send>> = {
  alone(env) {
    const api = createApp(makeDeps(setupOf<object, IsletOptions>(options)(env)))
    return () => api.fetch(new Request('http://localhost/v1/models'), { caller: 'mine', base: '' })
  },
  mounted: (env, ctx) => () => app.fetch(new Request('http://localhost/ai/v1/models'), env, ctx),
}

export default {
  /** GET /WAY?count=N: the answers' statuses, each once. */
  async fetch(request: Request, env: object, ctx: ExecutionContext): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    const way = WAYS[pathname.slice(1)]
    if (way === undefined) return Response.json(Object.keys(WAYS))
    const send = way(env, ctx)
    const statuses = new Set<number>()
    for (let i = 0; i < Number(searchParams.get('count')); i++) {
      const response = await send()
      await response.text()
      statuses.add(response.status)
    }
    return Response.json([...statuses])
  },
}
