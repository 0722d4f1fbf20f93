// A task does one thing at a time for a view, which can stop it, and keeps what went wrong in words.

import van, { type State } from 'vanjs-core'
import { reasonOf } from '../client/server.ts'
import { tell } from './server.ts'

export type Task = {
  isRunning: State<boolean>
  /** What went wrong; empty: nothing. */
  failure: State<string>
  stop(): void
  /** Does `work` in place of what runs; `failed` may return true for what it shows itself. Returns whether it went well. */
  run(work: (signal: AbortSignal) => Promise<void>, failed?: (error: unknown) => boolean): Promise<boolean>
}

export function task(): Task {
  const isRunning = van.state(false)
  const failure = van.state('')
  let running: AbortController | undefined
  const stop = (): void => running?.abort()
  return {
    isRunning,
    failure,
    stop,
    async run(work, failed) {
      stop()
      const own = (running = new AbortController())
      isRunning.val = true
      failure.val = ''
      try {
        await work(own.signal)
        return true
      } catch (error) {
        if (own.signal.aborted) return false
        tell(error)
        if (failed?.(error) !== true) failure.val = reasonOf(error)
        return false
      } finally {
        if (running === own) isRunning.val = false
      }
    },
  }
}
