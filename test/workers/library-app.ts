// A Worker of somebody's own with two Islets over one class of lanes: one behind its own door, one behind keys.

import { Hono } from 'hono'
import { createIslet, createLane, type Caller } from '../../src/islet.ts'
import { workersAI } from '../../src/binding/client.ts'

type Bindings = { MODEL: string; KEYS: string; MIND: object }

/** Who signs in as `NAME`, and as `root NAME` to operate. */
const callerOf = (header: string | undefined): Caller | undefined => {
  const [, root, tenant] = /^(root )?(\w+)$/.exec(header ?? '') ?? []
  return tenant === undefined ? undefined : { tenant, ...(root && { scopes: ['infer', 'read', 'operate'] }) }
}

const mine = createIslet<Bindings>((env) => ({
  model: env.MODEL,
  window: 256,
  bindings: { lane: 'MIND' },
  caller: (c) => callerOf(c.req.header('x-user')),
}))
const keyed = createIslet<Bindings>((env) => ({
  model: env.MODEL,
  window: 256,
  apiKeys: [env.KEYS],
  bindings: { lane: 'MIND' },
}))
const lost = createIslet<Bindings>({ bindings: { lane: 'NOWHERE' } })

export class LaneObject extends mine.Lane {}
export class WorkersAI extends mine.WorkersAI {}

const app = new Hono<{ Bindings: Bindings }>()
app.get('/v1/models', (c) => c.text('not of Islet'))
app.route('/ai', mine.app)
app.route('/teams/:team/ai', mine.app)
app.route('/keyed', keyed.app)
app.route('/lost', lost.app)
app.post('/chat', async (c) => {
  const binding = mine.binding(c.env, { tenant: 'ada' })
  return c.json(await binding.chat(await c.req.json()))
})
app.post('/stream', async (c) => {
  const binding = mine.binding(c.env, { tenant: 'ada' })
  return c.body(await binding.stream(await c.req.json()))
})
app.post('/sessions', async (c) => c.json(await mine.binding(c.env, { tenant: 'ada' }).sessions()))
/** Stops an endless answer by its signal, behind as many events. */
app.post('/abort', async (c) => {
  const ai = workersAI(mine.binding(c.env, { tenant: 'bob' }))
  const left = new AbortController()
  const run = ai.run as (...given: unknown[]) => Promise<ReadableStream<Uint8Array>>
  const stream = await run.call(ai, c.env.MODEL, { ...(await c.req.json<object>()), stream: true }, { signal: left.signal }) // prettier-ignore
  const seen: number[] = []
  try {
    for await (const bytes of stream) if (seen.push(bytes.length) === 3) left.abort(new Error('enough'))
  } catch (error) {
    return c.text(`${error instanceof Error ? error.message : ''} behind ${seen.length}`)
  }
  return c.text(`all ${seen.length}`)
})
app.get('/second', (c) => {
  createLane({ model: 'other' })
  return c.text('made')
})
app.onError((error, c) => c.text(error.message, 500))

export default app
