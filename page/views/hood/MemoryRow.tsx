// A memory row shows what some layers see of a session, and says of each page in words where it lies.

import { useSignal, useSignalEffect, type ReadonlySignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { pageCount, pageWords, rowsOf, segmentsOf, type Report } from '../../state/memory.ts'
import { paint, type Shown } from './draw.ts'

export type RowProps = {
  report: ReadonlySignal<Report | undefined>
  /** Its view in the report. */
  view: number
  shown: ReadonlySignal<Omit<Shown, 'at'>>
  /** Changes where the colours do. */
  look: ReadonlySignal<unknown>
}

/** A page that was pointed at stays pointed at while the memory grows. */
export function MemoryRow({ report, view, shown, look }: RowProps): VNode | null {
  const canvas = useRef<HTMLCanvasElement>(null)
  const width = useSignal(0)
  const at = useSignal<number | undefined>(undefined)
  const last = useRef(0)

  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => (width.value = entry.contentRect.width))
    if (canvas.current !== null) observer.observe(canvas.current)
    return () => observer.disconnect()
  }, [])
  useSignalEffect(() => {
    void look.value
    const row = report.value && rowsOf(report.value)[view]
    if (canvas.current === null || report.value === undefined || row === undefined) return
    paint(canvas.current, width.value, { report: report.value, row, shown: { ...shown.value, at: at.value } })
  })

  const now = report.value
  const row = now && rowsOf(now)[view]
  if (now === undefined || row === undefined) return null
  const pages = pageCount(now)
  const page = Math.min(at.value ?? last.current, pages - 1)
  const words = pageWords(now, page, view)
  const to = (wanted: number): void =>
    void (at.value = last.current = Math.max(0, Math.min(wanted, pages - 1)))

  function onKeyDown(event: KeyboardEvent): void {
    const firsts = now === undefined ? [] : segmentsOf(now).map(({ first }) => first)
    const next: Record<string, () => void> = {
      ArrowRight: () => to(page + 1),
      ArrowUp: () => to(page + 1),
      ArrowLeft: () => to(page - 1),
      ArrowDown: () => to(page - 1),
      Home: () => to(0),
      End: () => to(pages - 1),
      PageDown: () => to(firsts.findLast((first) => first < page) ?? 0),
      PageUp: () => to(firsts.find((first) => first > page) ?? pages - 1),
      Escape: () => (at.value = undefined),
    }
    const act = next[event.key]
    if (act === undefined || (event.key === 'Escape' && at.value === undefined)) return
    event.preventDefault()
    event.stopPropagation()
    act()
  }

  function onPointer(event: PointerEvent): void {
    const { width: tokens } = shown.peek()
    const wanted = Math.floor(
      ((event.offsetX / Math.max(1, width.peek())) * tokens) / (now?.page_tokens ?? 1),
    )
    if (wanted < pages) to(wanted)
    else at.value = undefined
  }

  const left = ((page + 0.5) * now.page_tokens) / shown.value.width
  return (
    <div class="hood-row">
      <div class="hood-row-title">{row.title}</div>
      <div
        class="hood-pages"
        role="slider"
        tabIndex={0}
        aria-label={`Pages, as ${row.title.replace(':', '')}`}
        aria-valuemin={1}
        aria-valuemax={Math.max(1, pages)}
        aria-valuenow={Math.max(1, page + 1)}
        aria-valuetext={words}
        onKeyDown={onKeyDown}
        onFocus={() => to(page)}
        onBlur={() => (at.value = undefined)}
        onPointerMove={onPointer}
        onPointerDown={onPointer}
        onPointerLeave={() => (at.value = undefined)}
      >
        <canvas ref={canvas} aria-hidden="true" />
      </div>
      {at.value !== undefined && (
        <div class="hood-tip" style={{ '--at': String(left) }} aria-hidden="true">
          {words}
        </div>
      )}
    </div>
  )
}
