// The same logits bits for a model of every family, whatever the chunk, the company and the build of the kernels: one small
// random checkpoint for each kind of position, norm, mask and layer.

import { describe, expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import type { WindowOptions } from '../../src/cache/window.ts'
import { Engine } from '../../src/engine/engine.ts'
import { Feed } from '../../src/graph/feed.ts'
import type { LocalModel } from '../../src/graph/model.ts'
import type { LoadOptions } from '../../src/graph/load-model.ts'
import { referenceKernels } from '../../src/kernels/reference/index.ts'
import { FAMILY_NAMES, familyPrompt, familySubject, type FamilyName } from '../helpers/family-model.ts'
import { argmax } from '../helpers/mock-model.ts'
import { load } from '../helpers/subjects.ts'
import { expectSameBits, traceOf, type Trace } from '../helpers/trace.ts'
import { openTraced, runTurns } from '../helpers/traced-turns.ts'

/** Positions of a model here: past every sliding window, NTK's trained length and twice that. */
const LENGTH = 60
const FULL: WindowOptions = { window: undefined, sinks: 0 }
const WINDOW: WindowOptions = { window: 23, sinks: 3 }

const CASES = FAMILY_NAMES.flatMap((name) =>
  (name === 'chatglm1' ? [FULL] : [FULL, WINDOW]).map((window) => ({ name, ...window })),
)

/** A model for steps of `chunk` rows that all may ask for logits; with a prefix, for a whole text at once. */
function loadFamily(
  name: FamilyName,
  kv: 'f32' | 'q8',
  chunk: number,
  options: Partial<LoadOptions> & { window: WindowOptions },
): Promise<LocalModel> {
  const logitRows = name === 'chatglm1' ? (options.maxPositions ?? LENGTH) : chunk
  return load(familySubject(name, kv), { chunk, logitRows, maxPositions: LENGTH, ...options })
}

/** All rows of a text in steps of `chunk`; a prefix is one step. */
function inSteps(model: LocalModel, ids: readonly number[], chunk: number): Trace {
  const { prefix } = model.spec
  const first = prefix === undefined ? ids.length : ids.indexOf(prefix.start) + 1
  return traceOf((onRow) => {
    const feed = new Feed(model)
    feed.run(ids.slice(0, first), onRow, chunk)
    for (let from = first; from < ids.length; from += chunk) feed.run(ids.slice(from, from + chunk), onRow)
  })
}

describe.each(CASES)('$name, window $window', ({ name, ...window }) => {
  it.each(['f32', 'q8'] as const)('%s: chunks of 4, 8 and 64 as token by token', async (kv) => {
    const single = await loadFamily(name, kv, 4, { window })
    const ids = familyPrompt(single.spec, LENGTH)
    // NTK goes by the length of the first call: all cuts are of one call.
    const wanted = inSteps(single, ids, 1)
    expect(new Set(wanted.rows).size).toBe(LENGTH)
    for (const chunk of [4, 8, 64]) {
      const got = inSteps(await loadFamily(name, kv, chunk, { window }), ids, chunk)
      expectSameBits(got, wanted, `chunks of ${chunk}`)
    }
  })

  it.each(['f32', 'q8'] as const)('%s: every build as quads, and the plain twins', async (kv) => {
    const trace = async (kernels: LoadOptions['kernels'], count: number): Promise<Trace> => {
      const model = await loadFamily(name, kv, 8, { window, kernels, maxPositions: count })
      return inSteps(model, familyPrompt(model.spec, count), 8)
    }
    const wanted = await trace(nodeKernels('quads'), LENGTH)
    for (const build of ['relaxed', 'plain'] as const)
      expectSameBits(await trace(nodeKernels(build), LENGTH), wanted, build)
    // The twins are some hundred times slower: once, just past the windows and the trained length.
    if (window.window === undefined && name !== 'chatglm1') return
    const short = await trace(nodeKernels('quads'), 28)
    expectSameBits(await trace(referenceKernels, 28), short, 'the plain twins')
  })

  it('several sequences in one step as each alone', async () => {
    const kv = 'q8'
    const alone = await loadFamily(name, kv, LENGTH, { window })
    const engine = new Engine(await loadFamily(name, kv, 16, { window, logitRows: 4, pages: 40 }))
    const requests = [30, 3, 25, 49].map((length, i) => ({
      tenant: `tenant ${i % 2}`,
      prompt: familyPrompt(alone.spec, length, i),
      maxTokens: 10 - i,
    }))
    const turns = requests.slice(0, 2).map((request) => openTraced(engine, request))
    runTurns(engine, turns, (step) => {
      if (step === 2) turns.push(...requests.slice(2).map((request) => openTraced(engine, request)))
    })
    expect(turns).toHaveLength(4)
    for (const { request, trace } of turns)
      expectSameBits(trace(), alongAlone(alone, request.prompt, request.maxTokens), request.tenant)
  })
})

/** The rows from which a greedy answer's ids are chosen: the prompt in one call, then token by token. */
function alongAlone(model: LocalModel, prompt: readonly number[], count: number): Trace {
  const feed = new Feed(model)
  let row = new Float32Array()
  const keep = (logits: Float32Array): void => void (row = logits.slice())
  return traceOf((onRow) => {
    feed.run(prompt, keep)
    for (let i = 0; i < count; i++) {
      onRow(row)
      if (i < count - 1) feed.run([argmax(row)], keep)
    }
  })
}
