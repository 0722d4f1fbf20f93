// A lane whose isolate ran out of memory takes smaller windows, keeps them, and says so.

import { describe, expect, test } from 'vitest'
import type { WindowOptions } from '../../src/cache/window.ts'
import { IsletError } from '../../src/lib/errors.ts'
import { ask, eventsOf, laneStorage, mockLane, mockManifest } from '../helpers/mock-lane.ts'
import { MockModel } from '../helpers/mock-model.ts'
import { request } from '../helpers/request.ts'

describe('memory resets', () => {
  test('each halves the window once, never below 128, and health says so', async () => {
    const parts = { storage: laneStorage() }
    // A reset makes a new object in a new isolate; only what is stored stays.
    const afterReset = () => mockLane({ config: { windows: [1024] }, model: { pageCount: 100 }, parts })
    let made = afterReset()
    await ask(made.lane, request())
    expect(made.windows).toEqual([{ window: 1024, sinks: 4 }])
    for (const window of [512, 256, 128, 128]) {
      made = afterReset()
      await Promise.all([1, 2, 3].map(() => made.lane.memoryReset()))
      await ask(made.lane, request())
      expect(made.windows).toEqual([{ window, sinks: 4 }])
    }
    expect(made.lane.health()).toMatchObject({
      window: { window: 128, sinks: 4 },
      note: expect.stringContaining('128 instead of 1024'),
    })
    // A setting that the operator changed since then counts again.
    const changed = mockLane({ config: { windows: [600] }, model: { pageCount: 100 }, parts })
    await ask(changed.lane, request())
    expect(changed.windows).toEqual([{ window: 600, sinks: 4 }])
  })

  test('full attention falls back to half the context', async () => {
    const { lane, windows } = mockLane({ config: { windows: [0] } })
    await lane.memoryReset()
    await ask(lane, request())
    expect(windows).toEqual([{ window: mockManifest().spec.context / 2, sinks: 4 }])
  })

  test('windows by depth are all halved, health names them, and reports the widest', async () => {
    const parts = { storage: laneStorage() }
    const afterReset = () =>
      mockLane({ config: { windows: [64, 300, 1024] }, model: { pageCount: 100 }, parts })
    const { lane } = afterReset()
    await ask(lane, request())
    expect(lane.health().window).toEqual({ window: 1024, sinks: 4, byDepth: [64, 300, 1024] })
    const made = afterReset()
    await made.lane.memoryReset()
    const events = await ask(made.lane, request({ maxTokens: 3, ignoreEos: true }))
    expect(made.windows.at(-1)).toEqual({ window: 512, sinks: 4, byDepth: [64, 150, 512] })
    expect(eventsOf(events, 'finish')[0].window).toEqual({ window: 512, sinks: 4, outOfSight: 0 })
    expect(made.lane.health()).toMatchObject({
      window: { window: 512, sinks: 4, byDepth: [64, 150, 512] },
      note: expect.stringContaining('64,150,512 instead of 64,300,1024'),
    })
    const changed = mockLane({ config: { windows: [64, 1024] }, model: { pageCount: 100 }, parts })
    await ask(changed.lane, request())
    expect(changed.windows).toEqual([{ window: 1024, sinks: 4, byDepth: [64, 1024] }])
  })

  test("windows that the model cannot have are the deployment's fault, not the client's", async () => {
    const readModel = () => Promise.reject(new IsletError('invalid_request', '5 windows for 4 layers'))
    const { lane } = mockLane({ config: { windows: [8, 9] }, parts: { readModel } })
    const events = await ask(lane, request())
    expect(eventsOf(events, 'error')).toMatchObject([
      { code: 'engine_failure', message: expect.stringContaining('WINDOW = "8,9": 5 windows for 4 layers') },
    ])
  })

  test('memory that the host refuses does the same, at once', async () => {
    const windows: (number | undefined)[] = []
    const refuseAbove = (most: number) => ({
      readModel: async (_text: unknown, options: WindowOptions) => {
        const { window } = options
        windows.push(window)
        if (window === undefined || window > most)
          throw Object.assign(new Error('refused'), { code: 'out_of_memory' })
        return new MockModel({ window: options, pageCount: 100 })
      },
    })
    const { lane } = mockLane({ config: { windows: [1024] }, parts: refuseAbove(300) })
    expect((await ask(lane, request())).at(-1)?.type).toBe('finish')
    expect(windows).toEqual([1024, 512, 256])
    expect(lane.health().note).toContain('refused')

    const never = mockLane({ config: { windows: [256] }, parts: refuseAbove(0) })
    expect((await ask(never.lane, request())).at(-1)).toMatchObject({ code: 'out_of_memory' })
    expect(windows.slice(3)).toEqual([256, 128])
  })
})
