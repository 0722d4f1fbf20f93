// The standing of the server is one of few states, and this module has the words for each.

import { megabytes } from './memory.ts'
import { base, health, reachable, trouble, type Health, type Trouble } from './server.ts'

export type Standing = 'connecting' | 'away' | 'key' | 'failed' | 'loading' | 'ready'

/** What is told in the header, and the sentence for the banner; none where all is well. */
export type Words = { state: string; sentence?: string }

export function standingOf(
  reachable: boolean | undefined,
  health: Health | undefined,
  trouble: Trouble | undefined,
): Standing {
  if (reachable === false) return 'away'
  if (trouble?.status === 401) return 'key'
  if (!health) return 'connecting'
  return health.status === 'ok' ? 'ready' : health.status === 'error' ? 'failed' : 'loading'
}

/** The share of the model that has come, from 0 to 1; 0 before anything is known. */
export function loadedShare(health: Health | undefined): number {
  return health && health.total_bytes > 0 ? Math.min(1, health.loaded_bytes / health.total_bytes) : 0
}

export function wordsOf(standing: Standing, health: Health | undefined, base: string): Words {
  const where = `The server ${base && `at ${base} `}`
  const total = health?.total_bytes ?? 0
  const words: Record<Standing, [state: string, sentence?: string]> = {
    connecting: ['Connecting'],
    away: ['Away', `${where}does not answer. The page asks again every two seconds.`],
    key: ['Key needed', `${where}wants a key, or does not know this one.`],
    failed: ['Failed', `The model could not be loaded: ${health?.message ?? 'nobody knows why'}`],
    loading: [
      total > 0 ? `Loading ${Math.floor(100 * loadedShare(health))} %` : 'Loading',
      `The model is loading${total > 0 ? `: ${megabytes(health!.loaded_bytes)} of ${megabytes(total)}` : ''}. You can write already.`,
    ],
    ready: ['Ready'],
  }
  const [state, sentence] = words[standing]
  return { state, ...(sentence && { sentence }) }
}

export const standing = (): Standing => standingOf(reachable.val, health.val, trouble.val)
export const words = (): Words => wordsOf(standing(), health.val, base.val)
