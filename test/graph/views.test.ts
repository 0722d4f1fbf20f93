// What each layer sees: its own window against the one that was configured, windows by depth, and the widest of all.

import { describe, expect, it } from 'vitest'
import { visible, type WindowOptions } from '../../src/cache/window.ts'
import { viewsOf } from '../../src/graph/views.ts'
import type { LayerKind, ModelSpec } from '../../src/models/spec.ts'
import { MOCK_SPEC } from '../helpers/mock-model.ts'

const [{ position }] = MOCK_SPEC.attention.kinds
const FULL: WindowOptions = { window: undefined, sinks: 0 }

function spec(kinds: LayerKind[], kindOfLayer: number[]): ModelSpec {
  const { attention } = MOCK_SPEC
  return { ...MOCK_SPEC, layers: kindOfLayer.length, attention: { ...attention, kinds, kindOfLayer } }
}

/** The window of each layer. */
function windows(of: ModelSpec, options: WindowOptions): WindowOptions[] {
  const { list, ofLayer } = viewsOf(of, options)
  return ofLayer.map((view) => list[view].window)
}

/** Full attention and a sliding window of 100, in turns. */
const MIXED = spec([{ position }, { position, window: 100 }], [0, 1, 0, 1])

describe('a window of a layer’s own', () => {
  const own = { window: 100, sinks: 0 }
  it.each([
    ['stays under full attention', FULL, [FULL, own, FULL, own]],
    ['stays where it is narrower', { window: 500, sinks: 4 }, [{ window: 500, sinks: 4 }, own]],
    ['stays where both are equal', { window: 100, sinks: 4 }, [{ window: 100, sinks: 4 }, own]],
    [
      'gives way where it is wider, to the sinks too',
      { window: 99, sinks: 4 },
      [
        { window: 99, sinks: 4 },
        { window: 99, sinks: 4 },
      ],
    ],
  ] as [string, WindowOptions, WindowOptions[]][])('%s', (_, options, wanted) => {
    expect(windows(MIXED, options)).toEqual(wanted.length === 4 ? wanted : [...wanted, ...wanted])
  })

  it('of all layers bounds the whole model', () => {
    const { list, widest } = viewsOf(spec([{ position, window: 100 }], [0, 0]), FULL)
    expect(list).toHaveLength(1)
    expect(widest).toEqual({ window: 100, sinks: 0 })
  })
})

describe('views', () => {
  it('are shared by layers that see and turn alike', () => {
    expect(viewsOf(MIXED, FULL).ofLayer).toEqual([0, 1, 0, 1])
    expect(viewsOf(MIXED, { window: 40, sinks: 2 })).toMatchObject({ ofLayer: [0, 0, 0, 0] })
  })
  it('differ where only the rotation does', () => {
    const slow = { ...position, base: 1e6 } as typeof position
    const { list, ofLayer } = viewsOf(spec([{ position }, { position: slow }], [0, 1, 1]), {
      window: 40,
      sinks: 2,
    })
    expect(ofLayer).toEqual([0, 1, 1])
    expect(list.map((view) => view.position)).toEqual([position, slow])
  })
  it('a model whose prefix sees itself takes no window', () => {
    const prefix = { ...MOCK_SPEC, prefix: { start: 3, gmask: 2, mask: 1 } }
    expect(viewsOf(prefix, FULL).widest).toEqual(FULL)
    expect(() => viewsOf(prefix, { window: 1024, sinks: 4 })).toThrow(
      expect.objectContaining({ code: 'invalid_request', param: 'window' }),
    )
  })
})

describe('windows by depth', () => {
  const six = spec([{ position }], [0, 0, 0, 0, 0, 0])
  it('cut the layers into as many runs', () => {
    const of = (byDepth: number[]) =>
      windows(six, { window: Math.max(...byDepth), sinks: 3, byDepth }).map(({ window }) => window)
    expect(of([50, 20])).toEqual([50, 50, 50, 20, 20, 20])
    expect(of([10, 20, 30])).toEqual([10, 10, 20, 20, 30, 30])
    expect(of([9, 8, 7, 6])).toEqual([9, 9, 8, 7, 7, 6])
    expect(of([5])).toEqual([5, 5, 5, 5, 5, 5])
  })
  it('all have the sinks, and layers keep a narrower window of their own', () => {
    const options = { window: 200, sinks: 3, byDepth: [50, 200] }
    expect(windows(six, options)[5]).toEqual({ window: 200, sinks: 3 })
    expect(windows(MIXED, options)).toEqual([
      { window: 50, sinks: 3 },
      { window: 50, sinks: 3 },
      { window: 200, sinks: 3 },
      { window: 100, sinks: 0 },
    ])
  })
})

describe('the widest', () => {
  const CASES: [ModelSpec, WindowOptions][] = [
    [MIXED, FULL],
    [MIXED, { window: 120, sinks: 9 }],
    [MIXED, { window: 90, sinks: 40 }],
    [
      spec(
        [
          { position, window: 30 },
          { position, window: 70 },
        ],
        [0, 1, 0],
      ),
      FULL,
    ],
    [
      spec(
        [
          { position, window: 30 },
          { position, window: 70 },
        ],
        [0, 1, 0],
      ),
      { window: 50, sinks: 20 },
    ],
    [MIXED, { window: 80, sinks: 5, byDepth: [20, 80] }],
  ]
  it.each(CASES)('covers what any layer sees (%#)', (of, options) => {
    const { list, widest } = viewsOf(of, options)
    for (let p = 0; p < 400; p++) {
      const whole = visible(p, widest)
      for (const { window } of list) {
        const seen = visible(p, window)
        expect(seen.start, `from ${p} back`).toBeGreaterThanOrEqual(whole.start)
        expect(seen.sinkEnd).toBeLessThanOrEqual(whole.start === 0 ? p : whole.sinkEnd)
      }
    }
  })
})
