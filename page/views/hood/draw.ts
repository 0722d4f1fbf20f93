// A row of memory is painted on a canvas: pages, what is out of sight, and bars over sinks and window.

import { segmentsOf, type Report, type Row } from '../../state/memory.ts'

/** CSS pixels of a row: bars, pages, the strip of storage. */
const [BODY, BODY_HEIGHT, STRIP, STRIP_HEIGHT, HEIGHT] = [18, 24, 45, 5, 52]
/** Pages narrower than this have no gap between them. */
const LEAST_PAGE = 5

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
  const frame = (name: string, left: number, right: number, y: number, height: number): void => {
    context.strokeStyle = colour(name)
    context.strokeRect(left, y, Math.max(2, right - left), height)
  }
  /** A text where it has room. */
  const label = (name: string, text: string, from: number, to: number, y: number): void => {
    const room = x(to) - x(from) - context.measureText(text).width
    context.fillStyle = colour(name)
    if (room > 8) context.fillText(text, x(from) + room / 2, y)
  }

  const size = report.page_tokens
  const end = Math.ceil(tokens / size) * size
  fill('raised', 0, width, BODY, BODY_HEIGHT)
  for (const { from, to: last, memory, storage, reused, shared } of segmentsOf(report)) {
    const to = Math.min(last, end)
    if (to <= from) break
    context.setLineDash(storage ? [] : [2, 3])
    if (memory) fill(reused ? 'hood-reused' : 'hood-kept', from, to, BODY, BODY_HEIGHT)
    else frame('dim', x(from) + 0.5, x(to) - 0.5, BODY + 0.5, BODY_HEIGHT - 1)
    if (storage) fill('hood-stored', from, to, STRIP, STRIP_HEIGHT)
    if (shared > 0) for (let y = BODY + 5; y < BODY + BODY_HEIGHT; y += 6) fill('surface', from, to, y, 2)
  }
  if (x(size) >= LEAST_PAGE)
    for (let page = size; page <= end; page += size) context.clearRect(x(page) - 1, BODY, 1, HEIGHT)
  // What is out of sight stays to be seen, as behind a curtain.
  context.globalAlpha = 0.72
  fill('raised', hidden.from, hidden.to, BODY, BODY_HEIGHT)
  context.globalAlpha = 1
  fill('dim', sinks.from, sinks.to, BODY - 4, 2)
  // They are few, and their name is wider than they are.
  if (sinks.to > 0) context.fillText('sinks', 0, BODY - 7)
  if (hidden.to > hidden.from) {
    fill('dim', window.from, window.to, BODY - 4, 2)
    label('dim', 'window', window.from, window.to, BODY - 7)
    label('text', 'out of sight', hidden.from, hidden.to, BODY + 15)
  }
  if (at !== undefined) {
    context.setLineDash([])
    context.lineWidth = 2
    frame('text', x(at * size) + 1, x((at + 1) * size) - 1, BODY - 1, STRIP + STRIP_HEIGHT - BODY + 2)
  }
}
