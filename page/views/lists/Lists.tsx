// The lists show the sessions that the server keeps for this key, and the model that it serves; all can be deleted.

import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { VNode } from 'preact'
import { abilities, askAbilities } from '../../state/abilities.ts'
import { recommended } from '../../state/sampling.ts'
import { health, model, server } from '../../state/server.ts'
import { ago, bytesInWords, failure, hasMore, load, remove, said, sessions, type Session } from '../../state/sessions.ts' // prettier-ignore
import { DeleteAll } from './DeleteAll.tsx'

export function Lists(): VNode {
  const title = useRef<HTMLHeadingElement>(null)
  const now = Date.now() / 1000
  const list = sessions.value
  const at = server.value
  useEffect(() => void load(), [at])
  const removeOne = async (id: string): Promise<void> => {
    if (await remove(id)) title.current?.focus()
  }
  return (
    <section class="lists stack">
      <Model />
      <div class="row lists-head">
        <h2 ref={title} tabIndex={-1}>
          Sessions
        </h2>
        <button class="button quiet" type="button" onClick={() => void load()}>
          Refresh
        </button>
      </div>
      <p class="dim extract-said">
        A session is a chat as the server remembers it, with the memory that makes its next answer fast.
      </p>
      {failure.value !== undefined && (
        <p class="extract-failure" role="alert">
          {failure.value}
        </p>
      )}
      {list?.length === 0 && <p class="dim">None yet. Each chat and each extraction begins one.</p>}
      {list !== undefined && list.length > 0 && (
        <ul class="lists-sessions">
          {list.map((session) => (
            <li key={session.id}>
              <Row session={session} now={now} />
              <button
                class="button quiet"
                type="button"
                aria-label={`Delete session ${shortId(session.id)}`}
                onClick={() => void removeOne(session.id)}
              >
                Delete
              </button>
            </li>
          ))}
        </ul>
      )}
      <div class="row">
        {hasMore.value && (
          <button class="button" type="button" onClick={() => void load(true)}>
            Show more
          </button>
        )}
        <DeleteAll />
      </div>
      <p role="status" class="extract-said">
        {said.value}
      </p>
    </section>
  )
}

/** The end tells sessions apart. */
function shortId(id: string): string {
  return `…${id.slice(-8)}`
}

function Row({ session, now }: { session: Session; now: number }): VNode {
  const { id, state, tokens, used_at, cache } = session
  return (
    <div>
      <code title={id}>{shortId(id)}</code> <span class="dim">{ago(used_at, now)}</span>
      <div class="dim extract-said">
        {tokens} tokens · {bytesInWords(cache.memory.bytes)} in memory, {bytesInWords(cache.storage.bytes)}{' '}
        stored
        {state === 'done' ? '' : ` · ${state}`}
      </div>
    </div>
  )
}

function Model(): VNode {
  const shown = model.value
  const { window, sinks } = health.value ?? {}
  const open = useSignal(false)
  const id = shown?.id
  useEffect(() => {
    if (open.value && id !== undefined) void askAbilities(id)
  }, [open.value, id])
  if (shown === undefined) return <p class="dim">The model is not known yet.</p>
  const facts: [string, string][] = [
    [
      'Recommended sampling',
      Object.entries(recommended.value)
        .map(([name, value]) => `${name} ${value}`)
        .join(', ') || 'none',
    ],
    [
      'Sees',
      typeof window === 'number'
        ? `the last ${window} tokens, and the first ${sinks}`
        : 'all of its trained context',
    ],
    ['Can do', abilities.value?.join(', ') ?? 'not known'],
  ]
  return (
    <details open={open.value} onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>
        Model <span class="mono">{shown.id}</span>
      </summary>
      <dl class="lists-facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt class="dim">{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}
