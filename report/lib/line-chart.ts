// A chart of lines over two logarithmic axes as SVG, by hand: values against lengths that double. Each line has a colour, a
// dash and a mark of its own. The same input gives the same bytes; colours follow the reader's scheme, as in chart.ts.

import { framed, text, WIDTH } from './svg.ts'

export type Line = { label: string; points: readonly (readonly [x: number, y: number])[] }

export type LineChart = {
  title: string
  /** Behind the title: what y is. */
  unit: string
  /** Under the axis: what x is. */
  across: string
  digits: number
  /** At most as many as there are TONES. */
  lines: readonly Line[]
  /** A vertical line with words. */
  mark: { at: number; label: string }
}

const LEFT = 64
const RIGHT = 40
const TOP = 64
const PLOT = 300
const LEGEND_ROW = 20

/** Light and dark colour, dash; the mark is by index. */
const TONES = [
  ['#cf222e', '#f85149', '6 4'],
  ['#0969da', '#4493f8', '2 3'],
  ['#1a7f37', '#3fb950', '8 3 2 3'],
  ['#8250df', '#ab7df8', 'none'],
  ['#57606a', '#9198a1', 'none'],
] as const

const each = (part: (tone: (typeof TONES)[number], index: number) => string): string =>
  TONES.map(part).join(' ')

const STYLE = `
  .ground { fill: #ffffff } .text { fill: #24292f } .quiet { fill: #57606a } .rule { stroke: #d0d7de } .mark { stroke: #24292f; stroke-dasharray: 1 3 }
  ${each(([light, , dash], i) => `.line${i} { stroke: ${light}; fill: none; stroke-width: 2; stroke-dasharray: ${dash} } .dot${i} { fill: ${light} }`)}
  text { font: 12px system-ui, sans-serif } .title { font-size: 14px; font-weight: 600 }
  .unit { font-size: 12px; font-weight: 400 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } .text { fill: #e6edf3 } .quiet { fill: #9198a1 } .rule { stroke: #3d444d } .mark { stroke: #e6edf3 }
    ${each(([, dark], i) => `.line${i} { stroke: ${dark} } .dot${i} { fill: ${dark} }`)}
  }
`

/** The chart's text for those who do not see it: the ends of each line. */
export function describeLines({ title, unit, digits, lines }: LineChart): string {
  const ends = lines.map(({ label, points }) => {
    const said = [points[0], points[points.length - 1]].map(([x, y]) => `${y.toFixed(digits)} at ${x}`)
    return `${label}: ${said.join(', ')}`
  })
  return `${title}, ${unit}. ${ends.join('; ')}`
}

export function renderLines(chart: LineChart): string {
  const { title, unit, across, lines, mark } = chart
  if (lines.length > TONES.length) throw new RangeError(`${lines.length} lines, and ${TONES.length} tones`)
  const all = lines.flatMap(({ points }) => points)
  const xs = [...new Set(all.map(([at]) => at))].sort((a, b) => a - b)
  const ticks = decadeTicks(all.map(([, y]) => y))
  const x = scale(xs[0], xs[xs.length - 1], LEFT + 12, WIDTH - RIGHT)
  const y = scale(ticks[0], ticks[ticks.length - 1], TOP + PLOT, TOP)
  const bottom = TOP + PLOT
  const legendAt = bottom + 64
  const height = legendAt + lines.length * LEGEND_ROW
  return framed({ title, unit, said: describeLines(chart), style: STYLE, height }, [
    ...ticks.flatMap((tick) => [
      `<line class="rule" x1="${LEFT}" y1="${y(tick)}" x2="${WIDTH - RIGHT}" y2="${y(tick)}"/>`,
      text(LEFT - 8, Number(y(tick)) + 4, String(tick), 'quiet', 'end'),
    ]),
    ...xs.filter(isDoubled(xs)).map((at) => text(x(at), bottom + 18, String(at), 'quiet', 'middle')),
    text((LEFT + WIDTH - RIGHT) / 2, bottom + 38, across, 'quiet', 'middle'),
    `<line class="mark" x1="${x(mark.at)}" y1="${TOP - 8}" x2="${x(mark.at)}" y2="${bottom}"/>`,
    text(x(mark.at), TOP - 14, mark.label, 'text', 'middle'),
    ...lines.flatMap(({ points }, i) => [
      `<polyline class="line${i}" points="${points.map(([at, value]) => `${x(at)},${y(value)}`).join(' ')}"/>`,
      ...points.map(([at, value]) => dot(i, Number(x(at)), Number(y(value)))),
    ]),
    ...lines.flatMap(({ label }, i) => {
      const at = legendAt + i * LEGEND_ROW
      return [
        `<polyline class="line${i}" points="${LEFT},${at - 4} ${LEFT + 36},${at - 4}"/>`,
        dot(i, LEFT + 18, at - 4),
        text(LEFT + 46, at, label, 'text'),
      ]
    }),
  ])
}

function scale(low: number, high: number, from: number, to: number): (value: number) => string {
  const span = Math.log(high / low)
  return (value) => (from + (Math.log(value / low) / span) * (to - from)).toFixed(1)
}

/** 1, 2, 3, 5 and 7 times powers of ten, from at or below the least to at or above the most. */
function decadeTicks(values: readonly number[]): number[] {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const all: number[] = []
  for (let power = 10 ** Math.floor(Math.log10(least)); power <= most * 10; power *= 10)
    all.push(...[1, 2, 3, 5, 7].map((part) => part * power))
  const first = all.findLastIndex((tick) => tick <= least)
  return all.slice(first, all.findIndex((tick) => tick >= most) + 1)
}

/** Only what is the first times a power of two gets a number: between them there is no room. */
function isDoubled([first]: readonly number[]): (at: number) => boolean {
  return (at) => Number.isInteger(Math.log2(at / first))
}

/** Circle, square, diamond, triangle, small circle. */
function dot(index: number, x: number, y: number): string {
  const shift = ([dx, dy]: readonly number[]): string => `${(x + dx).toFixed(1)},${(y + dy).toFixed(1)}`
  const shapes: Record<number, readonly (readonly number[])[]> = {
    1: [
      [-4, -4],
      [4, -4],
      [4, 4],
      [-4, 4],
    ],
    2: [
      [0, -5],
      [5, 0],
      [0, 5],
      [-5, 0],
    ],
    3: [
      [0, -5],
      [5, 4],
      [-5, 4],
    ],
  }
  const corners = shapes[index]
  if (corners === undefined)
    return `<circle class="dot${index}" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${index === 0 ? 4 : 3}"/>`
  return `<polygon class="dot${index}" points="${corners.map(shift).join(' ')}"/>`
}
