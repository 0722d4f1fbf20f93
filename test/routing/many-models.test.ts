// A router of several models: whose lanes are asked, what ids say, and what is asked of all.

import { describe, expect, it } from 'vitest'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import { isSessionId, laneOfConversation, laneOfSession, laneOfTurn, modelTagOf, regionOf, untagged } from '../../src/protocol/ids.ts' // prettier-ignore
import type { LaneHealth, SessionView } from '../../src/protocol/lane-reports.ts'
import type { LaneOptions } from '../../src/routing/client.ts'
import { aliasesOf, manyModels, modelsOf, tagOf } from '../../src/routing/many-models.ts'
import { fakeLanes, readAll, streamOf } from '../helpers/fake-lanes.ts'
import { request } from '../helpers/request.ts'

const start: GenerationEvent = { type: 'start', promptTokens: 3, cachedTokens: 0, truncatedTokens: 0 }
const [A, B] = [tagOf('a'), tagOf('b')]
const OBJECT = `s${'0a'.repeat(32)}`

type Methods = Parameters<typeof fakeLanes>[2]

/** A router over the models `a` and `b`; what each was asked. */
function router(options: Partial<LaneOptions> = {}, methods: { a?: Methods; b?: Methods } = {}) {
  const answers = () => Array.from({ length: 9 }, () => () => streamOf([start]))
  const of = (model: 'a' | 'b') =>
    fakeLanes(answers(), { ...options, model, tag: tagOf(model) }, methods[model])
  const [a, b] = [of('a'), of('b')]
  const lanes = manyModels([
    { model: 'a', tag: A, lanes: a.lanes },
    { model: 'b', tag: B, lanes: b.lanes },
  ])
  return { lanes, a, b }
}

describe('tags', () => {
  it('depend on the model alone, and tell models apart', () => {
    expect(tagOf('smollm2-135m-instruct')).toBe('mc77a14-')
    expect(new Set([A, B, tagOf('tiny')]).size).toBe(3)
  })

  it.each(['0', '1023', 'weur-0', 'apac-ne-12', OBJECT])('stand in front of a lane: %s', (name) => {
    const lane = A + name
    expect(laneOfSession(`sess_${lane}_r`)).toBe(lane)
    expect(laneOfConversation(`conv_${lane}_r`)).toBe(lane)
    expect(laneOfTurn(`${lane}_r_t`)).toBe(lane)
    expect(isSessionId(`sess_${lane}_r`)).toBe(true)
    expect([untagged(lane), untagged(name)]).toEqual([name, name])
    expect(regionOf(lane)).toBe(regionOf(name))
    expect([lane, `sess_${lane}_r`, `conv_${lane}_r`, `${lane}_r_t`].map(modelTagOf)).toEqual([A, A, A, A])
    expect([name, `sess_${name}_r`, `conv_${name}_r`, `${name}_r_t`].map(modelTagOf)).toEqual(
      Array.from({ length: 4 }, () => undefined),
    )
  })

  it.each(['m12345-', 'm1234567-', 'mABCDEF-', 'm123456', `${A}${A}`, `${A}moon-`])(
    'are nothing else: %s',
    (tag) => expect(isSessionId(`sess_${tag}0_r`)).toBe(false),
  )
})

describe('variables', () => {
  it('list models in their order, each once', () => {
    expect(modelsOf('a, b')).toEqual(['a', 'b'])
    for (const wrong of ['', 'a,', 'a,a']) expect(() => modelsOf(wrong)).toThrow('MODELS')
  })

  it('give each model its aliases', () => {
    const aliases = ['gpt-4o', 'claude=b', 'gpt-5=a']
    expect(aliasesOf(aliases, 'a', true)).toEqual(['gpt-4o', 'gpt-5'])
    expect(aliasesOf(aliases, 'b', false)).toEqual(['claude'])
  })
})

describe('a request', () => {
  it('goes to its model, which puts its tag in front of the lanes that ids will name', async () => {
    const { lanes, a, b } = router({ lanes: 2, regions: ['oc'], region: 'oc' })
    await readAll(lanes.generate(request({ model: 'b' })))
    await readAll(lanes.score({ ...request({ model: 'a' }), texts: ['x'] }))
    await readAll(lanes.tokens({ ...request({ model: 'b' }), task: { kind: 'decode', ids: [1] } }))
    expect([a.calls, b.calls].map((calls) => calls.map(({ method }) => method))).toEqual([
      ['score'],
      ['generate', 'tokens'],
    ])
    expect(b.calls[0].object).toMatch(/^lane-oc-[01]$/)
    expect(b.calls[0]).toMatchObject({
      region: 'oc',
      args: [{}, B + b.calls[0].object.slice('lane-'.length)],
    })
  })

  it('has an object of the same name in each script, where each session has one', async () => {
    const { lanes, a, b } = router({ lanes: 'session' })
    await readAll(lanes.generate(request({ model: 'a' })))
    await readAll(lanes.generate(request({ model: 'b' })))
    expect(a.objectsOf('generate')).toEqual(b.objectsOf('generate'))
    expect(b.calls[0].args[1]).toBe(B + b.calls[0].object.slice('lane-'.length))
  })

  it.each(['session', 'sessionKey'] as const)(
    'goes on in a session of its model alone: %s',
    async (field) => {
      const { lanes, b } = router()
      const session = `sess_${B}0_r`
      await readAll(lanes.generate(request({ model: 'b', [field]: session })))
      expect(b.objectsOf('generate')).toEqual(['lane-0'])
      const wrong = () => lanes.generate(request({ model: 'a', [field]: session }))
      expect(wrong).toThrow(expect.objectContaining({ code: 'invalid_request', param: 'model' }) as Error)
      expect(wrong).toThrow(/of the model b/)
      expect(b.calls).toHaveLength(1)
    },
  )

  it('that names the session of no model is refused', () => {
    const ask = () => router().lanes.generate(request({ model: 'a', session: 'sess_m000000-0_r' }))
    expect(ask).toThrow(expect.objectContaining({ code: 'not_found' }) as Error)
  })
})

describe('ids', () => {
  const asked = async (id: string) => {
    const given = (): unknown => ({ value: { id } })
    const all = { session: given, memory: given, fork: given, remove: given, turn: given, removeTurn: given, cancelTurn: given } // prettier-ignore
    const { lanes, a, b } = router({}, { a: all, b: all })
    const [session, turn] = [`sess_${id}_r`, `${id}_r_t`]
    await lanes.session('t', session)
    await lanes.memory('t', session)
    await lanes.fork('t', session)
    await lanes.remove('t', session)
    await lanes.turn('t', turn)
    await lanes.turn('t', `conv_${id}_r`)
    await lanes.removeTurn('t', turn)
    await lanes.cancelTurn('t', turn)
    await readAll(lanes.resume('t', session))
    await readAll(lanes.resume('t', turn))
    return [a, b].map(({ calls }) => calls.map(({ object, method }) => `${object} ${method}`))
  }
  const EACH = ['session', 'memory', 'fork', 'remove', 'turn', 'turn', 'removeTurn', 'cancelTurn', 'resume', 'resume'] // prettier-ignore

  it('find the script of their model', async () => {
    expect(await asked(`${B}3`)).toEqual([[], EACH.map((method) => `lane-3 ${method}`)])
    expect(await asked(`${A}weur-0`)).toEqual([EACH.map((method) => `lane-weur-0 ${method}`), []])
  })

  it('of a time when one model was served are those of the first', async () => {
    expect(await asked('3')).toEqual([EACH.map((method) => `lane-3 ${method}`), []])
  })

  it('of a model that is not served are of nothing', async () => {
    const { lanes } = router()
    const notFound = expect.objectContaining({ code: 'not_found' }) as Error
    await expect(lanes.session('t', 'sess_m000000-0_r')).rejects.toThrow(notFound)
    await expect(lanes.cancelTurn('t', 'm000000-0_r_t')).rejects.toThrow(notFound)
    expect(() => lanes.resume('t', 'm000000-0_r_t')).toThrow(notFound)
  })

  it('name the lane of a conversation that goes on, and its model that of a new one', async () => {
    const kept = { keepConversation: (): unknown => ({ value: 'kept' }) }
    const { lanes, a, b } = router({}, { a: kept, b: kept })
    const entry = { tenant: 't', sessionKey: 'k', model: 'b', conversation: [], reply: null }
    await lanes.keepConversation(entry)
    await lanes.keepConversation({ ...entry, session: `sess_${B}7_r` })
    expect(b.calls.map(({ object, args }) => [object, args[1]])).toEqual([
      ['lane-0', `${B}0`],
      ['lane-7', `${B}7`],
    ])
    expect(a.calls).toEqual([])
    await expect(lanes.keepConversation({ ...entry, session: `sess_${A}7_r` })).rejects.toThrow('model a')
  })
})

describe('all models', () => {
  const view = (id: string, usedAt: number) => ({ id, usedAt }) as SessionView

  it('are listed with their tags', async () => {
    const { lanes } = router({ aliases: ['x'] })
    const card = { created: 0, ownedBy: 'islet', aliases: ['x'] }
    expect(await lanes.models()).toEqual([
      { id: 'a', ...card, tag: A },
      { id: 'b', ...card, tag: B },
    ])
  })

  it('share one list of sessions, in pages', async () => {
    const of = (tag: string, times: number[]) => {
      const views = times.map((time) => view(`sess_${tag}0_${time}`, time))
      return {
        session: (_: string, __: unknown, id: unknown): unknown => ({ value: views.find((one) => one.id === id) }),
        sessions: (_: string, __: unknown, page: unknown): unknown => {
          const { limit, after } = page as { limit: number; after?: SessionView }
          return views.filter(({ usedAt }) => after === undefined || usedAt < after.usedAt).slice(0, limit)
        },
      } // prettier-ignore
    }
    const { lanes } = router({}, { a: of(A, [9, 4]), b: of(B, [7, 6, 2]) })
    const times = (views: readonly SessionView[]) => views.map(({ usedAt }) => usedAt)
    const first = await lanes.sessions('t', { limit: 3 })
    expect(times(first)).toEqual([9, 7, 6])
    expect(times(await lanes.sessions('t', { limit: 3, after: first[2].id }))).toEqual([4, 2])
  })

  it('are deleted together', async () => {
    const { lanes } = router({}, { a: { removeAll: () => 2 }, b: { removeAll: () => 3 } })
    expect(await lanes.removeAll('t')).toBe(5)
  })

  it('are as far as the one that is furthest from ready', async () => {
    const health = (state: LaneHealth['state'], model: string): LaneHealth => ({
      ...{ state, model, done: 5, total: 10, window: { sinks: 4 } },
    })
    const of = (a: LaneHealth['state'], b: LaneHealth['state']) =>
      router({}, { a: { health: () => health(a, 'a') }, b: { health: () => health(b, 'b') } }).lanes.health()
    expect(await of('ready', 'ready')).toMatchObject({ state: 'ready', model: 'a', done: 10, total: 20 })
    expect(await of('ready', 'loading')).toMatchObject({ state: 'loading', model: 'b' })
    expect(await of('failed', 'cold')).toMatchObject({
      state: 'failed',
      model: 'a',
      models: [health('failed', 'a'), health('cold', 'b')],
    })
  })

  it('are told of where one does not answer', async () => {
    const lost = (): never => {
      throw new Error('gone')
    }
    const { lanes } = router({}, { a: { health: lost, metrics: () => ({}) }, b: { metrics: lost } })
    const health = await lanes.health().catch((error: unknown) => error)
    expect(health).toMatchObject({ state: 'failed', model: 'a' })
    expect(await lanes.metrics()).toEqual([
      { lane: `${A}0`, model: 'a', metrics: {} },
      { lane: `${B}0`, model: 'b' },
    ])
    expect(await router({ lanes: 'session' }).lanes.metrics()).toBeUndefined()
  })
})
