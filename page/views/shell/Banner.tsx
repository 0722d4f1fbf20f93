// The banner says in a sentence what is the matter with the server: away, loading, busy, or in want of a key.

import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { askNow, health, trouble } from '../../state/server.ts'
import { loadedShare, standing, words } from '../../state/standing.ts'

export function Banner({ onKey }: { onKey: () => void }): VNode {
  const { sentence } = words.value
  const at = standing.value
  const busy = trouble.value?.until !== undefined && at !== 'away'
  return (
    <section aria-label="The state of the server">
      {/* Said once for each state: the numbers of a load would be read out without end. */}
      <p class="visually-hidden" role="status">
        {at === 'loading'
          ? 'The model is loading.'
          : at === 'ready'
            ? 'The model is ready.'
            : (sentence ?? '')}
      </p>
      {sentence !== undefined && (
        <div class={`shell-banner shell-banner-${at}`}>
          <p>{sentence}</p>
          {at === 'loading' && <LoadBar />}
          {at === 'away' && (
            <button type="button" class="button" onClick={askNow}>
              Ask now
            </button>
          )}
          {at === 'key' && (
            <button type="button" class="button" onClick={onKey}>
              Enter a key
            </button>
          )}
        </div>
      )}
      {busy && (
        <div class="shell-banner shell-banner-busy" role="status">
          <p>{trouble.value?.text}</p>
          <Countdown until={trouble.value?.until ?? 0} />
        </div>
      )}
    </section>
  )
}

function LoadBar(): VNode {
  const share = health.value === undefined ? 0 : loadedShare(health.value)
  return <progress class="shell-load" value={share} max={1} aria-label="The model loads" />
}

/** Seconds that are left, each second; not read out. */
function Countdown({ until }: { until: number }): VNode {
  const left = useSignal(0)
  useEffect(() => {
    const count = (): void => void (left.value = Math.max(0, Math.ceil((until - Date.now()) / 1000)))
    count()
    const timer = setInterval(count, 250)
    return () => clearInterval(timer)
  }, [until])
  return (
    <span class="badge" aria-hidden="true">
      {left.value} s
    </span>
  )
}
