// The list of sessions is what the server keeps for this key, read a page at a time.

import { batch, signal } from '@preact/signals'
import { call, callJson, ServerError } from '../client/server.ts'
import { server } from './server.ts'

/** An entry of GET /v1/sessions, as far as the page reads it; `used_at` in seconds since 1970. */
export type Session = {
  id: string
  state: string
  used_at: number
  tokens: number
  cache: { memory: { bytes: number }; storage: { bytes: number } }
}

const PAGE = 20

export const sessions = signal<readonly Session[] | undefined>(undefined)
export const hasMore = signal(false)
export const failure = signal<string | undefined>(undefined)
/** What was done last, for those who do not see it. */
export const said = signal('')

/** Runs `work`; what goes wrong is shown. Returns whether it went well. */
async function tried(work: () => Promise<void>): Promise<boolean> {
  failure.value = undefined
  try {
    await work()
    return true
  } catch (error) {
    failure.value = error instanceof ServerError ? error.message : 'The connection broke off.'
    return false
  }
}

/** Reads the first page, or the one behind what is there. */
export function load(isFurther = false): Promise<boolean> {
  return tried(async () => {
    const known = isFurther ? (sessions.peek() ?? []) : []
    const after = known.length > 0 ? `&after=${encodeURIComponent(known[known.length - 1].id)}` : ''
    type List = { data: Session[]; has_more: boolean }
    const list = await callJson<List>(server.peek(), 'GET', `/v1/sessions?limit=${PAGE}${after}`)
    batch(() => {
      sessions.value = [...known, ...list.data]
      hasMore.value = list.has_more
    })
  })
}

export function remove(id: string): Promise<boolean> {
  return tried(async () => {
    await call(server.peek(), `/v1/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' })
    batch(() => {
      sessions.value = (sessions.peek() ?? []).filter((session) => session.id !== id)
      said.value = 'The session is deleted.'
    })
  })
}

/** Deletes all sessions of this key at the server, and what `others` deletes in this browser. */
export function removeAll(others: () => Promise<void>): Promise<boolean> {
  return tried(async () => {
    await call(server.peek(), '/v1/sessions', { method: 'DELETE' })
    await others()
    batch(() => {
      sessions.value = []
      hasMore.value = false
      said.value = 'All is deleted.'
    })
  })
}

/** How long ago, roughly; `at` and `now` in seconds since 1970. */
export function ago(at: number, now: number): string {
  const seconds = Math.max(0, now - at)
  if (seconds < 60) return 'just now'
  for (const [unit, size] of [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ] as const) {
    // prettier-ignore
    const count = Math.floor(seconds / size)
    if (count > 0) return `${count} ${unit}${count === 1 ? '' : 's'} ago`
  }
  return ''
}

/** In units of 1,000, as storage is sold and billed. */
export function bytesInWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 999_500) return `${Math.round(bytes / 1000)} kB`
  return `${(bytes / 1e6).toFixed(1)} MB`
}
