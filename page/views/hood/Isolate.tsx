// The isolate panel shows what the memory of 128 MB goes to, and how far a model that loads has come.

import type { VNode } from 'preact'
import { memory } from '../../state/focus.ts'
import { isolate } from '../../state/memory-watch.ts'
import { megabytes, partsOf, poolWords, reportOf } from '../../state/memory.ts'
import { health } from '../../state/server.ts'

export function Isolate(): VNode {
  const bytes = isolate.value
  const pool = reportOf(memory.value)?.pool
  const { state, loaded_bytes: done = 0, total_bytes: total = 0 } = health.value ?? { state: '' }
  return (
    <section class="hood-isolate stack" aria-labelledby="hood-isolate">
      <h2 id="hood-isolate">Where it runs</h2>
      {state === 'loading' && (
        <label class="hood-load">
          {total === 0
            ? 'The model is about to load.'
            : `Loading the model: ${megabytes(done)} of ${megabytes(total)}`}
          <progress value={total === 0 ? undefined : done} max={Math.max(1, total)} />
        </label>
      )}
      {bytes === undefined ? (
        <p class="dim">
          One isolate of 128 MB holds the model, its memory and the program. What goes to what is shown after
          the first answer.
        </p>
      ) : (
        <>
          <p>One isolate of {megabytes(bytes.limit)} holds all of it.</p>
          <div class="hood-bar" aria-hidden="true">
            {partsOf(bytes).map((part, at) => (
              <span key={at} class={`hood-part hood-part-${at}`} style={{ flexGrow: part.bytes }} />
            ))}
          </div>
          <ul class="hood-parts">
            {partsOf(bytes).map((part, at) => (
              <li key={at}>
                <i class={`hood-swatch hood-part-${at}`} aria-hidden="true" />
                {part.name} <b>{megabytes(part.bytes)}</b> <span class="dim">{part.hint}</span>
              </li>
            ))}
          </ul>
          {pool && <p class="dim">{poolWords(pool)}</p>}
        </>
      )}
    </section>
  )
}
