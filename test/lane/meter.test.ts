// A lane counts its generations as they end, each token once, and tells of its engine without beginning a load.

import { expect, it } from 'vitest'
import { fakeLanes } from '../helpers/fake-lanes.ts'
import { ask, idsOf, mockLane } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'

const text = (value: string) => ({ kind: 'text', text: value }) as const

it('begins no load, unlike health', async () => {
  const { lane, models } = mockLane()
  expect(lane.meter.metrics()).toMatchObject({ running: 0, waiting: 0, promptTokens: 0, ended: {} })
  expect(lane.meter.metrics()).not.toHaveProperty('engine')
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(models).toEqual([])
})

it('counts prompt, cache and answer of what has ended', async () => {
  const { lane } = mockLane()
  const prompt = text('x'.repeat(40))
  const first = await ask(lane, request({ prompt, maxTokens: 5, store: false }))
  expect(lane.meter.metrics()).toMatchObject({
    promptTokens: 41, // BOS in front
    cachedTokens: 0,
    predictedTokens: idsOf(first).length,
    tokensMax: 46,
    ended: { length: 1 },
    running: 0,
  })
  await ask(lane, request({ prompt, maxTokens: 5, store: false }))
  const { promptTokens, cachedTokens, predictedTokens, engine } = lane.meter.metrics()
  expect(promptTokens + cachedTokens).toBe(82)
  expect(cachedTokens).toBeGreaterThan(0)
  expect(predictedTokens).toBe(10)
  expect(engine?.pageCount).toBeGreaterThan(0)
  expect(engine?.pagesFree).toBeLessThan(engine!.pageCount)
})

it('counts several answers to one prompt, and the prompt once', async () => {
  const { lane } = mockLane()
  const asked = request({ prompt: text('x'.repeat(40)), maxTokens: 5, choices: 3, store: false })
  await ask(lane, asked)
  expect(lane.meter.metrics()).toMatchObject({ promptTokens: 41, predictedTokens: 15, ended: { length: 1 } })
})

it('counts a token of an answer that is read on once', async () => {
  const { lane } = mockLane()
  const stream = lane.generate(request({ prompt: text('hello'), maxTokens: 12, store: true }))
  const events = decodeEvents(stream)
  let session = ''
  let seen = 0
  for await (const event of events) {
    if (event.type === 'session') session = event.session
    if (event.type === 'text') seen += event.ids.length
    if (seen >= 4) break
  }
  while (lane.meter.metrics().ended['left'] === undefined)
    await new Promise((resolve) => setTimeout(resolve, 5))
  const before = structuredClone(lane.meter.metrics())
  expect(before.ended).toEqual({ left: 1 })
  expect(before.predictedTokens).toBeGreaterThanOrEqual(4)
  for await (const _ of decodeEvents(lane.resume('tenant', session)));
  const after = structuredClone(lane.meter.metrics())
  expect(after).toMatchObject({ promptTokens: before.promptTokens, ended: { left: 1, length: 1 } })
  expect(after.predictedTokens).toBe(12)
  for await (const _ of decodeEvents(lane.resume('tenant', session)));
  expect(lane.meter.metrics()).toEqual({ ...after, storage: expect.anything() as unknown })
})

it('counts what was computed ahead of a reader that left', async () => {
  const { lane } = mockLane()
  const slow = decodeEvents(lane.generate(request({ prompt: text('slow'), maxTokens: 20, store: true })))
  let seen = 0
  while (seen === 0) {
    const { value } = await slow.next()
    if (value?.type === 'text') seen += value.ids.length
  }
  // Its steps run the other's turn too.
  const quick = await ask(lane, request({ tenant: 'other', prompt: text('quick'), maxTokens: 20 }))
  await slow.return(undefined)
  while (lane.meter.metrics().ended['left'] === undefined)
    await new Promise((resolve) => setTimeout(resolve, 5))
  expect(lane.meter.metrics().predictedTokens).toBeGreaterThan(idsOf(quick).length + seen + 5)
})

it('counts what it refused, by its code', async () => {
  const { lane } = mockLane()
  await ask(lane, request({ prompt: text('x'.repeat(1000)) }))
  expect(lane.meter.metrics()).toMatchObject({ promptTokens: 0, ended: { context_length_exceeded: 1 } })
})

it('the router asks every lane, and tells which could not be asked', async () => {
  const { lanes, objectsOf } = fakeLanes(
    [],
    { lanes: 3 },
    {
      metrics: (object) => {
        if (object === 'lane-1') throw new Error('gone')
        return { name: object }
      },
    },
  )
  expect(await lanes.metrics()).toEqual([
    { lane: '0', metrics: { name: 'lane-0' } },
    { lane: '1' },
    { lane: '2', metrics: { name: 'lane-2' } },
  ])
  expect(objectsOf('metrics').toSorted()).toEqual(['lane-0', 'lane-1', 'lane-2'])
})

it('the router has nobody to ask where each session has an object of its own', async () => {
  const { lanes, calls } = fakeLanes([], { lanes: 'session' })
  expect(await lanes.metrics()).toBeUndefined()
  expect(calls).toEqual([])
})
