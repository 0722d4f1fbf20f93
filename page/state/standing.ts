// The standing of the server is one of few states, and this module has the words for each.

import { computed } from '@preact/signals'
import { health, reachable, server, trouble, type Health, type Trouble } from './server.ts'

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
  if (health === undefined) return 'connecting'
  if (health.status === 'ok') return 'ready'
  return health.status === 'error' ? 'failed' : 'loading'
}

/** The share of the model that has come, from 0 to 1; 0 before anything is known. */
export function loadedShare({ loaded_bytes: done, total_bytes: total }: Health): number {
  return total > 0 ? Math.min(1, done / total) : 0
}

export function megabytes(bytes: number): string {
  const mb = bytes / 1e6
  return `${mb < 10 ? mb.toFixed(1) : Math.round(mb)} MB`
}

export function wordsOf(standing: Standing, health: Health | undefined, base: string): Words {
  const where = base === '' ? 'The server' : `The server at ${base}`
  switch (standing) {
    case 'connecting':
      return { state: 'Connecting' }
    case 'away':
      return {
        state: 'Away',
        sentence: `${where} does not answer. The page asks again every two seconds, and goes on where it was.`,
      }
    case 'key':
      return { state: 'Key needed', sentence: `${where} wants a key, or does not know this one.` }
    case 'failed':
      return {
        state: 'Failed',
        sentence: `The model could not be loaded${health?.message === undefined ? '.' : `: ${health.message}`}`,
      }
    case 'loading': {
      const { total_bytes: total = 0, loaded_bytes: done = 0 } = health ?? {}
      const share = health === undefined ? 0 : loadedShare(health)
      return {
        state: total > 0 ? `Loading ${Math.floor(100 * share)} %` : 'Loading',
        sentence:
          total > 0
            ? `The model is loading: ${megabytes(done)} of ${megabytes(total)}. You can write already; it answers when it is there.`
            : 'The model is about to load. You can write already; it answers when it is there.',
      }
    }
    case 'ready':
      return { state: 'Ready' }
  }
}

export const standing = computed(() => standingOf(reachable.value, health.value, trouble.value))
export const words = computed(() => wordsOf(standing.value, health.value, server.value.base))
