// Warm equals cold where keys depend on the prompt they were first computed for: NTK across its alphas, a prefix that sees
// itself both ways. Small random models, and the golden ones.

import { beforeAll, describe, expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { openModel } from '../../cli/lib/model.ts'
import type { WindowOptions } from '../../src/cache/window.ts'
import { Engine } from '../../src/engine/engine.ts'
import { Feed } from '../../src/graph/feed.ts'
import type { LocalModel } from '../../src/graph/model.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { promptShape } from '../../src/cache/prompt-shape.ts'
import { familyPrompt, familySubject, type FamilyName } from '../helpers/family-model.ts'
import { goldenFamily } from '../helpers/golden.ts'
import { argmax } from '../helpers/mock-model.ts'
import { someIds, type Subject } from '../helpers/subjects.ts'
import { expectSameBits, traceOf, type Trace } from '../helpers/trace.ts'
import { openTraced, runTurns, type TracedTurn } from '../helpers/traced-turns.ts'

const LENGTH = 240
const FULL: WindowOptions = { window: undefined, sinks: 0 }

/** The small model of a family, and the golden one. */
function subjects(name: FamilyName): { title: string; subject: Subject }[] {
  const folder = goldenFamily(name)
  const golden: Subject = { name, kv: 'f32', open: () => openModel(folder, {}) }
  return [
    { title: 'a small random model', subject: familySubject(name) },
    { title: 'the golden model', subject: golden },
  ]
}

async function loadFor(
  subject: Subject,
  window: WindowOptions,
  more: { chunk: number; logitRows: number; pages?: number },
): Promise<LocalModel> {
  const { manifest, source } = await subject.open()
  return loadModel(manifest, source, {
    window,
    kv: subject.kv,
    maxPositions: LENGTH,
    kernels: nodeKernels('quads'),
    ...more,
  })
}

/** A request alone on an empty cache: the prompt in one call, then id by id. */
function cold(model: LocalModel, { request, turn }: TracedTurn): Trace {
  const feed = new Feed(model)
  let row = new Float32Array()
  return traceOf((onRow) => {
    feed.run(request.prompt, (logits) => void (row = logits.slice()))
    for (let i = 0; i < turn.produced; i++) {
      onRow(row)
      if (i < turn.produced - 1) feed.run([argmax(row)], (logits) => void (row = logits.slice()))
    }
  })
}

describe.each(subjects('qwen1'))('NTK, $title', ({ subject }) => {
  let alone: LocalModel
  let trained = 0
  beforeAll(async () => {
    alone = await loadFor(subject, FULL, { chunk: LENGTH, logitRows: LENGTH })
    trained = alone.spec.attention.logn ?? 0
  })
  const ask = (engine: Engine, prompt: readonly number[], maxTokens = 6): TracedTurn => {
    const turn = openTraced(engine, { tenant: 'a', prompt, maxTokens })
    runTurns(engine, [turn])
    return turn
  }
  const engineOf = async (): Promise<Engine> =>
    new Engine(await loadFor(subject, FULL, { chunk: 16, logitRows: 4, pages: 64 }))
  const alphaOf = (prompt: readonly number[]): number => promptShape(alone.spec, prompt, FULL).ntk

  it('a conversation that grows through alphas: each turn has the bits of a cold one', async () => {
    const engine = await engineOf()
    let ids: readonly number[] = someIds(trained - 8, alone.spec.vocab, 3)
    let last = 0
    const alphas: number[] = []
    while (ids.length < 5 * trained && ids.length < LENGTH - 12) {
      const turn = ask(engine, ids)
      const alpha = alphaOf(ids)
      expectSameBits(turn.trace(), cold(alone, turn), `${ids.length} ids, alpha ${alpha}`)
      // All that was computed, save the id chosen last; of another alpha nothing is of use.
      expect(turn.turn.cachedTokens, `${ids.length} ids`).toBe(alphas.at(-1) === alpha ? last : 0)
      alphas.push(alpha)
      last = turn.turn.ids.length - 1
      ids = [...turn.turn.ids, ...someIds(3, alone.spec.vocab, ids.length)]
    }
    expect(new Set(alphas)).toEqual(new Set([1, 3, 7, 15].slice(0, new Set(alphas).size)))
    expect(new Set(alphas).size).toBeGreaterThanOrEqual(3)
    expect(alphas.length, 'some turns were warm').toBeGreaterThan(new Set(alphas).size)
  })

  it('an answer that grows past the trained length keeps its alpha, and serves no longer prompt', async () => {
    const engine = await engineOf()
    const first = ask(engine, someIds(trained - 2, alone.spec.vocab, 4), 10)
    expectSameBits(first.trace(), cold(alone, first), 'past the trained length')
    const again = ask(engine, first.turn.ids)
    expect(again.turn.cachedTokens).toBe(0)
    expectSameBits(again.trace(), cold(alone, again), 'the same ids as a prompt')
    // A shorter prompt goes by its own alpha: the first sequence is the one to share.
    const shorter = ask(engine, first.turn.ids.slice(0, trained))
    expect(shorter.turn.cachedTokens).toBe(trained - 1)
    expectSameBits(shorter.trace(), cold(alone, shorter), 'a part of it')
  })

  it('prompts on both sides of the edge in one step', async () => {
    const engine = await engineOf()
    const stem = someIds(2 * trained + 1, alone.spec.vocab, 5)
    const lengths = [trained, trained + 1, 2 * trained, 2 * trained + 1]
    const turns = lengths.map((length) =>
      openTraced(engine, { tenant: 'a', prompt: stem.slice(0, length), maxTokens: 5 }),
    )
    runTurns(engine, turns)
    expect(turns.map(({ turn }) => turn.shape.ntk)).toEqual([1, 3, 3, 7])
    for (const turn of turns)
      expectSameBits(turn.trace(), cold(alone, turn), `${turn.request.prompt.length} ids`)
  })

  it('under a window of the trained length there is one alpha, and all is reused', async () => {
    const window = { window: trained - 4, sinks: 4 }
    const lone = await loadFor(subject, window, { chunk: LENGTH, logitRows: LENGTH })
    const engine = new Engine(await loadFor(subject, window, { chunk: 16, logitRows: 4, pages: 64 }))
    const first = ask(engine, someIds(trained - 2, lone.spec.vocab, 6), 20)
    const second = ask(engine, [...first.turn.ids, 1, 2, 3], 20)
    expect(second.turn.cachedTokens).toBe(first.turn.ids.length - 1)
    for (const turn of [first, second]) expectSameBits(turn.trace(), cold(lone, turn), 'window')
  })
})

describe.each(subjects('chatglm1'))('a prefix, $title', ({ subject }) => {
  let alone: LocalModel
  beforeAll(async () => {
    alone = await loadFor(subject, FULL, { chunk: LENGTH, logitRows: LENGTH })
  })
  const engineOf = async (): Promise<Engine> =>
    new Engine(await loadFor(subject, FULL, { chunk: 16, logitRows: 4, pages: 64 }))
  const open = (engine: Engine, prompt: readonly number[], maxTokens = 6): TracedTurn =>
    openTraced(engine, { tenant: 'a', prompt, maxTokens })
  const ask = (engine: Engine, prompt: readonly number[]): TracedTurn => {
    const turn = open(engine, prompt)
    runTurns(engine, [turn])
    return turn
  }
  /** Text, [gMASK], <sop>: a prompt as chat has it. */
  const chat = (count: number, seed: number): number[] => {
    const { prefix, vocab } = alone.spec
    if (prefix === undefined) throw new Error('a model with a prefix is needed')
    return [...someIds(count, Math.min(vocab, prefix.mask), seed), prefix.gmask, prefix.start]
  }

  it('the same prompt again, and one that goes on with its answer, reuse it whole', async () => {
    const engine = await engineOf()
    const prompt = chat(30, 1)
    const first = ask(engine, prompt)
    const again = ask(engine, prompt)
    expect(again.turn.cachedTokens, 'all but the last row').toBe(prompt.length - 1)
    const further = ask(engine, first.turn.ids)
    expect(further.turn.cachedTokens).toBe(first.turn.ids.length - 1)
    for (const turn of [first, again, further]) expectSameBits(turn.trace(), cold(alone, turn), 'warm')
  })

  it('a longer conversation reuses nothing: every key of the prefix saw all of it', async () => {
    const engine = await engineOf()
    const first = ask(engine, chat(30, 1))
    const text = first.turn.ids.slice(0, 30)
    const next = ask(engine, [...text, ...chat(9, 2)])
    expect(next.turn.cachedTokens).toBe(0)
    expectSameBits(next.trace(), cold(alone, next), 'a longer prefix')
  })

  it('the same length with another text or another mask reuses nothing', async () => {
    const engine = await engineOf()
    const prompt = chat(30, 1)
    ask(engine, prompt)
    const { mask = 0 } = alone.spec.prefix ?? {}
    for (const other of [
      prompt.with(29, prompt[28]),
      prompt.with(10, mask),
      prompt.with(4, prompt[30]).with(30, prompt[4]),
    ]) {
      const turn = ask(engine, other)
      expect(turn.turn.cachedTokens).toBe(0)
      expectSameBits(turn.trace(), cold(alone, turn), 'another prefix')
    }
  })

  it('several at once, decoding beside prefixes that wait for room', async () => {
    const engine = await engineOf()
    const lengths = [100, 120, 20, 90]
    const turns = lengths.slice(0, 2).map((length, i) => open(engine, chat(length, i), 12))
    for (let i = 0; i < 3; i++) engine.step()
    turns.push(...lengths.slice(2).map((length, i) => open(engine, chat(length, 10 + i), 12)))
    turns.push(open(engine, familyPrompt(alone.spec, 60, 20), 12))
    runTurns(engine, turns)
    for (const turn of turns)
      expectSameBits(turn.trace(), cold(alone, turn), `${turn.request.prompt.length} ids`)
  })

  it('one that no step can hold is refused at once', async () => {
    const { manifest, source } = await subject.open()
    const small = await loadModel(manifest, source, {
      window: FULL,
      kv: subject.kv,
      chunk: 16,
      maxPositions: 32,
      pages: 20,
      kernels: nodeKernels('quads'),
    })
    const engine = new Engine(small)
    expect(() => open(engine, chat(40, 1))).toThrow(
      expect.objectContaining({ code: 'context_length_exceeded', param: 'prompt' }),
    )
    const fits = open(engine, chat(20, 1))
    runTurns(engine, [fits])
    expect(fits.turn.produced).toBe(6)
  })
})
