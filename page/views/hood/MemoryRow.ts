// A memory row shows what some layers see of a session, and says of each page in words where it lies.

import van, { type State } from 'vanjs-core'
import { pageCount, pageWords, rowsOf, type Report, type Row } from '../../state/memory.ts'
import { theme } from '../../state/preferences.ts'
import { canvas, div, stepOf } from '../elements.ts'
import { paint, type Shown } from './draw.ts'

/** Goes up when the system changes its colours, which a drawing does not follow by itself. */
const system = van.state(0)
matchMedia('(prefers-color-scheme: dark)').onchange = () => system.val++

/** `view`: its view in the report. A page that was pointed at stays pointed at while the memory grows. */
export function MemoryRow(report: State<Report>, view: number, shown: State<Shown>): HTMLElement {
  const drawing = canvas({ 'aria-hidden': 'true' })
  const width = van.state(0)
  const at = van.state<number | undefined>()
  let last = 0

  new ResizeObserver(([entry]) => (width.val = entry.contentRect.width)).observe(drawing)
  const row = (): Row => rowsOf(report.val)[view]
  van.derive(() => {
    void [theme.val, system.val]
    paint(drawing, width.val, report.val, row(), shown.val, at.val)
  })

  const title = van.derive(() => row().title)
  const pages = (): number => pageCount(report.val)
  const page = (): number => Math.min(at.val ?? last, pages() - 1)
  const words = (): string => pageWords(report.val, page(), view)
  const to = (wanted: number): void => void (at.val = last = Math.max(0, Math.min(wanted, pages() - 1)))
  const leave = (): void => void (at.val = undefined)

  function onkeydown(event: KeyboardEvent): void {
    const now = page()
    const next = stepOf(event, {
      ArrowRight: now + 1,
      ArrowUp: now + 1,
      ArrowLeft: now - 1,
      ArrowDown: now - 1,
      PageUp: now + 8,
      PageDown: now - 8,
      Home: 0,
      End: pages() - 1,
    })
    if (next !== undefined) to(next)
    else if (event.key === 'Escape' && at.val !== undefined) leave()
    else return
    event.stopPropagation()
  }

  function point({ offsetX }: PointerEvent): void {
    const wanted = Math.floor(((offsetX / width.val) * shown.val[1]) / report.val.page_tokens)
    if (wanted < pages()) to(wanted)
    else leave()
  }

  return div(
    { class: 'hood-row' },
    div({ class: 'dim' }, title),
    div(
      {
        class: 'hood-pages',
        role: 'slider',
        tabIndex: 0,
        'aria-label': () => `Pages, as ${title.val}`,
        'aria-valuemin': 1,
        'aria-valuemax': pages,
        'aria-valuenow': () => page() + 1,
        'aria-valuetext': words,
        onkeydown,
        onfocus: () => to(page()),
        onblur: leave,
        onpointermove: point,
        onpointerdown: point,
        onpointerleave: leave,
      },
      drawing,
    ),
    () => {
      if (at.val === undefined) return ''
      const place = ((page() + 0.5) * report.val.page_tokens) / shown.val[1]
      return div({ class: 'hood-tip', style: `--at:${place}`, 'aria-hidden': 'true' }, words())
    },
  )
}
