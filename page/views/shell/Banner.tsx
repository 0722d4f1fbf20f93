// The banner says in a sentence what is the matter with the server: away, loading, busy, or in want of a key.

import type { VNode } from 'preact'
import { askNow, health, trouble } from '../../state/server.ts'
import { loadedShare, standing, words } from '../../state/standing.ts'
import { Button, useSeconds } from './controls.tsx'

/** Said once for each state: the numbers of a load would be read out without end. */
const SAID: Partial<Record<string, string>> = {
  loading: 'The model is loading.',
  ready: 'The model is ready.',
}

export function Banner({ onKey }: { onKey: () => void }): VNode {
  const { sentence } = words.value
  const at = standing.value
  const { text, until } = trouble.value ?? {}
  return (
    <section aria-label="The state of the server">
      <p class="visually-hidden" role="status">
        {SAID[at] ?? sentence}
      </p>
      {sentence && (
        <div class={`shell-banner shell-${at}`}>
          <p>{sentence}</p>
          {at === 'loading' && (
            <progress class="shell-load" value={loadedShare(health.value)} aria-label="The model loads" />
          )}
          {at === 'away' && (
            <Button kind="" onClick={askNow}>
              Ask now
            </Button>
          )}
          {at === 'key' && (
            <Button kind="" onClick={onKey}>
              Enter a key
            </Button>
          )}
        </div>
      )}
      {until && at !== 'away' && (
        <div class="shell-banner" role="status">
          <p>{text}</p>
          <Countdown key={until} until={until} />
        </div>
      )}
    </section>
  )
}

/** Seconds that are left; not read out. */
function Countdown({ until }: { until: number }): VNode {
  return (
    <span class="badge" aria-hidden="true">
      {useSeconds(until, Date.now)} s
    </span>
  )
}
