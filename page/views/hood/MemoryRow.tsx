// A memory row shows what some layers see of a session, and says of each page in words where it lies.

import { signal, useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { pageCount, pageWords, type Report, type Row } from '../../state/memory.ts'
import { theme } from '../../state/preferences.ts'
import { paint, type Shown } from './draw.ts'

/** Goes up when the system changes its colours, which a drawing does not follow by itself. */
const system = signal(0)
matchMedia('(prefers-color-scheme: dark)').onchange = () => system.value++

/** `view`: its view in the report. */
export type RowProps = { report: Report; row: Row; view: number; shown: Shown }

/** A page that was pointed at stays pointed at while the memory grows. */
export function MemoryRow({ report, row, view, shown }: RowProps): VNode {
  const canvas = useRef<HTMLCanvasElement>(null)
  const width = useSignal(0)
  const at = useSignal<number | undefined>(undefined)
  const last = useRef(0)
  const wide = width.value
  void theme.value
  void system.value

  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => (width.value = entry.contentRect.width))
    if (canvas.current) observer.observe(canvas.current)
    return () => observer.disconnect()
  }, [])
  useLayoutEffect(() => {
    if (canvas.current) paint(canvas.current, wide, report, row, shown, at.value)
  })

  const size = report.page_tokens
  const pages = pageCount(report)
  const page = Math.min(at.value ?? last.current, pages - 1)
  const words = pageWords(report, page, view)
  const to = (wanted: number): void =>
    void (at.value = last.current = Math.max(0, Math.min(wanted, pages - 1)))
  const leave = (): void => void (at.value = undefined)

  function onKeyDown(event: KeyboardEvent): void {
    const wanted: Record<string, number | undefined> = {
      ArrowRight: page + 1,
      ArrowUp: page + 1,
      ArrowLeft: page - 1,
      ArrowDown: page - 1,
      PageUp: page + 8,
      PageDown: page - 8,
      Home: 0,
      End: pages - 1,
    }
    const next = wanted[event.key]
    if (next !== undefined) to(next)
    else if (event.key === 'Escape' && at.value !== undefined) leave()
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  function onPointer({ offsetX }: PointerEvent): void {
    const wanted = Math.floor(((offsetX / wide) * shown[1]) / size)
    if (wanted < pages) to(wanted)
    else leave()
  }

  return (
    <div class="hood-row">
      <div class="dim">{row.title}</div>
      <div
        class="hood-pages"
        role="slider"
        tabIndex={0}
        aria-label={`Pages, as ${row.title}`}
        aria-valuemin={1}
        aria-valuemax={pages}
        aria-valuenow={page + 1}
        aria-valuetext={words}
        onKeyDown={onKeyDown}
        onFocus={() => to(page)}
        onBlur={leave}
        onPointerMove={onPointer}
        onPointerDown={onPointer}
        onPointerLeave={leave}
      >
        <canvas ref={canvas} aria-hidden="true" />
      </div>
      {at.value !== undefined && (
        <div class="hood-tip" style={{ '--at': String(((page + 0.5) * size) / shown[1]) }} aria-hidden="true">
          {words}
        </div>
      )}
    </div>
  )
}
