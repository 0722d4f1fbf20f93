// A row of memory is painted on a canvas: pages, what is out of sight, and brackets over sinks and window.

import { segmentsOf, type Report, type Row, type Segment, type Span } from '../../state/memory.ts'

/** CSS pixels of a row: brackets, pages, the strip of storage. */
export const ROW_HEIGHT = 52
const [BODY, BODY_HEIGHT, STRIP, STRIP_HEIGHT] = [18, 24, 45, 5]
/** Pages narrower than this have no gap between them. */
const LEAST_PAGE = 5
const HATCH = 6

export type Palette = Record<
  'text' | 'dim' | 'line' | 'raised' | 'kept' | 'reused' | 'stored' | 'hatch',
  string
>

/** `tokens` and `width`, in tokens, may lie between two reports; `at` is the page that is pointed at. */
export type Shown = { tokens: number; width: number; at: number | undefined }

/** The colours in force, from the custom properties of an element. */
export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element)
  const of = (name: string): string => style.getPropertyValue(`--${name}`).trim()
  return {
    text: of('text'),
    dim: of('dim'),
    line: of('line'),
    raised: of('raised'),
    kept: of('hood-kept'),
    reused: of('hood-reused'),
    stored: of('hood-stored'),
    hatch: of('surface'),
  }
}

/** Paints a row over a canvas whose width is `width` CSS pixels, at the resolution of the screen. */
export function paint(
  canvas: HTMLCanvasElement,
  width: number,
  { report, row, shown }: { report: Report; row: Row; shown: Shown },
): void {
  const context = canvas.getContext('2d')
  if (context === null || width === 0) return
  const ratio = devicePixelRatio
  canvas.width = Math.round(width * ratio)
  canvas.height = Math.round(ROW_HEIGHT * ratio)
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  const colours = paletteOf(canvas)
  const x = (tokens: number): number => (Math.min(tokens, shown.width) / shown.width) * width
  const end = Math.ceil(shown.tokens / report.page_tokens) * report.page_tokens

  context.fillStyle = colours.raised
  context.fillRect(0, BODY, width, BODY_HEIGHT)
  for (const segment of segmentsOf(report))
    paintPages(context, segment, report, Math.min(segment.to, end), x, colours)
  veil(context, row.hidden, x, colours)
  bracket(context, row.sinks, 'sinks', x, colours)
  if (row.hidden.to > row.hidden.from) {
    bracket(context, row.window, 'window', x, colours)
    label(
      context,
      'out of sight',
      middle(row.hidden, x),
      BODY + 15,
      colours.text,
      x(row.hidden.to) - x(row.hidden.from),
    )
  }
  if (shown.at !== undefined) {
    const from = x(shown.at * report.page_tokens)
    context.strokeStyle = colours.text
    context.lineWidth = 2
    context.strokeRect(
      from + 1,
      BODY - 1,
      Math.max(3, x((shown.at + 1) * report.page_tokens) - from - 2),
      STRIP + STRIP_HEIGHT - BODY + 2,
    )
  }
}

function paintPages(
  context: CanvasRenderingContext2D,
  segment: Segment,
  { page_tokens: size }: Report,
  to: number,
  x: (tokens: number) => number,
  colours: Palette,
): void {
  const { from, memory, storage, reused, shared } = segment
  if (to <= from) return
  const hasGaps = x(size) >= LEAST_PAGE
  for (let at = from; at < to; at = hasGaps ? at + size : to) {
    const left = x(at)
    const wide = x(hasGaps ? at + size : to) - left - (hasGaps ? 1 : 0)
    if (memory) {
      context.fillStyle = reused ? colours.reused : colours.kept
      context.fillRect(left, BODY, wide, BODY_HEIGHT)
    } else {
      context.strokeStyle = colours.dim
      context.lineWidth = 1
      context.setLineDash(storage ? [] : [2, 3])
      context.strokeRect(left + 0.5, BODY + 0.5, Math.max(1, wide - 1), BODY_HEIGHT - 1)
      context.setLineDash([])
    }
    if (storage) {
      context.fillStyle = colours.stored
      context.fillRect(left, STRIP, wide, STRIP_HEIGHT)
    }
  }
  if (shared > 0) hatch(context, x(from), x(to), colours)
}

function hatch(
  context: CanvasRenderingContext2D,
  from: number,
  to: number,
  { hatch: colour }: Palette,
): void {
  context.save()
  context.beginPath()
  context.rect(from, BODY, to - from, BODY_HEIGHT)
  context.clip()
  context.beginPath()
  for (let left = from - BODY_HEIGHT; left < to; left += HATCH) {
    context.moveTo(left, BODY + BODY_HEIGHT)
    context.lineTo(left + BODY_HEIGHT, BODY)
  }
  context.strokeStyle = colour
  context.lineWidth = 1.5
  context.stroke()
  context.restore()
}

/** What is out of sight stays to be seen, as behind a curtain. */
function veil(
  context: CanvasRenderingContext2D,
  { from, to }: Span,
  x: (tokens: number) => number,
  colours: Palette,
): void {
  if (to <= from) return
  context.globalAlpha = 0.72
  context.fillStyle = colours.raised
  context.fillRect(x(from), BODY, x(to) - x(from), BODY_HEIGHT)
  context.globalAlpha = 1
}

function bracket(
  context: CanvasRenderingContext2D,
  span: Span,
  name: string,
  x: (tokens: number) => number,
  colours: Palette,
): void {
  const [from, to] = [x(span.from), x(span.to)]
  if (to <= from) return
  context.strokeStyle = colours.dim
  context.lineWidth = 1
  context.beginPath()
  context.moveTo(from + 0.5, BODY - 1)
  context.lineTo(from + 0.5, BODY - 4.5)
  context.lineTo(Math.max(from + 3, to) - 0.5, BODY - 4.5)
  context.lineTo(Math.max(from + 3, to) - 0.5, BODY - 1)
  context.stroke()
  // The sinks are few, and their name is wider than they are.
  if (name === 'sinks') label(context, name, from, BODY - 7, colours.dim, Infinity, 'left')
  else label(context, name, middle(span, x), BODY - 7, colours.dim, to - from)
}

function middle({ from, to }: Span, x: (tokens: number) => number): number {
  return (x(from) + x(to)) / 2
}

/** A text where it has room, so wide. */
function label(
  context: CanvasRenderingContext2D,
  text: string,
  at: number,
  y: number,
  colour: string,
  room: number,
  align: CanvasTextAlign = 'center',
): void {
  context.font = '11px system-ui, sans-serif'
  if (context.measureText(text).width + 8 > room) return
  context.textAlign = align
  context.fillStyle = colour
  context.fillText(text, at, y)
}
