// The memory panel shows a session's pages, a row for each view, with a legend and the same as a table.

import van, { type State } from 'vanjs-core'
import * as focus from '../../state/focus.ts'
import { missing } from '../../state/memory-watch.ts'
import {
  between,
  reportOf,
  segmentsOf,
  summaryOf,
  widthFor,
  wordsOf,
  type Report,
} from '../../state/memory.ts'
import { details, div, h2, i, li, p, section, span, summary, table, tbody, td, th, thead, tr, ul, when } from '../elements.ts' // prettier-ignore
import { type Shown } from './draw.ts'
import { MemoryRow } from './MemoryRow.ts'

/** Milliseconds from one report to the next, where motion is welcome. */
const MOVE_MS = 260

const LEGEND = {
  kept: ['In memory', 'ready at once'],
  reused: ['Reused', 'the last request began with these'],
  stored: ['In storage', 'these outlive the memory'],
  shared: ['Shared', 'other sessions or turns have this page'],
  away: ['Not in memory', 'read from storage when needed or, dashed, computed again'],
  veiled: ['Out of sight', 'the model no longer looks at these'],
}

export function Memory(): HTMLElement {
  return section(
    { class: 'hood-memory stack', 'aria-labelledby': 'hood-memory' },
    h2({ id: 'hood-memory' }, 'What the model remembers'),
    when(
      () => reportOf(focus.memory.val)?.pages.length,
      Drawn,
      () =>
        p({ class: 'dim' }, () => missing.val || 'Nothing yet. Pages are drawn here while an answer grows.'),
    ),
  )
}

function Drawn(): HTMLElement {
  /** The last one that there was: it is drawn until the next. */
  const report = van.state(reportOf(focus.memory.rawVal)!)
  van.derive(() => (report.val = reportOf(focus.memory.val) ?? report.rawVal))
  const views = van.derive(() => report.val.views.length)
  const shown = inMotion(report)
  return div(
    { class: 'stack' },
    () =>
      div(
        { class: 'stack' },
        Array.from({ length: views.val }, (_, view) => MemoryRow(report, view, shown)),
      ),
    p({ class: 'hood-sum' }, () => summaryOf(report.val)),
    ul(
      { class: 'hood-legend' },
      Object.entries(LEGEND).map(([kind, [name, hint]]) =>
        li(
          { title: hint },
          i({ class: `hood-swatch hood-${kind}` }),
          name,
          span({ class: 'unseen' }, `: ${hint}`),
        ),
      ),
    ),
    Table(report),
  )
}

/** The same figures for those who do not see the drawing, or want them exactly. */
function Table(report: State<Report>): HTMLElement {
  const head = ['Pages', 'Tokens', 'State'].map((text) => th({ scope: 'col' }, text))
  return details(
    { class: 'hood-table' },
    summary({ class: 'dim' }, 'The same as a table'),
    div(
      { class: 'hood-scroll', tabIndex: 0, role: 'region', 'aria-label': 'Pages as a table' },
      table(thead(tr(head)), () =>
        tbody(
          segmentsOf(report.val).map((segment) => {
            const { first, count, from, to } = segment
            const pages = `${first + 1}–${first + count}`
            return tr(td(pages), td(`${from + 1}–${Math.min(to, report.val.tokens)}`), td(wordsOf(segment)))
          }),
        ),
      ),
    ),
  )
}

/** What is drawn, on its way to where the report is. */
function inMotion(report: State<Report>): State<Shown> {
  const tokens = van.derive(() => report.val.tokens)
  const shown = van.state<Shown>([tokens.rawVal, widthFor(tokens.rawVal)])
  let frame = 0
  van.derive(() => {
    const to: Shown = [tokens.val, widthFor(tokens.val)]
    const from = shown.rawVal
    const isStill = to[0] <= from[0] || matchMedia('(prefers-reduced-motion: reduce)').matches
    const began = performance.now()
    cancelAnimationFrame(frame)
    frame = requestAnimationFrame(function step(now) {
      const share = isStill ? 1 : Math.max(0, Math.min(1, (now - began) / MOVE_MS))
      shown.val = [between(from[0], to[0], share), between(from[1], to[1], share)]
      if (share < 1) frame = requestAnimationFrame(step)
    })
  })
  return shown
}
