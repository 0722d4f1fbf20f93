// One turn on one engine: its events in order, when it rests and gives way, and what its record has whenever it ends.

import { describe, expect, test } from 'vitest'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import { greedyAlone } from '../helpers/mock-model.ts'
import { request } from '../helpers/request.ts'
import { bed, idsOf, settled, text } from '../helpers/turn-bed.ts'

async function read(events: AsyncGenerator<GenerationEvent>, most = Infinity): Promise<GenerationEvent[]> {
  const seen: GenerationEvent[] = []
  while (seen.length < most) {
    const { done, value } = await events.next()
    if (done === true) break
    seen.push(value)
  }
  return seen
}
const typesOf = (events: readonly GenerationEvent[]) => events.map(({ type }) => type)
const textIds = (events: readonly GenerationEvent[]) =>
  events.flatMap((event) => (event.type === 'text' ? event.ids : []))
const states = (events: readonly GenerationEvent[]) =>
  events.flatMap((event) => (event.type === 'progress' ? [[event.state, event.done, event.total]] : []))

describe('a turn', () => {
  test('gives its start, its texts and its end, and leaves the engine', async () => {
    const { engine, turn } = bed()
    const { events, record } = turn({ maxTokens: 6 })
    const seen = await read(events)
    expect(typesOf(seen)).toEqual([
      'start',
      ...Array<string>(typesOf(seen).length - 2).fill('text'),
      'finish',
    ])
    expect(textIds(seen)).toEqual(greedyAlone(idsOf(20), 6))
    expect(record.generated).toEqual(textIds(seen))
    expect(seen.at(-1)).toEqual({
      type: 'finish',
      reason: 'length',
      usage: { promptTokens: 20, cachedTokens: 0, completionTokens: 6 },
      window: { window: undefined, sinks: 0, outOfSight: 0 },
    })
    expect([record.end, record.cachedTokens]).toEqual([seen.at(-1), 0])
    expect(engine.load).toMatchObject({ running: 0, waiting: 0 })
  })

  test('goes on behind what was generated, and counts it', async () => {
    const { turn, model } = bed()
    const whole = greedyAlone(idsOf(20), 6)
    const { events, record } = turn({ maxTokens: 6 }, { before: whole.slice(0, 4) })
    expect(textIds(await read(events))).toEqual(whole)
    expect([record.generated, model.rowsRun]).toEqual([whole, 25])
  })

  test('that is whole already has no step: by its limit, its positions, or its end', async () => {
    const { turn, engine, model } = bed()
    const ends = async (changes: Partial<GenerateRequest>, at: Parameters<typeof turn>[1]) => {
      const seen = await read(turn(changes, at).events)
      return [typesOf(seen).join(' '), seen.at(-1)]
    }
    const before = [65, 66]
    expect(await ends({ maxTokens: 2 }, { before })).toEqual([
      'start text text finish',
      expect.objectContaining({ reason: 'length' }),
    ])
    const stop = await ends({ stop: ['B'] }, { before })
    expect(stop[1]).toMatchObject({ reason: 'stop' })
    const full = { before, ids: idsOf(engine.maxPositions - 2) }
    expect((await ends({ maxTokens: 99 }, full))[1]).toMatchObject({ reason: 'length' })
    expect(model.steps).toEqual([])
    const last = { before, ids: idsOf(engine.maxPositions - 3) }
    expect((await ends({ maxTokens: 99 }, last))[1]).toMatchObject({ usage: { completionTokens: 3 } })
  })

  test('of no number of tokens ends at the trained context, with a window that has none', async () => {
    const { turn } = bed({ window: { window: 64, sinks: 4 } })
    const seen = await read(turn({ maxTokens: undefined }, { ids: idsOf(3) }).events)
    expect(seen.at(-1)).toMatchObject({
      reason: 'length',
      usage: { completionTokens: text.manifest.spec.context },
      // The query that chose the last of 515 ids stood at position 513 and saw 68.
      window: { window: 64, sinks: 4, outOfSight: 446 },
    })
  })

  test('says the hash of its logits where it was asked for', async () => {
    const { turn } = bed()
    expect((await read(turn({ hashLogits: true }).events)).at(-1)).toHaveProperty('logitsHash')
    expect((await read(turn().events)).at(-1)).not.toHaveProperty('logitsHash')
  })

  test('keeps log probabilities as it goes', async () => {
    const { turn } = bed()
    const { events, record } = turn({ topLogprobs: 1, maxTokens: 4 })
    await read(events)
    expect(record.logprobs).toHaveLength(record.generated.filter((id) => id < 256).length || 4)
  })
})

describe('an answer under a grammar', () => {
  const grammar = { kind: 'regex' as const, pattern: '[0-9]+' }

  test('that its limit closes says so, in its record too', async () => {
    const { turn } = bed()
    const { events, record } = turn({ grammar, maxTokens: 3 })
    expect((await read(events)).at(-1)).toMatchObject({ reason: 'stop', closedEarly: true })
    expect(record.closedEarly).toBe(true)
    const free = turn({ maxTokens: 3 })
    expect((await read(free.events)).at(-1)).not.toHaveProperty('closedEarly')
    expect(free.record).not.toHaveProperty('closedEarly')
  })

  test('is closed by the positions that are left, where these are fewer', async () => {
    const { turn, engine } = bed()
    const { events } = turn({ grammar, maxTokens: 50 }, { ids: idsOf(engine.maxPositions - 2) })
    expect((await read(events)).at(-1)).toMatchObject({
      reason: 'stop',
      closedEarly: true,
      usage: { completionTokens: 2 },
    })
  })
})

describe('a reader that stops', () => {
  test('by an abort hears nothing more; the record has what was computed', async () => {
    const { turn, engine } = bed()
    const { events, record, abort } = turn({ maxTokens: 40 })
    await read(events, 4)
    abort.abort()
    expect(await read(events)).toEqual([])
    expect([record.end, engine.load.running]).toEqual([undefined, 0])
    expect(record.generated).toEqual(greedyAlone(idsOf(20), 40).slice(0, record.generated.length))
    expect(record.generated.length).toBeGreaterThan(2)
  })

  test('before it began opens no turn', async () => {
    const { turn, engine, model } = bed()
    const { events, abort } = turn()
    abort.abort()
    expect([await read(events), engine.load.running, model.steps]).toEqual([[], 0, []])
  })

  test('by returning closes its turn', async () => {
    const { turn, engine } = bed()
    const { events } = turn({ maxTokens: 40 })
    await read(events, 3)
    await events.return(undefined)
    expect(engine.load.running).toBe(0)
  })
})

describe('what fails', () => {
  test('in the turn alone is thrown, and the engine goes on', async () => {
    const { turn, engine } = bed()
    const { events, answer } = turn({ maxTokens: 40 })
    await read(events, 2)
    answer.choose = () => {
      throw new Error('odd')
    }
    await expect(read(events)).rejects.toThrow('odd')
    expect([engine.failure, engine.load.running]).toEqual([undefined, 0])
    const early = turn({ maxTokens: 40 })
    early.answer.choose = () => {
      throw new Error('odd')
    }
    await expect(read(early.events)).rejects.toThrow('odd')
  })

  test('when it is opened is thrown at once', async () => {
    const { turn, clock } = bed({
      onForward: () => {
        throw new Error('trap')
      },
    })
    await expect(read(turn().events)).rejects.toThrow('trap')
    clock.waits.length = 0
    await expect(read(turn().events)).rejects.toThrow('trap')
    expect(clock.waits).toEqual([])
  })

  test('in the engine is thrown, and the record has what came before', async () => {
    let steps = 0
    const { turn } = bed({
      onForward: () => {
        if (++steps === 5) throw new Error('trap')
      },
    })
    const { events, record } = turn({ maxTokens: 40 })
    await expect(read(events)).rejects.toThrow('trap')
    // The prompt took two steps.
    expect([record.generated.length, record.end]).toEqual([3, undefined])
  })
})

describe('the limit on CPU time', () => {
  test('ends the answer, whose row stays open, and is told', async () => {
    const { turn, model } = bed()
    const { events, record } = turn({ maxTokens: 40 })
    await read(events, 3)
    model.signal.value = 24
    const rest = await read(events)
    expect(rest.at(-1)).toMatchObject({ type: 'finish', reason: 'length', stopped: 'cpu_limit' })
    expect([record.end, model.signal.value]).toEqual([undefined, 0])
    model.signal.value = 23
    expect((await read(turn({ maxTokens: 4 }).events)).at(-1)).not.toHaveProperty('stopped')
  })
})

describe('progress', () => {
  test('through a long prompt is told twice a second', async () => {
    const slow = bed({ stepMs: 251 })
    const seen = await read(slow.turn({ maxTokens: 1 }, { ids: idsOf(100) }).events)
    expect(states(seen)).toEqual([
      ['prefill', 32, 100],
      ['prefill', 64, 100],
      ['prefill', 96, 100],
    ])
    const fast = bed({ stepMs: 60 })
    expect(states(await read(fast.turn({ maxTokens: 1 }, { ids: idsOf(100) }).events))).toEqual([])
  })

  test('in the queue is told once, for the engine’s own queue and for pages alike', async () => {
    for (const [tenant, waiting] of [
      ['tenant', 1],
      ['other', 2],
    ] as const) {
      const { turn, engine } = bed({ pageCount: 34, options: { queueLimit: 1 } })
      const holders = [3, 5].map((from) => turn({ tenant, maxTokens: 30 }, { ids: idsOf(400, from) }))
      for (const { events } of holders) void events.next()
      await settled()
      const late = turn({ maxTokens: 2 }, { ids: idsOf(300) })
      expect(await read(late.events, 1)).toEqual([{ type: 'progress', state: 'queued', done: 0, total: 300 }])
      // The engine has no place for one more of the same tenant.
      expect(engine.load.waiting).toBe(waiting)
      const rest = late.events.next()
      await settled()
      for (const { abort } of holders) abort.abort()
      const { value } = await rest
      const seen = [value as GenerationEvent, ...(await read(late.events))]
      expect(states(seen).filter(([state]) => state === 'queued').length).toBeLessThanOrEqual(1)
      expect(seen.at(-1)?.type).toBe('finish')
    }
  })

  test('in the queue ends with an abort', async () => {
    const { turn } = bed({ pageCount: 34 })
    const holder = turn({ tenant: 'b', maxTokens: 30 }, { ids: idsOf(400, 3) })
    await read(holder.events, 2)
    const late = turn({ maxTokens: 2 }, { ids: idsOf(300) })
    await read(late.events, 1)
    late.abort.abort()
    expect(await read(late.events)).toEqual([])
  })
})

describe('rests', () => {
  test('flush the headers before the first step of a lone tenant, and come after four silent steps', async () => {
    const { turn, clock, model } = bed()
    const lone = turn({ maxTokens: 3 })
    await read(lone.events, 1)
    expect([clock.waits, model.steps.length]).toEqual([[], 0])
    await read(lone.events, 1)
    expect(clock.waits).toEqual([0])
    await read(lone.events)
    expect(clock.waits).toEqual([0])
  })

  test('come after four steps in a row that give no text', async () => {
    const { turn, clock } = bed()
    const { sampling } = request()
    const held = {
      stop: ['a'.repeat(20)],
      sampling: { ...sampling, logitBias: [[97, 1000]] as [number, number][] },
    }
    await read(turn({ ...held, maxTokens: 9 }, { ids: idsOf(4) }).events)
    expect(clock.waits).toEqual([0, 0, 0])
    clock.waits.length = 0
    await read(turn({ ...held, stop: [], maxTokens: 9 }, { ids: idsOf(4, 3) }).events)
    expect(clock.waits).toEqual([0])
  })

  test('come when the thread was kept for long', async () => {
    const { turn, clock } = bed({ stepMs: 26 })
    await read(turn({ maxTokens: 1 }, { ids: idsOf(100) }).events)
    expect(clock.waits).toEqual([0, 0, 0, 0])
  })

  test('do not come before the first step while several tenants are there, but for those in the background', async () => {
    for (const background of [false, true]) {
      const { turn, clock, first } = bed()
      const own = turn({ maxTokens: 1 }, { ids: idsOf(4), background })
      first.begin(own.signal, 'tenant', clock.now())
      first.begin(new AbortController().signal, 'tenant', clock.now())
      first.begin(own.signal, 'other', clock.now())
      await read(own.events)
      expect(clock.waits).toEqual(background ? [0] : [])
    }
  })
})

describe('an answer gives way', () => {
  /** Another tenant's request is new, and was served nothing. */
  async function beside(changes: { isNew?: boolean; tenant?: string } = {}) {
    const { turn, clock, first } = bed()
    const own = turn({ maxTokens: 3 }, { ids: idsOf(4) })
    await read(own.events, 2)
    clock.waits.length = 0
    const other = new AbortController().signal
    first.begin(other, changes.tenant ?? 'other', clock.now())
    if (changes.isNew === false) first.end(other)
    return { own, clock, first, other }
  }

  test('three times at most, before its step and before its text, to a request that is new', async () => {
    const { own, clock } = await beside()
    await read(own.events, 1)
    expect(clock.waits).toEqual([20, 20, 20, 20, 20, 20])
  })

  test('to none that has its first token, and to none of its own tenant', async () => {
    for (const changes of [{ isNew: false }, { tenant: 'tenant' }]) {
      const { own, clock } = await beside(changes)
      await read(own.events)
      expect(clock.waits).toEqual([])
    }
  })

  test('and ends at once when it is stopped meanwhile', async () => {
    const { own } = await beside()
    const next = read(own.events)
    own.abort.abort()
    expect(await next).toEqual([])
  })

  test('its first text makes it new no more', async () => {
    const { turn, clock, first } = bed()
    const own = turn({ maxTokens: 3 })
    first.begin(own.signal, 'tenant', clock.now())
    await read(own.events, 1)
    expect(first.isAnybodyNew).toBe(true)
    await read(own.events, 1)
    expect(first.isAnybodyNew).toBe(false)
  })
})

test('an event is on its way while several tenants are there, until its reader is back', async () => {
  const { turn, clock, first, handOuts } = bed()
  for (const tenant of ['tenant', 'other']) {
    const { signal } = new AbortController()
    first.begin(signal, tenant, clock.now())
    first.end(signal)
  }
  const begun: string[] = []
  const { begin } = handOuts
  let back = 0
  handOuts.begin = async (tenant) => {
    begun.push(tenant)
    const isBack = await begin.call(handOuts, tenant)
    return () => {
      back++
      isBack()
    }
  }
  const own = turn({ maxTokens: 3 }, { ids: idsOf(4) })
  await read(own.events, 2)
  expect([begun, back]).toEqual([['tenant'], 0])
  await read(own.events, 1)
  expect([begun.length, back]).toEqual([2, 1])
  await own.events.return(undefined)
  expect(back).toBe(2)
  // Nobody waits for what runs in the background.
  await read(turn({ maxTokens: 3 }, { ids: idsOf(4), background: true }).events)
  expect(begun).toHaveLength(2)
})
