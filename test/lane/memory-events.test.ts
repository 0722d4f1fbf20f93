// What a reader who asks for it is told of pages while an answer grows, and that nobody else is told anything.

import { describe, expect, test } from 'vitest'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import { ask, idsOf, laneOn, laneStorage } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'
import { bed } from '../helpers/turn-bed.ts'

const asked = (changes: Partial<GenerateRequest> = {}): GenerateRequest =>
  request({
    prompt: { kind: 'ids', ids: Array.from({ length: 40 }, (_, i) => (i * 7) % 251) },
    store: true,
    maxTokens: 50,
    ignoreEos: true,
    ...changes,
  })
const others = (events: readonly GenerationEvent[]) =>
  events.map((event) => ('memory' in event ? { ...event, memory: undefined } : event))
const reportsIn = (events: readonly GenerationEvent[]) =>
  events.flatMap((event) => ('memory' in event && event.memory !== undefined ? [event.memory] : []))
const told = (changes: Partial<GenerateRequest>, lane = laneOn(laneStorage()).lane) =>
  ask(lane, asked(changes))

describe('an answer', () => {
  test('is the same with memory events and without, which nobody has who does not ask', async () => {
    const off = await told({})
    const on = await told({ memory: true })
    expect(others(on)).toEqual(off)
    expect(reportsIn(off)).toEqual([])
  })

  test('tells of pages as they come: the first time at its start, then one each 16 tokens', async () => {
    const events = await told({ memory: true })
    expect(events.slice(0, 3).map(({ type }) => type)).toEqual(['session', 'start', 'text'])
    expect(reportsIn(events.slice(0, 3))).toHaveLength(1)
    const reports = reportsIn(events)
    // 40 positions of the prompt take 3 pages, 89 take 6.
    expect(reports.length).toBeGreaterThanOrEqual(4)
    expect(reports.length).toBeLessThanOrEqual(10)
    const pages = reports.map(({ runs }) => runs.reduce((sum, { count }) => sum + count, 0))
    expect(pages).toEqual([...pages].sort((a, b) => a - b))
    expect([reports.at(-1)?.pool?.session, pages.at(-1)]).toEqual([6, 6])
    for (const { pageTokens, pool, reused } of reports)
      expect([pageTokens, pool?.pages, reused]).toEqual([16, 64, 0])
  })

  test('tells what it found computed', async () => {
    const { lane } = laneOn(laneStorage())
    const answer = idsOf(await told({}, lane))
    const prompt = [...(asked().prompt as { ids: number[] }).ids, ...answer]
    const events = await told({ memory: true, prompt: { kind: 'ids', ids: [...prompt, 5, 6] } }, lane)
    const [report] = reportsIn(events)
    expect(report.reused).toBe(89)
    expect(report.runs[0]).toMatchObject({ memory: true, storage: true, reused: true })
  })

  test('that is not stored is told of its own sequence alone', async () => {
    const { lane } = laneOn(laneStorage())
    await told({ store: false, prompt: { kind: 'ids', ids: [9, 8, 7] } }, lane)
    const reports = reportsIn(await told({ store: false, memory: true }, lane))
    expect(reports.at(-1)?.pool).toMatchObject({ session: 6 })
    expect(reports.at(-1)?.runs.every(({ storage }) => !storage)).toBe(true)
  })

  test('of several has none, nor has one that nobody reads', async () => {
    const two = { choices: 2, sampling: asked().sampling }
    expect(await told({ ...two, memory: true })).toEqual(await told(two))
    const { turn } = bed()
    const events: GenerationEvent[] = []
    for await (const event of turn({ memory: true }, { background: true }).events) events.push(event)
    expect(events.length).toBeGreaterThan(2)
    expect(reportsIn(events)).toEqual([])
  })

  test('that is left between two of them closes its turn', async () => {
    const { engine, turn } = bed()
    const { events } = turn({ memory: true, maxTokens: 60 })
    for (let n = 0; n < 4; n++) await events.next()
    expect(engine.load.running).toBe(1)
    await events.return(undefined)
    expect(engine.load.running).toBe(0)
  })
})
