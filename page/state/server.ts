// This module knows the server that the page talks to, whether it answers, and how far its model has loaded.

import van from 'vanjs-core'
import { callJson, send, ServerError, wait, type Server } from '../client/server.ts'
import { remembered } from './preferences.ts'
import { whenever } from './whenever.ts'

/** What GET /health says; what a key that may not operate is not told is missing. */
export type Health = {
  status: 'ok' | 'loading' | 'error'
  state: string
  model: string
  loaded_bytes: number
  total_bytes: number
  window?: number | null
  windows?: number[]
  sinks?: number
  linear_memory_bytes?: number
  running?: number
  waiting?: number
  message?: string
  note?: string
  /** Of each, where several models are served. */
  models?: Health[]
}

/** An entry of GET /v1/models, as far as the page reads it. */
export type Model = {
  id: string
  meta?: Record<string, unknown>
  [field: string]: unknown
}

/** What went wrong last, and when it is over, in milliseconds since 1970, if that is known. */
export type Trouble = { text: string; status: number; until?: number }

const text = (value: unknown): boolean => typeof value === 'string'

export const base = remembered('base', '', text)
/** Whether the key outlives the page. */
export const keepKey = remembered('keep-key', false, (value) => typeof value === 'boolean')
const keptKey = remembered('key', '', text)
export const key = van.state(keptKey.val)

/** The server as it is asked now. */
export const server = (): Server => ({ base: base.rawVal, key: key.rawVal })
export const health = van.state<Health | undefined>()
/** Those that are served, and the one that is talked to. */
export const models = van.state<Model[]>([])
export const model = van.state<Model | undefined>()
const chosen = remembered('model', '', text)
/** Whether the last question had an answer; undefined before the first. */
export const reachable = van.state<boolean | undefined>()
export const trouble = van.state<Trouble | undefined>()

van.derive(() => {
  keptKey.val = keepKey.val ? key.val : ''
})

/** Seconds until the banner goes where the server did not say. */
const USUAL_WAIT = 5

const again = van.state(0)

/** Milliseconds between questions: while it loads, while it is away, and when all is well. */
const [LOADING_MS, AWAY_MS, WELL_MS] = [400, 2000, 15_000]

/** An address as a person writes it: with or without a slash or `/v1` at its end. */
export function baseOf(written: string): string {
  return written.trim().replace(/\/+$/, '').replace(/\/v1$/, '')
}

/** Why an address cannot be asked: the page's policy knows https and this machine alone. Undefined if it can. */
export function wrongBase(written: string): string | undefined {
  const base = baseOf(written)
  const { protocol, hostname } = URL.parse(base) ?? {}
  if (!base || protocol === 'https:' || (protocol === 'http:' && hostname === 'localhost')) return undefined
  return 'Give an https:// address or http://localhost.'
}

/** Talks to another of the models from now on. */
export function useModel(id: string): void {
  chosen.val = id
  askNow()
}

/** Talks to another server from now on, or with another key. */
export function useServer(to: Partial<Server>): void {
  if (to.key !== undefined) key.val = to.key.trim()
  if (to.base !== undefined) base.val = baseOf(to.base)
}

/** Failures that concern the whole page, not only what was asked. */
const SHARED = [401, 429, 503]

/**
 * Shows in the banner what went wrong with a request, where it concerns the whole page: no answer, no key, too much to do. Views
 * may call it with whatever they caught.
 */
export function tell(error: unknown): void {
  if (!(error instanceof ServerError)) return
  const { status, message, retryAfter } = error
  if (status === 0) reachable.val = false
  if (!SHARED.includes(status)) return
  const told: Trouble = { text: message, status }
  if (status !== 401) {
    const ms = 1000 * (retryAfter ?? USUAL_WAIT)
    told.until = Date.now() + ms
    setTimeout(() => trouble.rawVal === told && (trouble.val = undefined), ms)
  }
  trouble.val = told
}

/** Asks how the server is, again and again, and anew when it becomes another one. Returns what ends it. */
export function connect(): () => void {
  let running: AbortController | undefined
  const end = whenever(() => {
    const asked = { base: base.val, key: key.val }
    void again.val
    running?.abort()
    running = new AbortController()
    health.val = model.val = reachable.val = trouble.val = undefined
    void watch(asked, running.signal)
  })
  return () => (end(), running?.abort())
}

/** Asks at once. */
export function askNow(): void {
  again.val++
}

async function watch(asked: Server, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await look(asked, signal)
    const ready = health.rawVal?.status === 'ok'
    await pause(reachable.rawVal === false ? AWAY_MS : ready ? WELL_MS : LOADING_MS, signal)
  }
}

async function look(asked: Server, signal: AbortSignal): Promise<void> {
  try {
    const response = await send(asked, '/health', { signal })
    const said = (await response.json()) as Health
    if (signal.aborted) return
    reachable.val = true
    const own = said.models?.find((one) => one.model === chosen.rawVal)
    if (said.status !== undefined) health.val = own ?? said
    if (model.rawVal !== undefined) return
    const { data } = await callJson<{ data: Model[] }>(asked, 'GET', '/v1/models', undefined, signal)
    models.val = data
    model.val = data.find(({ id }) => id === chosen.rawVal) ?? data[0]
    if (trouble.rawVal?.status === 401) trouble.val = undefined
  } catch (error) {
    if (signal.aborted) return
    if (error instanceof ServerError && error.status !== 0) tell(error)
    else reachable.val = false
  }
}

let wake: (() => void) | undefined
// Absent where tests run.
globalThis.addEventListener?.('online', () => wake?.())

/** Waits, but no longer than until the browser says that the network is back. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    wake = resolve
    void wait(ms, signal).then(resolve)
  })
}
