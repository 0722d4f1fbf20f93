// The memory watch keeps the report of the shown session fresh, also while an answer grows.

import { effect, signal } from '@preact/signals'
import { callJson, reasonOf, ServerError } from '../client/server.ts'
import { growth, memory, session } from './focus.ts'
import { reportOf, type IsolateBytes, type Report } from './memory.ts'
import { server } from './server.ts'

/** Bytes of the isolate, which reports within a stream leave out. */
export const isolate = signal<IsolateBytes | undefined>(undefined)
/** Why there is no report, in words. */
export const missing = signal('')

/** A stream that tells of its memory is not asked beside; one that does not is, this often. Milliseconds. */
const STALE_MS = 1000
/** So long after its last frame an answer counts as ended. */
const QUIET_MS = 400

/** Watches until what it returns is called. */
export function watchMemory(now: () => number = () => performance.now()): () => void {
  let asking: AbortController | undefined
  let quiet: ReturnType<typeof setTimeout> | undefined
  let toldAt = -Infinity
  let of: string | undefined

  async function look(): Promise<void> {
    asking?.abort()
    const id = session.peek()
    if (id === undefined) return
    const own = (asking = new AbortController())
    toldAt = now()
    try {
      const path = `/v1/sessions/${id}/memory`
      const report = await callJson<Report>(server.peek(), 'GET', path, undefined, own.signal)
      if (own.signal.aborted) return
      memory.value = report
      missing.value = ''
    } catch (error) {
      if (own.signal.aborted) return
      missing.value =
        error instanceof ServerError && error.status === 404
          ? 'The server does not keep this session any more.'
          : reasonOf(error)
    }
  }

  const ends = [
    effect(() => {
      if (of !== undefined && of !== session.value) memory.value = undefined
      of = session.value
      missing.value = ''
      void look()
    }),
    effect(() => {
      const report = reportOf(memory.value)
      toldAt = now()
      if (report?.isolate) isolate.value = report.isolate
    }),
    effect(() => {
      if (growth.value === 0) return
      clearTimeout(quiet)
      quiet = setTimeout(() => void look(), QUIET_MS)
      if (now() - toldAt > STALE_MS) void look()
    }),
  ]
  return () => {
    clearTimeout(quiet)
    asking?.abort()
    for (const end of ends) end()
  }
}
