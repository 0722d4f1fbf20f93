// The engine on a model of pure bookkeeping: every way of running a request gives the ids it has when run alone.

import { describe, expect, test, vi } from 'vitest'
import { Engine } from '../../src/engine/engine.ts'
import type { Turn } from '../../src/engine/turn.ts'
import { argmax, greedyAlone, MockModel, type MockOptions } from '../helpers/mock-model.ts'
import { runToEnd } from '../helpers/run-to-end.ts'

const prompt = (length: number, seed = 1): number[] =>
  Array.from({ length }, (_, i) => (i * 7 + seed * 31) % 251)
const greedy = (logits: Float32Array) => ({ id: argmax(logits), stop: false })

function open(engine: Engine, ids: readonly number[], maxTokens: number, tenant = 'a'): Turn {
  return engine.open({ tenant, prompt: ids, maxTokens, choose: greedy })
}

/** Steps until the turns end; their readers take everything at once. */
function run(engine: Engine, ...turns: Turn[]): number[][] {
  runToEnd(engine, ...turns)
  return turns.map((turn) => turn.ids.slice(turn.promptTokens))
}

function runAlone(options: MockOptions, ids: readonly number[], maxTokens: number): number[] {
  const engine = new Engine(new MockModel(options))
  return run(engine, open(engine, ids, maxTokens))[0]
}

const window = { window: 40, sinks: 4 }

describe('one sequence', () => {
  test.each([1, 2, 3, 15, 16, 17, 64])('prefill in chunks of %i gives the same ids', (maxRows) => {
    expect(runAlone({ maxRows }, prompt(70), 12)).toEqual(greedyAlone(prompt(70), 12))
    expect(runAlone({ maxRows, window }, prompt(150), 60)).toEqual(greedyAlone(prompt(150), 60, window))
  })

  test('a session far past the window stays within the pages of one window', () => {
    const model = new MockModel({ window, pageCount: 6 })
    const engine = new Engine(model)
    const [ids] = run(engine, open(engine, prompt(100), 300))
    expect(ids).toEqual(greedyAlone(prompt(100), 300, window))
    expect(engine.load.pageCount).toBe(6)
  })

  test('with full attention the trained context ends the answer', () => {
    const engine = new Engine(new MockModel({ pageCount: 4 }))
    const turn = open(engine, prompt(60), 100)
    run(engine, turn)
    expect(turn.ids.length).toBe(64)
    expect(turn.reason).toBe('length')
  })

  test('a pool that cannot hold one window is refused', () => {
    expect(() => new Engine(new MockModel({ window, pageCount: 5 }))).toThrow('too small')
  })
})

describe('warm equals cold', () => {
  test('the second turn computes only what is new', () => {
    const model = new MockModel()
    const engine = new Engine(model)
    const first = open(engine, prompt(50), 10)
    run(engine, first)
    const before = model.rowsRun
    const second = [...first.ids, 5, 6, 7]
    const turn = open(engine, second, 8)
    expect(run(engine, turn)).toEqual([greedyAlone(second, 8)])
    // The last id of an answer was chosen but never run.
    expect(turn.cachedTokens).toBe(59)
    expect(model.rowsRun - before).toBe(second.length - 59 + 7)
  })

  test('the same prompt again keeps one row to compute', () => {
    const engine = new Engine(new MockModel())
    run(engine, open(engine, prompt(50), 1))
    const again = open(engine, prompt(50), 5)
    expect(run(engine, again)).toEqual([greedyAlone(prompt(50), 5)])
    expect(again.cachedTokens).toBe(49)
  })

  test('an answer that encodes to other ids is reused up to where they part', () => {
    const engine = new Engine(new MockModel())
    const first = open(engine, prompt(50), 10)
    run(engine, first)
    const second = [...first.ids.slice(0, 55), 258, 257, 1, 2, 3]
    const turn = open(engine, second, 8)
    expect(run(engine, turn)).toEqual([greedyAlone(second, 8)])
    expect(turn.cachedTokens).toBe(55)
  })

  // The window of 40 with 4 sinks: position n sees [n - 39, n]. With 6 pages the oldest are given back.
  test.each([
    { cut: 0, reused: true },
    { cut: 3, reused: true },
    { cut: 60, reused: false },
  ])('a divergence $cut before the end past the window', ({ cut, reused }) => {
    const engine = new Engine(new MockModel({ window, pageCount: 6 }))
    const first = open(engine, prompt(120), 40)
    run(engine, first)
    const second = [...first.ids.slice(0, first.ids.length - 1 - cut), 258, 3, 4]
    const turn = open(engine, second, 20)
    expect(run(engine, turn)).toEqual([greedyAlone(second, 20, window)])
    expect(turn.cachedTokens).toBe(reused ? second.length - 3 : 0)
  })

  test('from any cut on nothing is reused, before it everything: the rule has one border, just inside what is held', () => {
    const reused: number[] = []
    for (let cut = 0; cut < 70; cut++) {
      const engine = new Engine(new MockModel({ window, pageCount: 6 }))
      const first = open(engine, prompt(120), 41)
      run(engine, first)
      const second = [...first.ids.slice(0, 160 - cut), 258]
      const turn = open(engine, second, 3)
      expect(run(engine, turn)).toEqual([greedyAlone(second, 3, window)])
      reused.push(turn.cachedTokens ?? -1)
    }
    const border = reused.indexOf(0)
    expect(border).toBeGreaterThan(0)
    expect(reused).toEqual(reused.map((_, cut) => (cut < border ? 160 - cut : 0)))
    // Six pages: one for the sinks, five recent ones [80, 160). Position n sees [n - 39, n].
    expect(160 - (border - 1) - 39).toBe(80)
  })

  test('tenants never share', () => {
    const engine = new Engine(new MockModel())
    run(engine, open(engine, prompt(50), 10, 'a'))
    const other = open(engine, prompt(50), 10, 'b')
    run(engine, other)
    expect(other.cachedTokens).toBe(0)
  })
})

describe('many sequences', () => {
  test.each([1, 2, 4])('any mix with %i logit rows equals each alone', (maxLogitRows) => {
    const model = new MockModel({ maxLogitRows, pageCount: 64 })
    const engine = new Engine(model)
    const turns: Turn[] = []
    const lengths = [5, 33, 64, 1, 17, 48]
    for (const [i, length] of lengths.entries()) {
      turns.push(open(engine, prompt(length, i), 10 + i))
      for (let s = 0; s < i; s++) engine.step()
    }
    const answers = run(engine, ...turns)
    for (const [i, length] of lengths.entries())
      expect(answers[i]).toEqual(greedyAlone(prompt(length, i), 10 + i))
    expect(Math.max(...model.steps.map(([, logits]) => logits))).toBe(maxLogitRows)
  })

  test('more decoding turns than logit rows each get their share', () => {
    const engine = new Engine(new MockModel({ maxLogitRows: 2 }))
    const turns = [1, 2, 3, 4, 5].map((seed) => open(engine, prompt(3, seed), 1000))
    for (let i = 0; i < 60; i++) {
      engine.step()
      for (const turn of turns) turn.taken = turn.produced
    }
    const produced = turns.map((turn) => turn.produced)
    expect(Math.max(...produced) - Math.min(...produced)).toBeLessThanOrEqual(5)
  })

  test('a prompt under way is forked: its pages are shared, both go on alone', () => {
    const engine = new Engine(new MockModel())
    const first = open(engine, prompt(40), 30)
    for (let i = 0; i < 10; i++) engine.step()
    const free = engine.load.pagesFree
    const second = open(engine, [...prompt(37), 9, 9, 9], 30)
    engine.step()
    expect(second.cachedTokens).toBe(37)
    expect(free - engine.load.pagesFree).toBe(1) // the copy of the page that both write to
    expect(run(engine, first, second)).toEqual([
      greedyAlone(prompt(40), 30),
      greedyAlone([...prompt(37), 9, 9, 9], 30),
    ])
  })

  test('an old continuation worth a page is kept beside the new one', () => {
    const engine = new Engine(new MockModel())
    const first = open(engine, prompt(40), 30)
    run(engine, first)
    run(engine, open(engine, [...prompt(40), 9], 5))
    const again = open(engine, [...first.ids, 8], 5)
    run(engine, again)
    expect(again.cachedTokens).toBe(69)
    expect(engine.load.sequences).toBe(2)
  })

  test('idle sequences are evicted, longest unused first', () => {
    const engine = new Engine(new MockModel({ pageCount: 12 }))
    for (const seed of [1, 2, 3]) run(engine, open(engine, prompt(60, seed), 4)) // four pages each
    run(engine, open(engine, [...prompt(60, 1), 1], 2)) // 1 is now younger than 2
    run(engine, open(engine, prompt(60, 4), 4))
    const cached = (seed: number): number | undefined => {
      const turn = open(engine, prompt(60, seed), 1)
      run(engine, turn)
      return turn.cachedTokens
    }
    expect(cached(1)).toBe(59)
    expect(cached(3)).toBe(59)
    expect(cached(2)).toBe(0)
  })

  test('turns that outgrow the pool take turns, with the same answers', () => {
    const model = new MockModel({ pageCount: 8 })
    const engine = new Engine(model)
    const turns = [1, 2, 3].map((seed) => open(engine, prompt(16, seed), 60))
    expect(run(engine, ...turns)).toEqual([1, 2, 3].map((seed) => greedyAlone(prompt(16, seed), 60)))
  })

  test('parallel windows share a pool of little more than one', () => {
    const engine = new Engine(new MockModel({ window, pageCount: 9 }))
    const turns = [1, 2, 3].map((seed) => open(engine, prompt(30 * seed, seed), 90))
    const answers = run(engine, ...turns)
    expect(answers).toEqual([1, 2, 3].map((seed) => greedyAlone(prompt(30 * seed, seed), 90, window)))
  })
})

describe('readers', () => {
  test('a sequence waits when its reader is 32 tokens behind', () => {
    const engine = new Engine(new MockModel())
    const slow = open(engine, prompt(5), 200)
    for (let i = 0; i < 100; i++) engine.step()
    expect(slow.produced).toBe(32)
    expect(engine.step()).toBe(0)
    slow.taken = 10
    engine.step()
    expect(slow.produced).toBe(33)
  })

  test('a stalled reader does not keep others out of the pool, and loses nothing', () => {
    const engine = new Engine(new MockModel({ pageCount: 6 }))
    const slow = open(engine, prompt(30), 60)
    for (let i = 0; i < 50; i++) engine.step()
    const other = open(engine, prompt(50, 2), 10)
    expect(run(engine, other)).toEqual([greedyAlone(prompt(50, 2), 10)])
    expect(run(engine, slow)).toEqual([greedyAlone(prompt(30), 60)])
  })

  test('the queue is bounded', () => {
    const engine = new Engine(new MockModel({ pageCount: 4 }), { queueLimit: 2 })
    const first = open(engine, prompt(50), 10)
    const waiting = [open(engine, prompt(50, 2), 2), open(engine, prompt(50, 3), 2)]
    expect(() => open(engine, prompt(50, 4), 2)).toThrow(expect.objectContaining({ code: 'overloaded' }))
    expect(first.state).toBe('running')
    engine.close(waiting[0])
    const fourth = open(engine, prompt(50, 4), 2)
    run(engine, first, waiting[1], fourth)
    expect(fourth.ids.length).toBe(52)
  })

  test('a turn that is closed keeps what it computed as cache', () => {
    const engine = new Engine(new MockModel())
    const turn = open(engine, prompt(50), 100)
    for (let i = 0; i < 10; i++) engine.step()
    engine.close(turn)
    expect(engine.load).toMatchObject({ running: 0, waiting: 0, sequences: 1 })
    const again = open(engine, prompt(50), 1)
    run(engine, again)
    expect(again.cachedTokens).toBe(49)
  })
})

describe('failures', () => {
  test('a broken model fails every turn and the engine', () => {
    let broken = false
    const engine = new Engine(
      new MockModel({
        onForward: () => {
          if (broken) throw new WebAssembly.RuntimeError('unreachable')
        },
      }),
    )
    const turns = [open(engine, prompt(5), 10), open(engine, prompt(9), 10)]
    engine.step()
    broken = true
    expect(engine.step()).toBe(0)
    expect(turns.map(({ state }) => state)).toEqual(['failed', 'failed'])
    expect(() => open(engine, prompt(5), 10)).toThrow('unreachable')
  })

  test('a model that breaks while a row is read too', () => {
    const model = new MockModel()
    const engine = new Engine(model)
    const turns = [open(engine, prompt(5), 10), open(engine, prompt(9), 10)]
    vi.spyOn(model, 'logits').mockImplementationOnce(() => {
      throw new WebAssembly.RuntimeError('unreachable')
    })
    expect(engine.step()).toBe(0)
    expect(turns.map(({ state }) => state)).toEqual(['failed', 'failed'])
    expect(() => open(engine, prompt(5), 10)).toThrow('unreachable')
  })

  test('a turn whose choice throws fails alone', () => {
    const engine = new Engine(new MockModel())
    const bad = engine.open({
      tenant: 'a',
      prompt: prompt(5),
      maxTokens: 9,
      choose: () => {
        throw new Error('no choice')
      },
    })
    const good = open(engine, prompt(20, 2), 9)
    expect(run(engine, good)).toEqual([greedyAlone(prompt(20, 2), 9)])
    expect(bad.state).toBe('failed')
  })
})
