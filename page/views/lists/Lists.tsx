// The lists show the model that is served and the sessions of this key, which can be deleted.

import { useEffect, useRef } from 'preact/hooks'
import type { VNode } from 'preact'
import { abilities, askAbilities } from '../../state/abilities.ts'
import { bytesInWords } from '../../state/memory.ts'
import { recommended } from '../../state/sampling.ts'
import { health, model, server } from '../../state/server.ts'
import { ago, failure, hasMore, load, remove, said, sessions } from '../../state/sessions.ts'
import { Failure } from '../extract/Workbench.tsx'
import { DeleteAll } from './DeleteAll.tsx'

export function Lists(): VNode {
  const heading = useRef<HTMLHeadingElement>(null)
  const at = server.value
  const id = model.value?.id
  useEffect(() => {
    void load()
    if (id !== undefined) void askAbilities(id)
  }, [at, id])
  const removeOne = async (id: string): Promise<void> => {
    if (await remove(id)) heading.current?.focus()
  }
  return (
    <section class="lists stack">
      <Model />
      <h3 tabIndex={-1} ref={heading}>
        Sessions
      </h3>
      <p class="dim bench-small">What the server remembers of chats, so that answers begin fast.</p>
      <Failure text={failure.value} />
      {sessions.value?.length === 0 && <p class="dim">None yet.</p>}
      <ul>
        {sessions.value?.map(({ id, state, tokens, used_at, cache: { memory, storage } }) => (
          <li class="line bench-small" key={id}>
            <div>
              <code title={id}>…{id.slice(-8)}</code> {ago(used_at, Date.now() / 1000)}
              <div class="dim">
                {tokens} tokens · {bytesInWords(memory.bytes)} in memory, {bytesInWords(storage.bytes)} stored
                {state !== 'done' && ` · ${state}`}
              </div>
            </div>
            <button
              class="button quiet"
              aria-label={`Delete session …${id.slice(-8)}`}
              onClick={() => void removeOne(id)}
            >
              Delete
            </button>
          </li>
        ))}
      </ul>
      <div class="row">
        {hasMore.value && (
          <button class="button" onClick={() => void load(true)}>
            Show more
          </button>
        )}
        <DeleteAll />
      </div>
      <p role="status" class="bench-small">
        {said.value}
      </p>
    </section>
  )
}

function Model(): VNode {
  const { window, sinks } = health.value ?? {}
  const sampling = Object.entries(recommended.value).map(([name, value]) => `${name} ${value}`)
  const facts = {
    Model: model.value?.id,
    'Can do': abilities.value,
    Sees: window ? `the first ${sinks} tokens and the last ${window}` : 'all that it was trained for',
    Recommended: sampling.join(', ') || 'no sampling of its own',
  }
  return (
    <dl>
      {Object.entries(facts).map(([name, value]) => (
        <div key={name}>
          <dt class="dim">{name}</dt>
          <dd>{value ?? 'not known yet'}</dd>
        </div>
      ))}
    </dl>
  )
}
