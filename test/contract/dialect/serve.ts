// A served app answers from lanes that keep one turn, by a clock that never stands still.

import { createApp } from '../../../src/api/app.ts'
import type { GenerateRequest, GenerationEvent, Json } from '../../../src/protocol/generation.ts'
import { IsletError } from '../../../src/lib/errors.ts'
import type { Lanes } from '../../../src/protocol/lanes.ts'
import { joinTexts } from '../../../src/protocol/text-order.ts'
import {
  fakeLanes,
  ORIGIN,
  SESSION,
  sessionOf,
  TURN,
  type Fake,
  type Settings,
  type Step,
} from '../../api/helpers.ts'
import type { Answer, Ask, Dialect, Failure } from './dialect.ts'
import { readWire, type Wire } from './wire.ts'

/** Asks a path, of the app or of a worker. */
export type Send = (path: string, init?: RequestInit) => Promise<Response>

/** What an app is that answers from these lanes. */
export type Served = { send: Send; logged: Record<string, unknown>[] }

const CLOCK_STEP_MS = 61_000

export function serve({ lanes }: { lanes: Lanes }, { apiKeys, ...limits }: Settings = {}): Served {
  const logged: Record<string, unknown>[] = []
  let [ids, now] = [0, 1_763_900_000_000]
  const app = createApp({
    lanes: () => lanes,
    config: { apiKeys },
    limits,
    now: () => (now += CLOCK_STEP_MS),
    newId: () => `id${++ids}`,
    newSeed: () => 4_000_000_000,
    log: (entry) => void logged.push(entry),
  })
  return { send: async (path, init) => app.fetch(new Request(new URL(path, ORIGIN), init)), logged }
}

export type Keeping = Fake & {
  /** The lanes of each replay that was asked for. */
  replays: Fake[]
}

/**
 * Lanes that keep the last turn that was asked with `store`: `replay` is what comes when it is read on. A retry with the bytes of
 * a request before goes on with the reply that was kept for it, as docs/sessions.md has it.
 */
export function keeping(script: readonly Step[], replay: readonly Step[] = script): Keeping {
  const replies = new Map<string, Json>()
  const replays: Fake[] = []
  let last: { reply: Json; request: GenerateRequest } | undefined
  const fake = fakeLanes(
    (request) => {
      if (!request.store) return script
      const key = `${request.tenant} ${request.bodyHash}`
      const kept = request.retry ? replies.get(key) : undefined
      const reply = kept ?? (JSON.parse(JSON.stringify(request.reply)) as Json)
      replies.set(key, reply)
      last = { reply, request }
      return [sessionOf(reply), ...script]
    },
    {
      async *resume(tenant, id) {
        if (last === undefined || tenant !== last.request.tenant || (id !== SESSION && id !== TURN))
          throw new IsletError('not_found', `There is no ${id}`)
        const again = fakeLanes([sessionOf(last.reply), ...replay])
        replays.push(again)
        yield* again.lanes.generate(last.request)
      },
      async turn(tenant, id) {
        if (last === undefined || tenant !== last.request.tenant || id !== TURN)
          throw new IsletError('not_found', `There is no ${id}`)
        const { reply, request } = last
        const ids = { session: SESSION, turn: TURN }
        const conversation = request.conversation ?? []
        return { ...ids, reply, state: 'done', createdAt: 0, conversation, events: viewed(script) }
      },
    },
  )
  return Object.assign(fake, { replays })
}

/** The events by which a kept turn is shown. */
function viewed(script: readonly Step[]): GenerationEvent[] {
  const events = script.filter((step): step is GenerationEvent => 'type' in step)
  const texts = events.filter((event) => event.type === 'text')
  const [starts, ends] = [['start'], ['finish', 'error']].map((types) =>
    events.filter(({ type }) => types.includes(type)),
  )
  return [...starts, ...joinTexts(texts), ...ends]
}

export function post(
  send: Send,
  dialect: Dialect,
  ask: Ask,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  return send(dialect.path, { method: 'POST', body: JSON.stringify(dialect.body(ask)), headers, signal })
}

/** The whole reply. Throws unless its status is 200. */
export async function wholeOf(send: Send, dialect: Dialect, ask: Ask): Promise<Answer> {
  const response = await post(send, dialect, { ...ask, stream: false })
  if (response.status !== 200) throw new Error(`status ${response.status}: ${await response.text()}`)
  return dialect.whole(await response.json())
}

/** The streamed reply. Throws unless it is a stream. */
export async function streamOf(
  send: Send,
  dialect: Dialect,
  ask: Ask = {},
  headers: Record<string, string> = {},
): Promise<Wire> {
  return streamIn(await post(send, dialect, { ...ask, stream: true }, headers))
}

/** The stream of a response. Throws unless it is one. */
export async function streamIn(response: Response): Promise<Wire> {
  const type = response.headers.get('content-type') ?? ''
  if (response.status === 200 && type.startsWith('text/event-stream')) return readWire(response)
  throw new Error(`no stream but status ${response.status}: ${await response.text()}`)
}

/** Status and failure of a reply that is an error. */
export async function refusalOf(
  dialect: Dialect,
  response: Response,
): Promise<Failure & { status: number; headers: Headers }> {
  const { status, headers } = response
  if (!headers.get('content-type')?.startsWith('application/json'))
    throw new Error(`no error but status ${status}: ${await response.text()}`)
  return { status, headers, ...dialect.wholeFailure(await response.json()) }
}
