// The isolate panel shows what the memory of 128 MB goes to, and how far a model that loads has come.

import type { VNode } from 'preact'
import { memory } from '../../state/focus.ts'
import { isolate } from '../../state/memory-watch.ts'
import { bytesInWords, partsOf, poolWords, reportOf } from '../../state/memory.ts'
import { health } from '../../state/server.ts'

export function Isolate(): VNode {
  const bytes = isolate.value
  const parts = bytes ? partsOf(bytes) : []
  const pool = reportOf(memory.value)?.pool
  const { state, loaded_bytes: done = 0, total_bytes: total = 0 } = health.value ?? {}
  return (
    <section class="hood-isolate stack" aria-labelledby="hood-isolate">
      <h2 id="hood-isolate">Where it runs</h2>
      {state === 'loading' && (
        <label class="hood-load">
          {total > 0
            ? `Loading the model: ${bytesInWords(done)} of ${bytesInWords(total)}`
            : 'The model is about to load.'}
          <progress value={total > 0 ? done : undefined} max={total || 1} />
        </label>
      )}
      <p>One isolate of {bytesInWords(bytes?.limit ?? 128e6)} holds it all.</p>
      {bytes && (
        <div class="hood-bar" aria-hidden="true">
          {parts.map((part, at) => (
            <span key={at} class={`hood-part-${at}`} style={{ flexGrow: part.bytes }} />
          ))}
        </div>
      )}
      <ul class="hood-legend hood-parts">
        {parts.map(({ name, bytes }, at) => (
          <li key={at}>
            <i class={`hood-swatch hood-part-${at}`} />
            {name} <b>{bytesInWords(bytes)}</b>
          </li>
        ))}
      </ul>
      {bytes && pool && <p class="dim">{poolWords(pool)}</p>}
    </section>
  )
}
