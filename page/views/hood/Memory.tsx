// The memory panel shows a session's pages, a row for each view, with a legend and the same as a table.

import { useComputed, useSignal, type ReadonlySignal, type Signal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import * as focus from '../../state/focus.ts'
import { missing } from '../../state/memory-watch.ts'
import {
  between,
  placeOf,
  reportOf,
  segmentsOf,
  summaryOf,
  widthFor,
  type Report,
} from '../../state/memory.ts'
import { theme } from '../../state/preferences.ts'
import type { Shown } from './draw.ts'
import { MemoryRow } from './MemoryRow.tsx'

/** Milliseconds from one report to the next, where motion is welcome. */
const MOVE_MS = 260

const LEGEND = [
  ['kept', 'In memory', 'computed for this answer or kept since; ready at once'],
  ['reused', 'Reused', 'the last request began with these, so they were not computed again'],
  ['stored', 'In storage', 'written down: they outlive the memory'],
  ['shared', 'Shared', 'a fork, an earlier turn or the beginning of every chat has the very same page'],
  ['away', 'Not in memory', 'read back from storage when it is needed, or dashed: computed again'],
  ['veiled', 'Out of sight', 'the model does not look at these any more'],
] as const

export function Memory(): VNode {
  const report = useComputed(() => reportOf(focus.memory.value))
  const tokens = useComputed(() => report.value?.tokens ?? 0)
  const shown = useMotion(tokens)
  const look = useLook()
  const now = report.value
  return (
    <section class="hood-memory stack" aria-labelledby="hood-memory">
      <h2 id="hood-memory">What the model remembers</h2>
      {now === undefined || now.pages.length === 0 ? (
        <p class="dim">
          {missing.value ||
            'Nothing yet. Once you ask something, each page of its memory is drawn here as the answer grows.'}
        </p>
      ) : (
        <>
          {now.views.map((_, view) => (
            <MemoryRow key={view} report={report} view={view} shown={shown} look={look} />
          ))}
          <p class="hood-sum">{summaryOf(now)}</p>
          <ul class="hood-legend">
            {LEGEND.map(([kind, name, hint]) => (
              <li key={kind} title={hint}>
                <i class={`hood-swatch hood-${kind}`} aria-hidden="true" />
                {name}
                <span class="visually-hidden">: {hint}</span>
              </li>
            ))}
          </ul>
          <Table report={now} />
        </>
      )}
    </section>
  )
}

/** The same figures for those who do not see the drawing, or want them exactly. */
function Table({ report }: { report: Report }): VNode {
  const sees = (inSight: readonly boolean[]): string =>
    inSight.every((is) => is) ? 'yes' : inSight.some((is) => is) ? 'of some layers' : 'no'
  return (
    <details class="hood-table">
      <summary>The same as a table</summary>
      <div class="hood-scroll" tabIndex={0} role="region" aria-label="Pages as a table">
        <table>
          <thead>
            <tr>
              {['Pages', 'Tokens', 'Where', 'Reused', 'Shared with', 'In sight'].map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {segmentsOf(report).map((segment) => (
              <tr key={segment.first}>
                <td>
                  {segment.first + 1}–{segment.first + segment.count}
                </td>
                <td>
                  {segment.from + 1}–{Math.min(segment.to, report.tokens)}
                </td>
                <td>{placeOf(segment)}</td>
                <td>{segment.reused ? 'yes' : 'no'}</td>
                <td>{segment.shared}</td>
                <td>{sees(segment.in_sight)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}

/** How many tokens are drawn, and how wide the row is, on its way to where the report is. */
function useMotion(tokens: ReadonlySignal<number>): Signal<Omit<Shown, 'at'>> {
  const shown = useSignal({ tokens: tokens.value, width: widthFor(tokens.value) })
  useEffect(() => {
    const from = shown.peek()
    const to = { tokens: tokens.value, width: widthFor(tokens.value) }
    if (to.tokens <= from.tokens || matchMedia('(prefers-reduced-motion: reduce)').matches) {
      shown.value = to
      return
    }
    const began = performance.now()
    let frame = requestAnimationFrame(function step(now) {
      const share = Math.max(0, Math.min(1, (now - began) / MOVE_MS))
      shown.value = {
        tokens: between(from.tokens, to.tokens, share),
        width: between(from.width, to.width, share),
      }
      if (share < 1) frame = requestAnimationFrame(step)
    })
    return () => cancelAnimationFrame(frame)
  }, [tokens.value])
  return shown
}

/** Changes when the theme does, by choice or with the system. */
function useLook(): ReadonlySignal<unknown> {
  const system = useSignal(0)
  useEffect(() => {
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const changed = (): void => void system.value++
    dark.addEventListener('change', changed)
    return () => dark.removeEventListener('change', changed)
  }, [])
  return useComputed(() => `${theme.value} ${system.value}`)
}
