// Several answers survive their object, go on with their session, and end when their reader leaves.

import { describe, expect, it, vi } from 'vitest'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import {
  TOKENS,
  alone,
  answersOf,
  ids,
  idsOf,
  indices,
  prompt,
  sampling,
  session,
  several,
  told,
} from '../helpers/choices.ts'
import { leaveAfter, readOn } from '../helpers/lane-readers.ts'
import { ask, eventsOf, laneOn, laneStorage, mockLane, trapOnce } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

describe('answers whose object died', () => {
  it.each([0, 1, 3, 4, 5, 17, 50, 93])('after %i texts go on, all of them', async (texts) => {
    const kept = laneStorage()
    const whole = told(await ask(laneOn(laneStorage()).lane, several({ store: true })))
    const events: GenerationEvent[] = []
    const { lane } = laneOn(kept)
    const stream = decodeEvents(lane.generate(several({ store: true })))
    // Nobody leaves: the object is gone, with what it wrote a little before.
    for (let event = await stream.next(); event.done !== true; event = await stream.next()) {
      events.push(event.value)
      const count = eventsOf(events, 'text').length
      if (count === Math.floor(texts / 2)) lane.sessions.write(lane.sessions.find('tenant', session(events)))
      if (count >= texts && eventsOf(events, 'start').length > 0) break
    }
    const next = laneOn(kept)
    const again = told(await readOn(next, session(events)))
    expect(again.slice(1)).toEqual(whole.slice(1))
    // What was received comes first, and in the same order.
    expect(again.slice(0, told(events).length)).toEqual(told(events))
    expect(told(await readOn(next, session(events)))).toEqual(again)
  })

  it('compute their log probabilities again', async () => {
    const kept = laneStorage()
    const order = several({ store: true, topLogprobs: 1 })
    const events = await leaveAfter(laneOn(kept), 30, order)
    const whole = told(await ask(laneOn(laneStorage()).lane, order))
    expect(told(await readOn(laneOn(kept), session(events))).slice(1)).toEqual(whole.slice(1))
    expect(told(await readOn(laneOn(kept), session(events))).slice(1)).toEqual(whole.slice(1))
  })

  it('are found by a marked retry', async () => {
    const kept = laneStorage()
    const order = several({ store: true, bodyHash: 'b' })
    const events = await leaveAfter(laneOn(kept), 30, order)
    const next = laneOn(kept)
    const again = await ask(next.lane, { ...order, retry: true, sampling: { ...sampling, seed: 99 } })
    expect(session(again)).toBe(session(events))
    expect(answersOf(again)).toEqual(await alone())
  })

  it('compute the prompt once more at most, though the first answer has ended', async () => {
    const kept = laneStorage()
    const options = { endIds: (await alone())[0].slice(3, 4) }
    const events = await leaveAfter(laneOn(kept, options), 30, several({ store: true }))
    const next = laneOn(kept, options)
    const again = await readOn(next, session(events))
    expect(answersOf(again)).toEqual(await alone({}, 4, options))
    expect(next.models[0].rowsRun).toBeLessThan(70 + 3 * TOKENS)
  })
})

describe('a session of several answers', () => {
  it('goes on from the first', async () => {
    const kept = laneStorage()
    const first = await ask(laneOn(kept).lane, several({ store: true }))
    const next = laneOn(kept)
    const longer = [...prompt.ids, ...idsOf(first), 5]
    const second = await ask(next.lane, several({ store: true, prompt: { kind: 'ids', ids: longer } }))
    expect(session(second)).toBe(session(first))
    // Of 93 positions that were computed of the first answer five pages are full.
    expect(eventsOf(second, 'start')[0].cachedTokens).toBe(80)
  })

  it('is forked with all of them', async () => {
    const kept = laneStorage()
    const { lane } = laneOn(kept)
    const first = told(await ask(lane, several({ store: true })))
    const fork = (await lane.ready()).fork('tenant', session(first), '0')
    expect(told(await readOn(laneOn(kept), fork.id)).slice(1)).toEqual(first.slice(1))
  })

  it.each([8, 31])('of %i prompts is forked with them', async (count) => {
    const kept = laneStorage()
    const { lane } = laneOn(kept)
    const morePrompts = indices(count - 1).map((i) => ({ kind: 'ids' as const, ids: ids(250, i) }))
    const order = several({ store: true, morePrompts, choices: undefined, maxTokens: 3 })
    const first = told(await ask(lane, order))
    const { id } = (await lane.ready()).fork('tenant', session(first), '0')
    expect(told(await readOn(laneOn(kept), id)).slice(1)).toEqual(first.slice(1))
    expect(told(await readOn(laneOn(kept), session(first)))).toEqual(first)
  })

  it('leaves the pages of the first in memory for longest', async () => {
    const { lane } = mockLane({ model: { pageCount: 20 } })
    const first = await ask(lane, several())
    await ask(lane, request({ tenant: 'other', prompt: { kind: 'ids', ids: ids(190, 9) } }))
    const longer = [...prompt.ids, ...idsOf(first), 5]
    const second = await ask(lane, several({ choices: undefined, prompt: { kind: 'ids', ids: longer } }))
    expect(eventsOf(second, 'start')[0].cachedTokens).toBe(70 + TOKENS - 1)
  })

  it('that was left in the middle is forked and both go on', async () => {
    const kept = laneStorage()
    const events = await leaveAfter(laneOn(kept), 30, several({ store: true, prompt }))
    const next = laneOn(kept)
    const fork = (await next.lane.ready()).fork('tenant', session(events), '0')
    for (const id of [fork.id, session(events)])
      expect(answersOf(await readOn(next, id))).toEqual(await alone())
  })

  it('stores pages of the first alone', async () => {
    const kept = laneStorage()
    await ask(laneOn(kept).lane, several({ store: true }))
    const [{ pages }] = kept.sql.exec('SELECT SUM(count) AS pages FROM kv_runs').toArray()
    expect(Number(pages)).toBe(5)
  })
})

describe('a reader', () => {
  it('that leaves ends all answers', async () => {
    const bed = mockLane()
    await leaveAfter(bed, 9, several())
    await vi.waitFor(() => expect(bed.lane.health().running).toBe(0))
    expect(bed.lane.health().waiting).toBe(0)
    const rows = bed.models[0].rowsRun
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(bed.models[0].rowsRun).toBe(rows)
  })

  it('is told of an engine that fails only where the next one fails too', async () => {
    const trap = trapOnce()
    let steps = 0
    const { lane, models } = mockLane({
      model: {
        onForward() {
          if (++steps === 15) trap.arm()
          trap.onForward()
        },
      },
    })
    const events = told(await ask(lane, several()))
    expect(models).toHaveLength(2)
    expect(events).toEqual(told(await ask(mockLane().lane, several())))
  })

  it('whose time on the processor is over has the ends of all, and reads on', async () => {
    const kept = laneStorage()
    const { lane, models } = laneOn(kept)
    const events: GenerationEvent[] = []
    for await (const event of decodeEvents(lane.generate(several({ store: true })))) {
      events.push(event)
      if (eventsOf(events, 'text').length === 9) models[0].signal.value = 24
    }
    expect(events.at(-1)).toMatchObject({ type: 'finish', choice: 3, reason: 'length', stopped: 'cpu_limit' })
    expect(eventsOf(events, 'end')).toHaveLength(3)
    const rest = await readOn(laneOn(kept), session(events))
    expect(answersOf(rest)).toEqual(await alone())
    expect(rest.at(-1)).not.toHaveProperty('stopped')
  })

  it('shares the engine with other tenants as one', async () => {
    const { lane } = mockLane()
    const [many, few] = await Promise.all([
      ask(lane, several({ tenant: 'many', choices: 8 })),
      ask(lane, several({ tenant: 'few', choices: undefined })),
    ])
    expect(answersOf(many)).toEqual(await alone())
    expect(idsOf(few)).toEqual((await alone())[0])
  })

  it('takes as many places as it has answers', async () => {
    const { lane } = mockLane({ config: { queue: 4 } })
    const events: GenerationEvent[][] = []
    const first = ask(lane, several({ maxTokens: 200, prompt: { kind: 'ids', ids: ids(20) } }))
    events.push(await ask(lane, several({ choices: undefined })))
    expect(events[0]).toMatchObject([{ type: 'error', code: 'overloaded' }])
    expect(eventsOf(await first, 'finish')).toHaveLength(1)
  })
})
