// The isolate panel shows what the memory of 128 MB goes to, and how far a model that loads has come.

import { memory } from '../../state/focus.ts'
import { isolate } from '../../state/memory-watch.ts'
import { bytesInWords, partsOf, poolWords, reportOf } from '../../state/memory.ts'
import { health } from '../../state/server.ts'
import { b, div, h2, i, label, li, p, progress, section, span, ul } from '../elements.ts'

/** What the swatches of its parts look like, some as in the legend of pages. */
const LOOKS = ['stored', 'kept', 'veiled', 'heap', 'away']

export function Isolate(): HTMLElement {
  return section(
    { class: 'hood-isolate stack', 'aria-labelledby': 'hood-isolate' },
    h2({ id: 'hood-isolate' }, 'Where it runs'),
    Loading,
    p(() => `What one isolate of ${bytesInWords(isolate.val?.limit ?? 128e6)} holds.`),
    Parts,
    () => {
      const pool = reportOf(memory.val)?.pool
      return isolate.val && pool ? p({ class: 'dim' }, poolWords(pool)) : ''
    },
  )
}

function Loading(): HTMLElement | '' {
  const { state, loaded_bytes: done = 0, total_bytes: total = 0 } = health.val ?? {}
  if (state !== 'loading') return ''
  const words = `Loading the model: ${bytesInWords(done)} of ${bytesInWords(total)}`
  return label(
    { class: 'hood-load' },
    total > 0 ? words : 'The model is about to load.',
    progress(total > 0 ? { max: total, value: done } : {}),
  )
}

function Parts(): HTMLElement | '' {
  if (!isolate.val) return ''
  const parts = partsOf(isolate.val)
  return div(
    { class: 'stack' },
    div(
      { class: 'hood-bar', 'aria-hidden': 'true' },
      parts.map(({ bytes }, at) => span({ class: `hood-${LOOKS[at]}`, style: `flex-grow:${bytes}` })),
    ),
    ul(
      { class: 'hood-legend hood-parts' },
      parts.map(({ name, bytes }, at) =>
        li(i({ class: `hood-swatch hood-${LOOKS[at]}` }), `${name} `, b(bytesInWords(bytes))),
      ),
    ),
  )
}
