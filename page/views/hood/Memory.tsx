// The memory panel shows a session's pages, a row for each view, with a legend and the same as a table.

import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import * as focus from '../../state/focus.ts'
import { missing } from '../../state/memory-watch.ts'
import { between, reportOf, rowsOf, segmentsOf, summaryOf, widthFor, wordsOf, type Report } from '../../state/memory.ts' // prettier-ignore
import type { Shown } from './draw.ts'
import { MemoryRow } from './MemoryRow.tsx'

/** Milliseconds from one report to the next, where motion is welcome. */
const MOVE_MS = 260

const LEGEND = {
  kept: ['In memory', 'ready at once'],
  reused: ['Reused', 'the last request began with these'],
  stored: ['In storage', 'these outlive the memory'],
  shared: ['Shared', 'another session or turn has the very same page'],
  away: ['Not in memory', 'read from storage when needed or, dashed, computed again'],
  veiled: ['Out of sight', 'the model does not look at these any more'],
}

export function Memory(): VNode {
  const report = reportOf(focus.memory.value)
  const shown = useMotion(report?.tokens ?? 0)
  return (
    <section class="hood-memory stack" aria-labelledby="hood-memory">
      <h2 id="hood-memory">What the model remembers</h2>
      {report && report.pages.length > 0 ? (
        <>
          {rowsOf(report).map((row, view) => (
            <MemoryRow key={view} report={report} row={row} view={view} shown={shown} />
          ))}
          <p class="hood-sum">{summaryOf(report)}</p>
          <ul class="hood-legend">
            {Object.entries(LEGEND).map(([kind, [name, hint]]) => (
              <li key={kind} title={hint}>
                <i class={`hood-swatch hood-${kind}`} />
                {name}
                <span class="visually-hidden">: {hint}</span>
              </li>
            ))}
          </ul>
          <Table report={report} />
        </>
      ) : (
        <p class="dim">{missing.value || 'Nothing yet. Pages are drawn here while an answer grows.'}</p>
      )}
    </section>
  )
}

/** The same figures for those who do not see the drawing, or want them exactly. */
function Table({ report }: { report: Report }): VNode {
  return (
    <details class="hood-table">
      <summary class="dim">The same as a table</summary>
      <div class="hood-scroll" tabIndex={0} role="region" aria-label="Pages as a table">
        <table>
          <thead>
            <tr>
              <th scope="col">Pages</th>
              <th scope="col">Tokens</th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {segmentsOf(report).map((segment) => {
              const { first, count, from, to } = segment
              return (
                <tr key={first}>
                  <td>{`${first + 1}–${first + count}`}</td>
                  <td>{`${from + 1}–${Math.min(to, report.tokens)}`}</td>
                  <td>{wordsOf(segment)}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
    </details>
  )
}

/** What is drawn, on its way to where the report is. */
function useMotion(tokens: number): Shown {
  const to: Shown = [tokens, widthFor(tokens)]
  const shown = useSignal(to)
  useEffect(() => {
    const from = shown.peek()
    const isStill = tokens <= from[0] || matchMedia('(prefers-reduced-motion: reduce)').matches
    const began = performance.now()
    let frame = requestAnimationFrame(function step(now) {
      const share = isStill ? 1 : Math.max(0, Math.min(1, (now - began) / MOVE_MS))
      shown.value = [between(from[0], to[0], share), between(from[1], to[1], share)]
      if (share < 1) frame = requestAnimationFrame(step)
    })
    return () => cancelAnimationFrame(frame)
  }, [tokens])
  return shown.value
}
