// A row of memory is painted on a canvas: pages, what is out of sight, and brackets over sinks and window.

import { segmentsOf, type Report, type Row } from '../../state/memory.ts'

/** CSS pixels of a row: brackets, pages, the strip of storage. */
const [BODY, BODY_HEIGHT, STRIP, STRIP_HEIGHT, HEIGHT] = [18, 24, 45, 5, 52]
/** Pages narrower than this have no gap between them. */
const LEAST_PAGE = 5
const HATCH = 6

/** How many tokens are drawn, and how many the row is wide; both may lie between two reports. */
export type Shown = readonly [tokens: number, width: number]

/** Paints a row over a canvas of `wide` CSS pixels, at the resolution of the screen; `at`: the page that is pointed at. */
export function paint(
  canvas: HTMLCanvasElement,
  wide: number,
  report: Report,
  { sinks, hidden, window }: Row,
  [tokens, width]: Shown,
  at: number | undefined,
): void {
  const context = canvas.getContext('2d')
  if (context === null || wide === 0) return
  canvas.width = Math.round(wide * devicePixelRatio)
  canvas.height = Math.round(HEIGHT * devicePixelRatio)
  context.scale(devicePixelRatio, devicePixelRatio)
  context.font = '11px system-ui, sans-serif'
  const style = getComputedStyle(canvas)
  const colour = (name: string): string => style.getPropertyValue(`--${name}`)
  const x = (tokens: number): number => Math.min(tokens / width, 1) * wide
  const fill = (name: string, from: number, to: number, y: number, height: number): void => {
    context.fillStyle = colour(name)
    context.fillRect(x(from), y, x(to) - x(from), height)
  }
  const line = (name: string, wide: number, ...points: [x: number, y: number][]): void => {
    context.strokeStyle = colour(name)
    context.lineWidth = wide
    context.beginPath()
    for (const point of points) context.lineTo(...point)
    context.stroke()
  }
  /** A text where it has room. */
  const label = (name: string, text: string, from: number, to: number, y: number): void => {
    const room = x(to) - x(from) - context.measureText(text).width
    context.fillStyle = colour(name)
    if (room > 8) context.fillText(text, x(from) + room / 2, y)
  }
  const bracket = (from: number, to: number): void => {
    const [left, right] = [x(from) + 0.5, Math.max(x(from) + 3, x(to)) - 0.5]
    const [low, high] = [BODY - 1, BODY - 4.5]
    line('dim', 1, [left, low], [left, high], [right, high], [right, low])
  }

  const size = report.page_tokens
  const end = Math.ceil(tokens / size) * size
  fill('raised', 0, width, BODY, BODY_HEIGHT)
  for (const { from, to: last, memory, storage, reused, shared } of segmentsOf(report)) {
    const to = Math.min(last, end)
    if (to <= from) break
    if (memory) fill(reused ? 'hood-reused' : 'hood-kept', from, to, BODY, BODY_HEIGHT)
    else {
      context.setLineDash(storage ? [] : [2, 3])
      context.strokeStyle = colour('dim')
      context.strokeRect(x(from) + 0.5, BODY + 0.5, Math.max(1, x(to) - x(from) - 1), BODY_HEIGHT - 1)
      context.setLineDash([])
    }
    if (storage) fill('hood-stored', from, to, STRIP, STRIP_HEIGHT)
    if (shared > 0)
      for (let left = x(from); left + HATCH <= x(to); left += HATCH)
        line('surface', 1.5, [left, BODY + BODY_HEIGHT], [left + HATCH, BODY])
  }
  if (x(size) >= LEAST_PAGE)
    for (let page = size; page <= end; page += size) context.clearRect(x(page) - 1, BODY, 1, HEIGHT)
  // What is out of sight stays to be seen, as behind a curtain.
  context.globalAlpha = 0.72
  fill('raised', hidden.from, hidden.to, BODY, BODY_HEIGHT)
  context.globalAlpha = 1
  if (sinks.to > 0) {
    bracket(sinks.from, sinks.to)
    // They are few, and their name is wider than they are.
    context.fillStyle = colour('dim')
    context.fillText('sinks', 0, BODY - 7)
  }
  if (hidden.to > hidden.from) {
    bracket(window.from, window.to)
    label('dim', 'window', window.from, window.to, BODY - 7)
    label('text', 'out of sight', hidden.from, hidden.to, BODY + 15)
  }
  if (at !== undefined) {
    const [left, right] = [x(at * size) + 1, x((at + 1) * size) - 1]
    context.strokeStyle = colour('text')
    context.lineWidth = 2
    context.strokeRect(left, BODY - 1, Math.max(3, right - left), STRIP + STRIP_HEIGHT - BODY + 2)
  }
}
