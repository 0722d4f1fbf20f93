// Charts and tables of the goals: drawn from raw values, whole as XML, and nothing of them hides a miss.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Run } from '../../bench/lib/rounds.ts'
import { readResults } from '../../report/lib/bench-results.ts'
import { benchBlocks, benchCharts } from '../../report/lib/bench-tables.ts'
import { describeChart, renderChart, type Chart } from '../../report/lib/chart.ts'
import { describeLines, renderLines, type LineChart } from '../../report/lib/line-chart.ts'
import { dollarsPerMillion } from '../../report/lib/cost.ts'

const CHART: Chart = {
  title: 'A <title> & more',
  unit: 'tokens a second',
  digits: 1,
  groups: [
    {
      label: 'first',
      bars: [
        {
          label: 'ours',
          values: [90, 100, 120],
          tone: 'ours',
          marks: [
            { at: 170, kind: 'goal' },
            { at: 200, kind: 'stretch' },
          ],
        },
        { label: 'other', values: [60], tone: 'other' },
      ],
    },
  ],
}

const folder = mkdtempSync(join(tmpdir(), 'islet-charts-'))
afterAll(() => rmSync(folder, { recursive: true }))

const MACHINE = {
  cpu: 'a CPU',
  cores: 2,
  memoryBytes: 1,
  kernel: '6',
  load: 1.5,
  busy: 0,
  node: 'v22.0.0',
  wrangler: '4',
  workerd: '1',
  commit: '0123456789abcdef0123456789abcdef01234567',
}

const FILE = { sha256: 'f', tensors: { Q4_0: 210 } }
const LLAMA = {
  release: 'v0',
  flashAttention: true,
  kv: 'f16',
  backend: 'cpu.so',
  threads: [1, 1],
  files: { same: FILE, q4_0: FILE },
}

const decode = (variant: string, ...seconds: number[]): Run => ({
  variant,
  round: 0,
  cases: [{ case: 'decode:64@256', tokens: 64, runs: seconds.map((one) => ({ seconds: one })) }],
})

function write(result: { name: string }): void {
  writeFileSync(join(folder, `${result.name}.json`), JSON.stringify(result))
}

describe('renderChart', () => {
  const svg = renderChart(CHART)

  it('draws a bar to the median, a dot for each of several values, a mark for each goal', () => {
    expect(svg.match(/<rect class="(ours|other)"/g)).toHaveLength(2)
    expect(svg.match(/<circle class="dot" cx="[\d.]+" cy="73"/g)).toHaveLength(3)
    expect(svg.match(/<line class="goal"/g)).toHaveLength(2) // one on the bar, one in the legend
    const width = (tone: string): number =>
      Number(new RegExp(`class="${tone}" .*? width="([\\d.]+)"`).exec(svg)?.[1])
    expect(width('ours') / width('other')).toBeCloseTo(100 / 60, 1)
  })

  it('keeps everything inside its frame', () => {
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)?.map(Number) ?? []
    const values = (name: string): number[] =>
      [...svg.matchAll(new RegExp(` ${name}="([\\d.]+)"`, 'g'))].map(([, v]) => Number(v))
    expect(Math.max(...values('x1'), ...values('cx'), ...values('x'))).toBeLessThan(width)
    expect(Math.max(...values('y1'), ...values('y2'), ...values('cy'), ...values('y'))).toBeLessThan(height)
  })

  it('is whole: texts are escaped, tags are closed', () => {
    expect(svg).toContain('A &#60;title&#62; &#38; more')
    const opened = [...svg.matchAll(/<(\w+)(?:\s[^<>]*)?(?<!\/)>/g)].map(([, name]) => name).toSorted()
    const closed = [...svg.matchAll(/<\/(\w+)>/g)].map(([, name]) => name).toSorted()
    expect(opened).toEqual(closed)
  })

  it('gives the same bytes again, and its numbers as text', () => {
    expect(renderChart(CHART)).toBe(svg)
    expect(describeChart(CHART)).toBe('A <title> & more, tokens a second. first: ours 100.0, other 60.0')
  })
})

describe('renderLines', () => {
  const chart: LineChart = {
    title: 'A & B',
    unit: 'perplexity',
    across: 'length',
    digits: 1,
    lines: [
      {
        label: 'flat',
        points: [
          [64, 30],
          [128, 30],
          [512, 30],
        ],
      },
      {
        label: 'steep',
        points: [
          [64, 30],
          [128, 60],
          [512, 240],
        ],
      },
    ],
    mark: { at: 128, label: 'trained' },
  }
  const svg = renderLines(chart)
  const points = (line: number): number[][] =>
    (new RegExp(`class="line${line}" points="([^"]+)"`).exec(svg)?.[1] ?? '')
      .split(' ')
      .map((pair) => pair.split(',').map(Number))

  it('has logarithmic axes: equal factors are equal ways', () => {
    const [[x0, y0], [x1, y1], [x2, y2]] = points(1)
    expect((x2 - x1) / (x1 - x0)).toBeCloseTo(2, 2)
    expect((y2 - y1) / (y1 - y0)).toBeCloseTo(2, 2)
    expect(y2).toBeLessThan(y1)
    expect(new Set(points(0).map(([, y]) => y)).size).toBe(1)
    expect(svg).toContain(`class="mark" x1="${x1.toFixed(1)}"`)
  })

  it('keeps lines in the frame, names them, and says their ends', () => {
    const height = Number(/viewBox="0 0 760 (\d+)"/.exec(svg)?.[1])
    for (const [x, y] of [...points(0), ...points(1)]) {
      expect(x > 64 && x < 760).toBe(true)
      expect(y > 40 && y < height - 60).toBe(true)
    }
    expect(svg).toContain('>steep</text>')
    expect(svg).toContain('A &#38; B')
    expect(describeLines(chart)).toBe(
      'A & B, perplexity. flat: 30.0 at 64, 30.0 at 512; steep: 30.0 at 64, 240.0 at 512',
    )
    expect(renderLines(chart)).toBe(svg)
  })

  it('takes no more lines than it can tell apart', () => {
    expect(() => renderLines({ ...chart, lines: Array(6).fill(chart.lines[0]) })).toThrow('6 lines')
  })
})

describe('results', () => {
  it('that are older than their readers are not there', () => {
    write({ name: 'speed', ...{ model: 'm', machine: MACHINE, table: [], runs: [] } })
    expect(readResults(folder).speed).toBeUndefined()
    expect(benchCharts(folder)).toEqual([])
  })

  it('become tables and charts, a miss in bold', () => {
    const runs = [decode('ours', 0.5, 0.4, 0.6), decode('same', 0.8), decode('q4_0', 0.4)]
    write({ name: 'speed', ...{ format: 2, model: 'm', machine: MACHINE, llama: LLAMA, retried: [], runs } })
    const blocks = new Map(benchBlocks(folder))
    expect(blocks.get('goal-decode-256-same')).toContain('1.60 x | **not met** |')
    expect(blocks.get('goal-decode-256-best')).toContain('0.80 x | **not met** |')
    expect(blocks.get('goal-decode-256-best')).toContain('(charts/decode-256-best.svg)')
    expect(blocks.get('goal-prefill-same')).toContain('`npm run bench`')
    expect(blocks.get('speed')).toContain(
      '| decode, 64 tokens after 256 | 128.0 | 80.0 | 160.0 | 1.60 | 0.80 |',
    )
    expect(blocks.get('speed')).toContain('commit 0123456.')
    expect(blocks.get('speed')).not.toContain('not idle')
    const [overall] =
      blocks
        .get('goals')
        ?.split('\n')
        .filter((line) => line.includes('1.60 x | **not met**')) ?? []
    expect(overall).toContain('at least 1.70 x')
    expect(benchCharts(folder).map(([path]) => path)).toEqual([
      'charts/decode-256-same.svg',
      'charts/decode-256-best.svg',
    ])
  })
})

it('a million tokens at 6 ms each cost about a cent', () => {
  expect(dollarsPerMillion(1000 / 6)).toBeCloseTo(0.0096, 6)
})
