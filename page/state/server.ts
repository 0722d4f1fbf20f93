// This module knows the server that the page talks to, whether it answers, and how far its model has loaded.

import { computed, effect, signal } from '@preact/signals'
import { callJson, send, ServerError, type Server } from '../client/server.ts'
import { remembered } from './preferences.ts'

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

const base = remembered('base', '', text)
/** Whether the key outlives the page. */
export const keepKey = remembered('keep-key', false, (value) => typeof value === 'boolean')
const keptKey = remembered('key', '', text)
const key = signal(keptKey.value)

export const server = computed<Server>(() => ({ base: base.value, key: key.value }))
export const health = signal<Health | undefined>(undefined)
/** Those that are served, and the one that is talked to. */
export const models = signal<Model[]>([])
export const model = signal<Model | undefined>(undefined)
const chosen = remembered('model', '', text)
/** Whether the last question had an answer; undefined before the first. */
export const reachable = signal<boolean | undefined>(undefined)
export const trouble = signal<Trouble | undefined>(undefined)

effect(() => {
  keptKey.value = keepKey.value ? key.value : ''
})

/** Seconds until the banner goes where the server did not say. */
const USUAL_WAIT = 5

const again = signal(0)

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
  return 'Give an https:// address, or http://localhost with its port.'
}

/** Talks to another of the models from now on. */
export function useModel(id: string): void {
  chosen.value = id
  askNow()
}

/** Talks to another server from now on, or with another key. */
export function useServer(to: Partial<Server>): void {
  if (to.key !== undefined) key.value = to.key.trim()
  if (to.base !== undefined) base.value = baseOf(to.base)
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
  if (status === 0) reachable.value = false
  if (!SHARED.includes(status)) return
  const told: Trouble = { text: message, status }
  if (status !== 401) {
    const ms = 1000 * (retryAfter ?? USUAL_WAIT)
    told.until = Date.now() + ms
    setTimeout(() => trouble.peek() === told && (trouble.value = undefined), ms)
  }
  trouble.value = told
}

/** Asks how the server is, again and again, and anew when it becomes another one. Returns what ends it. */
export function connect(): () => void {
  return effect(() => {
    const asked = server.value
    void again.value
    const ended = new AbortController()
    health.value = model.value = reachable.value = trouble.value = undefined
    void watch(asked, ended.signal)
    return () => ended.abort()
  })
}

/** Asks at once. */
export function askNow(): void {
  again.value++
}

async function watch(asked: Server, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await look(asked, signal)
    const ready = health.peek()?.status === 'ok'
    await pause(reachable.peek() === false ? AWAY_MS : ready ? WELL_MS : LOADING_MS, signal)
  }
}

async function look(asked: Server, signal: AbortSignal): Promise<void> {
  try {
    const response = await send(asked, '/health', { signal })
    const said = (await response.json()) as Health
    if (signal.aborted) return
    reachable.value = true
    const own = said.models?.find((one) => one.model === chosen.peek())
    if (said.status !== undefined) health.value = own ?? said
    if (model.peek() !== undefined) return
    const { data } = await callJson<{ data: Model[] }>(asked, 'GET', '/v1/models', undefined, signal)
    models.value = data
    model.value = data.find(({ id }) => id === chosen.peek()) ?? data[0]
    if (trouble.peek()?.status === 401) trouble.value = undefined
  } catch (error) {
    if (signal.aborted) return
    if (error instanceof ServerError && error.status !== 0) tell(error)
    else reachable.value = false
  }
}

/** Waits, but no longer than until the browser says that the network is back, or the page is seen again. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      globalThis.removeEventListener?.('online', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    globalThis.addEventListener?.('online', done)
    signal.addEventListener('abort', done)
  })
}
