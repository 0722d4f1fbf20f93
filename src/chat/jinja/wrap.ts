// The filter wordwrap breaks lines as Python's textwrap does.

import type { Meter } from './meter.ts'
import { lengthOf, pointsOf } from './strings.ts'
import { valueError } from './errors.ts'

export type WrapStyle = { width: number; breakLong: boolean; breakHyphens: boolean }

const CHUNKS = /[ \t\n\v\f\r]+|[^ \t\n\v\f\r]+/g
const HYPHENS =
  /(?<=[\p{L}\p{N}_]{2}-)(?=[\p{L}_][\p{L}\p{N}_])|(?<=[^ -])(?=-{2,}[\p{L}\p{N}_])|(?<=[^-]-{2,})(?=[\p{L}\p{N}_])/u

/** The lines of one paragraph, none longer than `width` code points where words can be broken. */
export function wrapped(text: string, style: WrapStyle, meter: Meter): string[] {
  const { width, breakLong, breakHyphens } = style
  if (width <= 0) throw valueError(`invalid width ${width} (must be > 0)`)
  meter.make(text.length * 8)
  const words = text.match(CHUNKS) ?? []
  const chunks = (breakHyphens ? words.flatMap((word) => word.split(HYPHENS)) : words).reverse()
  const lines: string[] = []
  while (chunks.length > 0) {
    const line: string[] = []
    let room = width
    if (lines.length > 0 && chunks[chunks.length - 1].trim() === '') chunks.pop()
    while (chunks.length > 0 && lengthOf(chunks[chunks.length - 1]) <= room) {
      const chunk = chunks.pop() ?? ''
      room -= lengthOf(chunk)
      line.push(chunk)
    }
    const next = chunks.at(-1)
    if (next !== undefined && lengthOf(next) > width) {
      chunks.pop()
      if (!breakLong) {
        if (line.length === 0) line.push(next)
        else chunks.push(next)
      } else {
        const cut = Math.max(1, room)
        const points = Array.from(pointsOf(next))
        line.push(points.slice(0, cut).join(''))
        chunks.push(points.slice(cut).join(''))
      }
    }
    if (line.at(-1)?.trim() === '') line.pop()
    if (line.length > 0) lines.push(line.join(''))
  }
  return lines
}
