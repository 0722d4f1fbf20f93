// A bar chart as SVG, by hand: a bar is a median, dots on it are the raw values, vertical marks are what is wanted.
// The same input gives the same bytes, so that a test can tell a stale chart. Colours follow the reader's scheme.

import { median } from '../../bench/lib/results.ts'
import { framed, text, WIDTH } from './svg.ts'

export type Mark = { at: number; kind: 'goal' | 'stretch' | 'limit' }

export type Bar = {
  label: string
  /** Raw values; the bar ends at their median. */
  values: readonly number[]
  tone: 'ours' | 'other'
  marks?: readonly Mark[]
}

export type Chart = {
  title: string
  /** Behind the numbers: `tokens a second`. */
  unit: string
  digits: number
  groups: readonly { label: string; bars: readonly Bar[] }[]
}

const LEFT = 220
const RIGHT = 70
const TOP = 44
const ROW = 24
const BAR = 14
const GROUP_LABEL = 22
const GROUP_GAP = 8
const FOOT = 62
const GAP = 8
const NUMBER = 44

/** Two schemes: the ground is drawn too, for pages whose scheme is not the reader's. */
const STYLE = `
  .ground { fill: #ffffff } .text { fill: #24292f } .quiet { fill: #57606a } .rule { stroke: #d0d7de }
  .ours { fill: #0969da } .other { fill: #8c959f } .dot { fill: #24292f; fill-opacity: 0.45 }
  .goal { stroke: #cf222e } .stretch { stroke: #1a7f37; stroke-dasharray: 4 3 } .limit { stroke: #24292f; stroke-dasharray: 1 3 }
  text { font: 12px system-ui, sans-serif } .title { font-size: 14px; font-weight: 600 }
  .unit { font-size: 12px; font-weight: 400 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } .text { fill: #e6edf3 } .quiet { fill: #9198a1 } .rule { stroke: #3d444d }
    .ours { fill: #4493f8 } .other { fill: #656c76 } .dot { fill: #e6edf3 }
    .goal { stroke: #f85149 } .stretch { stroke: #3fb950 } .limit { stroke: #e6edf3 }
  }
`

/** The chart's text for those who do not see it: each bar's number. */
export function describeChart({ title, unit, digits, groups }: Chart): string {
  const parts = groups.map(({ label, bars }) => {
    const numbers = bars.map((bar) => `${bar.label} ${median(bar.values).toFixed(digits)}`)
    return `${label === '' ? '' : `${label}: `}${numbers.join(', ')}`
  })
  return `${title}, ${unit}. ${parts.join('; ')}`
}

export function renderChart(chart: Chart): string {
  const { title, unit, digits, groups } = chart
  const bars = groups.flatMap((group) => group.bars)
  const most = Math.max(
    ...bars.flatMap(({ values, marks = [] }) => [...values, ...marks.map(({ at }) => at)]),
  )
  const step = tickStep(most)
  const end = Math.ceil(most / step) * step
  const x = (value: number): string => (LEFT + (value / end) * (WIDTH - LEFT - RIGHT)).toFixed(1)

  const rows: string[] = []
  let y = TOP
  for (const { label, bars: group } of groups) {
    if (label !== '') {
      rows.push(text(16, y + 14, label, 'text'))
      y += GROUP_LABEL
    }
    for (const bar of group) {
      rows.push(...drawBar(bar, y, x, digits))
      y += ROW
    }
    y += GROUP_GAP
  }
  const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, i) => i * step)
  const kinds = [...new Set(bars.flatMap(({ marks = [] }) => marks.map(({ kind }) => kind)))]
  const height = y + FOOT
  return framed({ title, unit, said: describeChart(chart), style: STYLE, height }, [
    ...ticks.flatMap((tick) => [
      line('rule', x(tick), TOP - 6, y),
      text(x(tick), y + 16, shown(tick, step), 'quiet', 'middle'),
    ]),
    ...rows,
    ...legend(
      kinds,
      bars.some(({ values }) => values.length > 1),
      y + 44,
    ),
  ])
}

function drawBar(bar: Bar, y: number, x: (value: number) => string, digits: number): string[] {
  const middle = median(bar.values)
  const width = Number(x(middle)) - LEFT
  const centre = y + BAR / 2
  const dots = bar.values.length > 1 ? bar.values : []
  return [
    text(LEFT - 10, y + 11, bar.label, 'text', 'end'),
    `<rect class="${bar.tone}" x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR}"/>`,
    ...dots.map((value) => `<circle class="dot" cx="${x(value)}" cy="${centre}" r="2"/>`),
    ...(bar.marks ?? []).map(({ at, kind }) => line(kind, x(at), y - 4, y + BAR + 4, 2)),
    text(numberAt(bar, x).toFixed(1), y + 11, middle.toFixed(digits), 'text'),
  ]
}

/** Where the bar's number begins: behind its dots, and behind marks that it would run into. */
function numberAt({ values, marks = [] }: Bar, x: (value: number) => string): number {
  let at = Number(x(Math.max(...values))) + GAP
  for (const mark of marks.map((one) => Number(x(one.at))).sort((a, b) => a - b)) {
    if (mark > at - GAP && mark < at + NUMBER) at = mark + GAP
  }
  return at
}

const KIND_NAMES: Record<Mark['kind'], string> = { goal: 'goal', stretch: 'stretch goal', limit: 'limit' }

function legend(kinds: readonly Mark['kind'][], hasDots: boolean, y: number): string[] {
  const words = [
    ...kinds.map((kind) => ({
      draw: (at: number) => line(kind, at, y - 10, y + 3, 2),
      name: KIND_NAMES[kind],
    })),
    ...(hasDots
      ? [
          {
            draw: (at: number) => `<circle class="dot" cx="${at}" cy="${y - 4}" r="2"/>`,
            name: 'each value; bars end at their median',
          },
        ]
      : []),
  ]
  let at = LEFT
  return words.flatMap(({ draw, name }) => {
    const drawn = [draw(at), text(at + 8, y, name, 'quiet')]
    at += 32 + name.length * 6
    return drawn
  })
}

/** 1, 2 or 5 times a power of ten: four to ten steps to `most`. */
function tickStep(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most))
  return [0.1, 0.2, 0.5, 1].map((part) => part * power).find((step) => most / step <= 8) ?? power
}

function shown(tick: number, step: number): string {
  return tick.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))
}

function line(kind: string, x: string | number, from: number, to: number, width = 1): string {
  return `<line class="${kind}" x1="${x}" y1="${from}" x2="${x}" y2="${to}" stroke-width="${width}"/>`
}
