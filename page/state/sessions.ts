// The list of sessions is what the server keeps for this key, read a page at a time.

import van from 'vanjs-core'
import { call, callJson } from '../client/server.ts'
import { server } from './server.ts'
import { task } from './task.ts'

/** An entry of GET /v1/sessions, as far as the page reads it; `used_at` in seconds since 1970. */
export type Session = {
  id: string
  state: string
  used_at: number
  tokens: number
  cache: { memory: { bytes: number }; storage: { bytes: number } }
}

const PATH = '/v1/sessions'

export const sessions = van.state<readonly Session[] | undefined>()
export const hasMore = van.state(false)
/** What was done last, for those who do not see it. */
export const said = van.state('')
export const { failure, run } = task()

/** Reads the first page, or the one behind what is there. */
export function load(isFurther = false): Promise<boolean> {
  return run(async () => {
    const known = (isFurther && sessions.rawVal) || []
    const after = known.length > 0 ? `&after=${known[known.length - 1].id}` : ''
    type List = { data: Session[]; has_more: boolean }
    const list = await callJson<List>(server(), 'GET', `${PATH}?limit=20${after}`)
    sessions.val = [...known, ...list.data]
    hasMore.val = list.has_more
  })
}

export function remove(id: string): Promise<boolean> {
  return run(async () => {
    await call(server(), `${PATH}/${id}`, { method: 'DELETE' })
    sessions.val = sessions.rawVal?.filter((session) => session.id !== id)
    said.val = 'The session is deleted.'
  })
}

/** Deletes all sessions of this key at the server, and what `others` deletes in this browser. */
export function removeAll(others: () => Promise<void>): Promise<boolean> {
  return run(async () => {
    await call(server(), PATH, { method: 'DELETE' })
    await others()
    sessions.val = []
    hasMore.val = false
    said.val = 'All is deleted.'
  })
}

const UNITS = [['day', 86_400], ['hour', 3600], ['minute', 60]] as const // prettier-ignore
const relative = new Intl.RelativeTimeFormat('en')

/** How long ago, roughly; `at` and `now` in seconds since 1970. */
export function ago(at: number, now: number): string {
  const [unit, size] = UNITS.find(([, size]) => now - at >= size) ?? []
  return unit ? relative.format(-Math.floor((now - at) / size), unit) : 'just now'
}
