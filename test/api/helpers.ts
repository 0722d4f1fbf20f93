// A scripted fake of the lanes, an app over it, and the real OpenAI client whose fetch is that app.

import OpenAI from 'openai'
import { createApp } from '../../src/api/app.ts'
import type { MemoryReport } from '../../src/protocol/memory.ts'
import type { ApiConfig, ApiDeps, ApiLimits } from '../../src/api/context.ts'
import type { GenerateRequest, GenerationEvent, Json } from '../../src/protocol/generation.ts'
import { IsletError } from '../../src/lib/errors.ts'
import type { Lanes } from '../../src/protocol/lanes.ts'
import type { LaneHealth, ModelCard } from '../../src/protocol/lane-reports.ts'

export const MODEL = 'smollm2-135m-instruct'
export const ORIGIN = 'http://localhost:8787'

export type Step = GenerationEvent | { wait: number } | { fail: unknown }

export type Fake = {
  lanes: Lanes
  requests: GenerateRequest[]
  /** Events handed out so far, and whether the generation was told to stop or ended. */
  produced: number
  closed: number
  /** Every other question, as `method tenant id`. */
  asked: string[]
}

export const start: GenerationEvent = { type: 'start', promptTokens: 12, cachedTokens: 5, truncatedTokens: 0 }
export const finish: GenerationEvent = {
  type: 'finish',
  reason: 'stop',
  usage: { promptTokens: 12, cachedTokens: 5, completionTokens: 3 },
  window: { window: 1024, sinks: 4, outOfSight: 0 },
}

export function text(value: string): GenerationEvent {
  return { type: 'text', text: value, ids: [value.length] }
}

export const HELLO: Step[] = [start, text('Hel'), text('lo'), text(' 🌍'), finish]
/** An answer whose texts bring a report of memory. */
export const watched = (memory: MemoryReport, steps: readonly Step[] = HELLO): Step[] =>
  steps.map((step) => ('type' in step && step.type === 'text' ? { ...step, memory } : step))

export const READY: LaneHealth = {
  state: 'ready',
  done: 90,
  total: 90,
  window: { window: 1024, sinks: 4 },
  model: MODEL,
}

type Script = Step[] | ((request: GenerateRequest) => Iterable<Step>)

export function fakeLanes(script: Script = HELLO, extra: Partial<Lanes> = {}): Fake {
  const cards: ModelCard[] = [
    { id: MODEL, created: 1_700_000_000, ownedBy: 'islet' },
    { id: 'org/tiny b', created: 1_700_000_001, ownedBy: 'islet' },
  ]
  const fake: Fake = { lanes: undefined as unknown as Lanes, requests: [], produced: 0, closed: 0, asked: [] }
  // Nothing is kept unless a test says what: every id is unknown.
  const nothing =
    (method: string) =>
    async (tenant: string, id: string): Promise<never> => {
      fake.asked.push(`${method} ${tenant} ${id}`)
      throw new IsletError('not_found', `There is no ${id}`)
    }
  fake.lanes = {
    async *resume(tenant, id) {
      fake.asked.push(`resume ${tenant} ${id}`)
      yield { type: 'error', code: 'not_found', message: `There is no ${id}` }
    },
    sessions: async (tenant, { limit, after }) => {
      fake.asked.push(`sessions ${tenant} ${limit} ${after ?? ''}`.trim())
      return []
    },
    session: nothing('session'),
    memory: nothing('memory'),
    fork: nothing('fork'),
    remove: nothing('remove'),
    removeAll: async (tenant) => {
      fake.asked.push(`removeAll ${tenant}`)
      return 3
    },
    turn: nothing('turn'),
    keepConversation: async ({ tenant, session }) => {
      fake.asked.push(`keepConversation ${tenant} ${session ?? ''}`.trim())
      throw new IsletError('not_found', `There is no ${session ?? 'lane'}`)
    },
    removeTurn: nothing('removeTurn'),
    cancelTurn: nothing('cancelTurn'),
    models: async () => cards,
    health: async () => READY,
    metrics: async () => [],
    async *score(request) {
      yield {
        type: 'error',
        code: 'engine_failure',
        message: `no scores are listed for ${request.requestId}`,
      }
    },
    async *tokens(request) {
      yield {
        type: 'error',
        code: 'engine_failure',
        message: `no tokens are listed for ${request.requestId}`,
      }
    },
    async *generate(request) {
      fake.requests.push(request)
      try {
        for (const step of typeof script === 'function' ? script(request) : script) {
          if ('wait' in step) await new Promise((resolve) => setTimeout(resolve, step.wait))
          else if ('fail' in step) throw step.fail
          else {
            fake.produced++
            yield step
          }
        }
      } finally {
        fake.closed++
      }
    },
    ...extra,
  }
  return fake
}

/** The key that a deployment sets, limits that it does not, and what it may bind. */
export type Settings = Partial<
  ApiConfig & ApiLimits & Pick<ApiDeps, 'tell' | 'limiter' | 'rate' | 'reference' | 'page'>
>

export function appOver(
  fake: Fake,
  { apiKeys, toldCaller, tell, limiter, rate, reference, page, ...limits }: Settings = {},
) {
  let ids = 0
  const logged: Record<string, unknown>[] = []
  const app = createApp({
    lanes: () => fake.lanes,
    config: { apiKeys, toldCaller },
    limits,
    tell,
    limiter,
    rate,
    reference,
    page,
    now: () => 1_763_900_000_000,
    newId: () => `id${++ids}`,
    newSeed: () => 4_000_000_000,
    log: (entry) => logged.push(entry),
  })
  return { app, logged }
}

export function clientOver(fake: Fake, settings: Settings = {}, apiKey = 'any') {
  const { app, logged } = appOver(fake, settings)
  const sent: Request[] = []
  const fetch = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(url, init)
    sent.push(request.clone())
    return app.fetch(request)
  }
  const client = new OpenAI({ apiKey, baseURL: `${ORIGIN}/v1`, fetch: fetch })
  return { client, app, logged, sent }
}

export async function post(fake: Fake, path: string, body: unknown, headers: Record<string, string> = {}) {
  const { app } = appOver(fake)
  const raw = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  return app.request(`${ORIGIN}${path}`, { method: 'POST', body: raw as BodyInit, headers })
}

export const chat = (extra: Record<string, unknown> = {}) => ({
  model: MODEL,
  messages: [{ role: 'user' as const, content: 'Hi' }],
  ...extra,
})

export const completion = (extra: Record<string, unknown> = {}) => ({
  model: MODEL,
  prompt: 'Once',
  ...extra,
})

/** Everything an async iterable gives. */
export async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const gathered: T[] = []
  for await (const item of items) gathered.push(item)
  return gathered
}

export const SESSION = 'sess_1_abc'
export const TURN = '1_abc_t'

/** The first event of a stored turn, with the reply that its request brought. */
export const sessionOf = (reply: Json): GenerationEvent => ({
  type: 'session',
  session: SESSION,
  turn: TURN,
  reply,
})

/** Lanes that store each turn. */
export const stored = (events: readonly Step[] = HELLO): Fake =>
  fakeLanes((request) => [sessionOf(request.reply), ...events])
