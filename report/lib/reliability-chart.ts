// A reliability chart as SVG sets the share of right answers against the probability that was stated.

import type { Bin } from '../../bench/decisions.ts'
import { framed, text } from './svg.ts'

/** What one model stated: bins that are not empty, by rising probability. */
export type Reliability = { label: string; bins: readonly Bin[] }

const LEFT = 64
const SIDE = 320
const TOP = 64
const LEGEND = LEFT + SIDE + 48
/** Pixels of a dot's radius for the square root of its count. */
const RADIUS = 1.4

/** Light and dark colour and dash of each model. */
const TONES = [
  ['#0969da', '#4493f8', 'none'],
  ['#cf222e', '#f85149', '6 4'],
  ['#1a7f37', '#3fb950', '2 3'],
] as const

const each = (part: (tone: (typeof TONES)[number], index: number) => string): string =>
  TONES.map(part).join(' ')

const STYLE = `
  .ground { fill: #ffffff } .text { fill: #24292f } .quiet { fill: #57606a } .rule { stroke: #d0d7de } .mark { stroke: #57606a; stroke-dasharray: 1 3 }
  ${each(([light, , dash], i) => `.line${i} { stroke: ${light}; fill: none; stroke-width: 2; stroke-dasharray: ${dash} } .dot${i} { fill: ${light}; fill-opacity: 0.7 }`)}
  text { font: 12px system-ui, sans-serif } .title { font-size: 14px; font-weight: 600 }
  .unit { font-size: 12px; font-weight: 400 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } .text { fill: #e6edf3 } .quiet { fill: #9198a1 } .rule { stroke: #3d444d } .mark { stroke: #9198a1 }
    ${each(([, dark], i) => `.line${i} { stroke: ${dark} } .dot${i} { fill: ${dark} }`)}
  }
`

const TITLE = 'Stated and true'
const UNIT = 'share of right answers against the probability of the answer, in tenths'

/** The chart's text for those who do not see it: each bin. */
export function describeReliability(models: readonly Reliability[]): string {
  const said = models.map(({ label, bins }) => {
    const points = bins.map(
      ({ probability, right, count }) => `${right} of ${count} right at ${probability.toFixed(2)}`,
    )
    return `${label}: ${points.join(', ')}`
  })
  return `${TITLE}, ${UNIT}. ${said.join('; ')}`
}

export function renderReliability(models: readonly Reliability[]): string {
  if (models.length > TONES.length) throw new RangeError(`${models.length} models, and ${TONES.length} tones`)
  const x = (value: number): string => (LEFT + value * SIDE).toFixed(1)
  const y = (value: number): string => (TOP + (1 - value) * SIDE).toFixed(1)
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1]
  return framed(
    { title: TITLE, unit: UNIT, said: describeReliability(models), style: STYLE, height: TOP + SIDE + 56 },
    [
      ...ticks.flatMap((tick) => [
        `<line class="rule" x1="${LEFT}" y1="${y(tick)}" x2="${LEFT + SIDE}" y2="${y(tick)}"/>`,
        text(LEFT - 8, Number(y(tick)) + 4, tick.toFixed(1), 'quiet', 'end'),
        text(x(tick), TOP + SIDE + 18, tick.toFixed(1), 'quiet', 'middle'),
      ]),
      text(LEFT + SIDE / 2, TOP + SIDE + 38, 'probability of the answer that was given', 'quiet', 'middle'),
      `<line class="mark" x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}"/>`,
      ...models.flatMap(({ bins }, i) => {
        const points = bins.map(({ probability, right, count }) => ({
          at: [x(probability), y(right / count)] as const,
          radius: (RADIUS * Math.sqrt(count)).toFixed(1),
        }))
        return [
          `<polyline class="line${i}" points="${points.map(({ at }) => at.join()).join(' ')}"/>`,
          ...points.map(
            ({ at: [cx, cy], radius }) => `<circle class="dot${i}" cx="${cx}" cy="${cy}" r="${radius}"/>`,
          ),
        ]
      }),
      ...models.flatMap(({ label }, i) => [
        `<polyline class="line${i}" points="${LEGEND},${TOP + 16 + 24 * i} ${LEGEND + 36},${TOP + 16 + 24 * i}"/>`,
        text(LEGEND + 46, TOP + 20 + 24 * i, label, 'text'),
      ]),
      text(LEGEND, TOP + 28 + 24 * models.length, 'dots: the area is the number of texts', 'quiet'),
      text(LEGEND, TOP + 48 + 24 * models.length, 'dotted: as often true as stated', 'quiet'),
    ],
  )
}
