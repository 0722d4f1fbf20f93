// A step as data: between its plan and its commit nothing moves, whoever calls, and a model that answers later changes no id.

import { describe, expect, test, vi } from 'vitest'
import { Engine } from '../../src/engine/engine.ts'
import { ABANDONED_MS } from '../../src/engine/step.ts'
import type { Turn, TurnOptions } from '../../src/engine/turn.ts'
import type { Vault } from '../../src/engine/vault.ts'
import type { Model } from '../../src/graph/model.ts'
import { argmax, greedyAlone, LaterModel, MockModel, type MockOptions } from '../helpers/mock-model.ts'

const prompt = (length: number, seed = 1): number[] =>
  Array.from({ length }, (_, i) => (i * 7 + seed * 31) % 251)
const greedy = (logits: Float32Array) => ({ id: argmax(logits), stop: false })
const stub = (id: string, more: Partial<Vault> = {}): Vault => ({
  id,
  find: () => undefined,
  save: () => undefined,
  ...more,
})

function open(
  engine: Engine<Model>,
  ids: readonly number[],
  maxTokens: number,
  more: Partial<TurnOptions> = {},
): Turn {
  return engine.open({ tenant: 'a', prompt: ids, maxTokens, choose: greedy, ...more })
}

function later(
  options: MockOptions = {},
  now?: () => number,
): { model: LaterModel; engine: Engine<LaterModel> } {
  const model = new LaterModel(options)
  return { model, engine: new Engine(model, { ...(now !== undefined && { now }) }) }
}

/** Steps, settling each, until the turns end. */
async function finish(
  { model, engine }: ReturnType<typeof later>,
  turns: readonly Turn[],
  caller?: Vault,
): Promise<number[][]> {
  for (let i = 0; turns.some(({ state }) => state === 'waiting' || state === 'running'); i++) {
    if (i > 5000) throw new Error('no progress')
    const ran = engine.step(caller)
    if (model.isPending) model.settle()
    await ran
    for (const turn of turns) turn.taken = turn.produced
  }
  for (const turn of turns) if (turn.state === 'failed') throw turn.error
  return turns.map((turn) => turn.ids.slice(turn.promptTokens))
}

describe('plan, run, commit', () => {
  test('lengths and ids do not move before the commit', () => {
    const model = new MockModel()
    const engine = new Engine(model)
    const turn = open(engine, prompt(10), 3)
    const step = engine.plan()
    expect(step?.rows.map(({ yields }) => yields)).toEqual([...Array(9).fill('nothing'), 'logits'])
    expect(step?.rows.map(({ position }) => position)).toEqual(prompt(10).map((_, i) => i))
    if (step === undefined) throw new Error('nothing was planned')
    const outputs = model.run(step.rows)
    expect([turn.sequence?.length, turn.ids.length, turn.produced]).toEqual([0, 10, 0])
    expect(engine.isPlanned).toBe(true)
    engine.commit(step, outputs)
    expect([turn.sequence?.length, turn.ids.length, turn.produced]).toEqual([10, 11, 1])
    expect(engine.isPlanned).toBe(false)
  })

  test('a planned step is not planned again', () => {
    const engine = new Engine(new MockModel())
    open(engine, prompt(10), 3)
    expect(engine.plan()).toBeDefined()
    expect(engine.plan()).toBeUndefined()
    expect(engine.step()).toBe(0)
  })

  test('to commit another step than the planned one throws, and harms nothing', () => {
    const model = new MockModel()
    const engine = new Engine(model)
    const turn = open(engine, prompt(40), 3)
    const first = engine.plan()
    if (first === undefined) throw new Error('nothing was planned')
    engine.commit(first, model.run(first.rows))
    expect(() => engine.commit(first, model)).toThrow(RangeError)
    const second = engine.plan()
    if (second === undefined) throw new Error('nothing was planned')
    expect(() => engine.commit(first, model)).toThrow(RangeError)
    engine.commit(second, model.run(second.rows))
    expect(turn.sequence?.length).toBe(32)
    expect(engine.failure).toBeUndefined()
  })

  test('a commit behind a failure does nothing, and one failure is all there is', () => {
    const model = new MockModel()
    const engine = new Engine(model)
    const turn = open(engine, prompt(10), 3)
    const step = engine.plan()
    if (step === undefined) throw new Error('nothing was planned')
    engine.fail(step, new Error('lost'))
    engine.fail(step, new Error('lost again'))
    engine.commit(step, model.run(step.rows))
    expect(engine.failure).toMatchObject({ message: 'lost' })
    expect(turn).toMatchObject({ state: 'failed', produced: 0 })
    expect(turn.sequence?.length).toBe(0)
  })

  test('a hidden row is what the head makes the logits of', () => {
    const model = new MockModel()
    const pages = [0]
    model.run([{ id: 5, position: 0, pages, yields: 'logits' }])
    const logits = model.logits(0)
    model.run([{ id: 5, position: 0, pages, yields: 'hidden' }])
    expect(model.head(model.hidden(0))).toEqual(logits)
  })
})

describe('a model that answers later', () => {
  const window = { window: 40, sinks: 4 }

  test.each([{}, { maxLogitRows: 1 }, { pageCount: 9, window }, { pageCount: 8 }])(
    'gives the same ids: %j',
    async (options) => {
      const setup = later(options)
      const turns = [1, 2, 3].map((seed) => open(setup.engine, prompt(13 * seed, seed), 50))
      const answers = await finish(setup, turns)
      expect(answers).toEqual(
        [1, 2, 3].map((seed) => greedyAlone(prompt(13 * seed, seed), 50, options.window)),
      )
    },
  )

  test('its caller gets the same promise again, others get 0', async () => {
    const { model, engine } = later()
    const [mine, theirs] = [stub('a'), stub('b')]
    open(engine, prompt(10), 3, { vault: mine })
    const ran = engine.step(mine)
    expect(ran).toBeInstanceOf(Promise)
    expect(engine.step(mine)).toBe(ran)
    expect(engine.step(theirs)).toBe(0)
    expect(engine.plan(mine)).toBeUndefined()
    model.settle()
    expect(await ran).toBe(10)
    expect(engine.step(mine)).not.toBe(ran)
  })

  test.each([new Error('gone'), undefined])(
    'one that rejects with %s fails every turn, and nothing is published',
    async (error) => {
      const { model, engine } = later()
      const turns = [open(engine, prompt(5), 9), open(engine, prompt(7, 2), 9)]
      const ran = engine.step()
      const sequences = turns.map(({ sequence }) => sequence)
      model.reject(error)
      expect(await ran).toBe(0)
      expect(turns.map(({ state, produced }) => [state, produced])).toEqual([
        ['failed', 0],
        ['failed', 0],
      ])
      expect(sequences.map((sequence) => sequence?.length)).toEqual([0, 0])
      expect(engine.failure).toBeInstanceOf(Error)
      expect(() => open(engine, prompt(5), 1)).toThrow()
    },
  )
})

describe('between plan and commit', () => {
  test('a turn that is opened waits, and costs no page', async () => {
    const setup = later({ pageCount: 8 })
    const { model, engine } = setup
    await finish(setup, [open(engine, prompt(60, 9), 3)]) // idle: it would be evicted
    const first = open(engine, prompt(50), 5)
    const ran = engine.step()
    const { pagesFree } = engine.load
    const second = open(engine, prompt(60, 2), 5)
    expect(second.state).toBe('waiting')
    expect(engine.load).toMatchObject({ pagesFree, sequences: 2, waiting: 1 })
    model.settle()
    await ran
    expect(await finish(setup, [first, second])).toEqual([
      greedyAlone(prompt(50), 5),
      greedyAlone(prompt(60, 2), 5),
    ])
  })

  test('a turn that is closed hears nothing more; what the step computed of it stays as cache', async () => {
    const setup = later()
    const { model, engine } = setup
    const choose = vi.fn(greedy)
    const turn = open(engine, prompt(16), 5, { choose })
    const ran = engine.step()
    engine.close(turn)
    expect(turn.state).toBe('done')
    expect(engine.load.running).toBe(1)
    model.settle()
    await ran
    expect(choose).not.toHaveBeenCalled()
    expect(engine.load).toMatchObject({ running: 0, sequences: 1 })
    const again = open(engine, prompt(30), 5)
    expect(await finish(setup, [again])).toEqual([greedyAlone(prompt(30), 5)])
    expect(again.cachedTokens).toBe(16)
  })

  test('a waiting turn that is closed leaves the queue at once', () => {
    const engine = new Engine(new LaterModel(), { queueLimit: 1 })
    open(engine, prompt(10), 5)
    void engine.step()
    engine.close(open(engine, prompt(10, 2), 5))
    expect(() => open(engine, prompt(10, 3), 5)).not.toThrow()
  })

  test('nothing of a session that is forgotten is stored when its turn lets go', async () => {
    const { model, engine } = later({ maxRows: 16 })
    const save = vi.fn()
    const vault = stub('a', { save })
    open(engine, prompt(60), 5, { vault })
    for (let i = 0; i < 3; i++) {
      const ran = engine.step(vault)
      model.settle()
      await ran
    }
    open(engine, prompt(200, 2), 5, { vault }) // in front of the next: it takes all the rows
    const turn = open(engine, [...prompt(48), 1, 2], 5, { vault, session: 's' })
    const ran = engine.step(vault)
    // A fork that has no page of its own: to end it is to drop it.
    expect(turn.sequence).toMatchObject({ length: 48, session: 's' })
    const held = turn.sequence
    engine.close(turn)
    engine.forget('s')
    expect(held).toMatchObject({ length: 48 })
    model.settle()
    await ran
    expect(held).toMatchObject({ length: 0 })
    expect(save).not.toHaveBeenCalled()
    expect(engine.sequencesOf(vault).some(({ session }) => session === 's')).toBe(false)
  })

  test('a prefix that is seeded comes in behind the commit', async () => {
    const setup = later()
    const { model, engine } = setup
    const first = new MockModel()
    first.run(prompt(16).map((id, position) => ({ id, position, pages: [0], yields: 'nothing' })))
    open(engine, prompt(5, 3), 1)
    const ran = engine.step()
    engine.seed({ ids: prompt(16), pages: [first.pages.read(0)] })
    expect(engine.load.sequences).toBe(1)
    model.settle()
    await ran
    expect(engine.load.sequences).toBe(2)
    const turn = open(engine, prompt(20), 5)
    expect(await finish(setup, [turn])).toEqual([greedyAlone(prompt(20), 5)])
    expect(turn.cachedTokens).toBe(16)
  })

  test('the turns of an object that is gone end, though another runs them', async () => {
    const { model, engine } = later()
    const [mine, theirs, heir] = [stub('a'), stub('b'), stub('b')]
    const choose = vi.fn(greedy)
    const turn = open(engine, prompt(10), 9, { vault: mine, owner: mine })
    const lost = open(engine, prompt(5, 2), 9, { vault: theirs, owner: theirs, choose })
    const first = engine.step(theirs)
    model.settle()
    await first
    const ran = engine.step(mine)
    expect(choose).toHaveBeenCalledTimes(1)
    engine.inherit(heir)
    expect(engine.failure).toBeUndefined()
    model.settle()
    await ran
    expect(choose).toHaveBeenCalledTimes(1)
    expect([turn.state, lost.state]).toEqual(['running', 'done'])
    expect(engine.sequencesOf(heir)).toHaveLength(1)
  })

  test('a commit touches the storage of its own caller, whoever called meanwhile', async () => {
    const { model, engine } = later()
    const save = vi.fn()
    const [mine, theirs, heir] = [stub('a'), stub('b'), stub('b', { save })]
    open(engine, prompt(60), 5, { vault: mine })
    for (let i = 0; i < 3; i++) {
      const ran = engine.step(mine)
      model.settle()
      await ran
    }
    open(engine, prompt(200, 2), 5, { vault: mine }) // in front of the next: it takes all the rows
    const fork = open(engine, [...prompt(48), 1, 2], 5, { vault: theirs, owner: theirs })
    const ran = engine.step(mine)
    const held = fork.sequence
    engine.inherit(heir)
    expect(held).toMatchObject({ length: 48, vault: heir })
    model.settle()
    await ran
    expect(held).toMatchObject({ length: 0 }) // dropped: it had no page of its own
    expect(save).not.toHaveBeenCalled()
  })
})

describe('a caller that is killed', () => {
  test('in the middle of the plan: the engine fails', () => {
    const model = new MockModel()
    const engine = new Engine(model)
    const turn = open(engine, prompt(5), 5)
    const step = engine.plan()
    if (step === undefined) throw new Error('nothing was planned')
    // It waits for the next plan, in which its pages are looked for, and the next object enters the engine.
    const states: unknown[] = []
    const find = (): undefined => {
      engine.close(turn)
      states.push(turn.state, waiting.state)
    }
    const killing = stub('a', { find })
    const waiting = open(engine, prompt(20, 2), 5, { vault: killing })
    engine.commit(step, model.run(step.rows))
    expect(engine.failure).toBeUndefined()
    engine.plan(killing)
    expect(engine.failure).toMatchObject({ code: 'engine_failure' })
    expect(states).toEqual(['failed', 'failed'])
  })

  test.each(['at once', 'later'])(
    'in the middle of a commit that comes %s: the engine fails',
    async (when) => {
      const model = when === 'later' ? new LaterModel() : new MockModel()
      const engine = new Engine<Model>(model)
      const turns = [
        open(engine, prompt(5), 5, { choose: (logits) => (void engine.step(), greedy(logits)) }),
        open(engine, prompt(5, 2), 5),
      ]
      const ran = engine.step()
      if (model instanceof LaterModel) model.settle()
      await ran
      expect(engine.failure).toMatchObject({ code: 'engine_failure' })
      expect(turns.map(({ state }) => state)).toContain('failed')
      expect(await engine.step()).toBe(0)
    },
  )

  test('while the model has the step, and its object comes back: the engine fails, and a late answer is nothing', async () => {
    const { model, engine } = later()
    const [lost, other] = [stub('a'), stub('b')]
    const turns = [lost, other].map((vault, i) => open(engine, prompt(9, i), 5, { vault, owner: vault }))
    const ran = engine.step(lost)
    engine.inherit(stub('a'))
    expect(engine.failure).toMatchObject({ code: 'engine_failure' })
    expect(turns.map(({ state }) => state)).toEqual(['failed', 'failed'])
    model.settle()
    expect(await ran).toBe(0)
    expect(turns.map(({ produced }) => produced)).toEqual([0, 0])
  })

  test.each(['step', 'plan'] as const)(
    'and its object never comes back: a call of another lane ends it (%s)',
    async (how) => {
      let time = 5
      const { model, engine } = later({}, () => time)
      const [lost, other] = [stub('a'), stub('b')]
      const turn = open(engine, prompt(9), 5, { vault: other })
      const ran = how === 'step' ? engine.step(lost) : (engine.plan(lost), undefined)
      time += ABANDONED_MS - 1
      expect(engine.step(other)).toBe(0)
      expect(engine.failure).toBeUndefined()
      time += 1
      expect(engine.step(other)).toBe(0)
      expect(engine.failure).toMatchObject({ code: 'engine_failure' })
      expect(turn.state).toBe('failed')
      if (ran === undefined) return
      model.settle()
      expect(await ran).toBe(0)
    },
  )

  test('a step that takes long is no abandoned one once it is committed', async () => {
    let time = 0
    const setup = later({}, () => (time += ABANDONED_MS / 2))
    const turn = open(setup.engine, prompt(30), 5)
    expect(await finish(setup, [turn])).toEqual([greedyAlone(prompt(30), 5)])
  })
})
