// The memory watch keeps the report of the shown session fresh, also while an answer grows.

import van from 'vanjs-core'
import { callJson, type ServerError } from '../client/server.ts'
import { growth, memory, session } from './focus.ts'
import { reportOf, type IsolateBytes, type Report } from './memory.ts'
import { server } from './server.ts'
import { task } from './task.ts'
import { whenever } from './whenever.ts'

/** Bytes of the isolate, which reports within a stream leave out. */
export const isolate = van.state<IsolateBytes | undefined>()
/** Why there is no report, in words. */
export const { failure: missing, run, stop } = task()

/** A stream that tells of its memory is not asked beside; one that does not is, this often. Milliseconds. */
const STALE_MS = 1000
/** So long after its last frame an answer counts as ended. */
const QUIET_MS = 400

/** Watches until what it returns is called. */
export function watchMemory(): () => void {
  let quiet: ReturnType<typeof setTimeout> | undefined
  let toldAt = -Infinity
  let of: string | undefined

  const look = (): Promise<boolean> =>
    run(
      async (signal) => {
        const id = session.rawVal
        if (id === undefined) return
        toldAt = Date.now()
        const path = `/v1/sessions/${id}/memory`
        const report = await callJson<Report>(server(), 'GET', path, undefined, signal)
        if (!signal.aborted) memory.val = report
      },
      (error) => {
        const isGone = (error as ServerError).status === 404
        if (isGone) missing.val = 'The server has forgotten this session.'
        return isGone
      },
    )

  const ends = [
    whenever(() => {
      if (of === session.val) return
      if (of !== undefined) memory.val = undefined
      of = session.val
      void look()
    }),
    whenever(() => {
      const report = reportOf(memory.val)
      toldAt = Date.now()
      if (report?.isolate) isolate.val = report.isolate
    }),
    whenever(() => {
      if (growth.val === 0) return
      clearTimeout(quiet)
      quiet = setTimeout(() => void look(), QUIET_MS)
      if (Date.now() - toldAt > STALE_MS) void look()
    }),
  ]
  return () => {
    clearTimeout(quiet)
    stop()
    for (const end of ends) end()
  }
}
