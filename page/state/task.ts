// A task does one thing at a time for a view, which can stop it, and keeps what went wrong in words.

import { batch, signal, type Signal } from '@preact/signals'
import { reasonOf } from '../client/server.ts'
import { tell } from './server.ts'

export type Task = {
  isRunning: Signal<boolean>
  /** What went wrong; empty: nothing. */
  failure: Signal<string>
  stop(): void
  /** Does `work` in place of what runs; `failed` may return true for what it shows itself. Returns whether it went well. */
  run(work: (signal: AbortSignal) => Promise<void>, failed?: (error: unknown) => boolean): Promise<boolean>
}

export function task(): Task {
  const isRunning = signal(false)
  const failure = signal('')
  let running: AbortController | undefined
  const stop = (): void => running?.abort()
  return {
    isRunning,
    failure,
    stop,
    async run(work, failed) {
      stop()
      const own = (running = new AbortController())
      batch(() => {
        isRunning.value = true
        failure.value = ''
      })
      try {
        await work(own.signal)
        return true
      } catch (error) {
        if (own.signal.aborted) return false
        tell(error)
        if (failed?.(error) !== true) failure.value = reasonOf(error)
        return false
      } finally {
        if (running === own) isRunning.value = false
      }
    },
  }
}
