// Stages of a model one after the other give the bits of the whole: logits, hidden states and KV pages, wherever it is cut.

import { describe, expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { localKv } from '../../cli/lib/kv.ts'
import { openModel, type OpenedModel } from '../../cli/lib/model.ts'
import type { WindowOptions } from '../../src/cache/window.ts'
import { Feed } from '../../src/graph/feed.ts'
import { loadModel, type LoadOptions } from '../../src/graph/load-model.ts'
import type { LocalModel, Pages, Row, Yield } from '../../src/graph/model.ts'
import { takesWindow } from '../../src/models/spec.ts'
import { FAMILY_NAMES, familyPrompt, familySubject } from '../helpers/family-model.ts'
import { CUT, familiesIn } from '../helpers/golden.ts'
import { fileCases } from '../helpers/golden-run.ts'
import { upTo } from '../helpers/paged.ts'
import { loadChain, someCuts } from '../helpers/stages.ts'
import { load, ODD, someIds, TINY, type Subject } from '../helpers/subjects.ts'
import { expectSameBits, traceOf, type Trace } from '../helpers/trace.ts'

/** Positions: past every sliding window, NTK's trained length and twice that. */
const LENGTH = 60
const DECODED = 6
const FULL: WindowOptions = { window: undefined, sinks: 0 }
const WINDOWS: readonly WindowOptions[] = [
  FULL,
  { window: 23, sinks: 3 },
  { window: 34, sinks: 2, byDepth: [34, 18] },
]

function optionsFor({ kv }: Pick<Subject, 'kv'>, window: WindowOptions, rows: number): LoadOptions {
  const logitRows = 4 * Math.ceil(rows / 4)
  return {
    window,
    kv,
    chunk: logitRows,
    logitRows,
    maxPositions: LENGTH + 4,
    kernels: nodeKernels('quads'),
  }
}

/** Rows of a prompt in chunks of `chunk`, a prefix at once, then of ids one at a time. */
function traceAlong(model: LocalModel, ids: readonly number[], chunk: number): Trace {
  const { prefix } = model.spec
  const first = prefix === undefined ? 0 : ids.indexOf(prefix.start) + 1
  const feed = new Feed(model)
  return traceOf((onRow) => {
    if (first > 0) feed.run(ids.slice(0, first), onRow)
    const decoded = Math.max(first, ids.length - DECODED)
    feed.run(ids.slice(first, decoded), onRow, chunk)
    for (const id of ids.slice(decoded)) feed.run([id], onRow)
  })
}

/** Warm-up leaves something in them. */
function clear(pages: Pages): void {
  for (const page of upTo(pages.count)) pages.write(page, new Uint8Array(pages.pageBytes))
}

/** The chain and the whole model run the same text; logits and all pages are compared. */
async function expectSame(opened: OpenedModel, cuts: number[], options: LoadOptions, ids: number[]) {
  const whole = await loadModel(opened.manifest, opened.source, options)
  const { model, stages } = await loadChain(opened, cuts, options)
  for (const { pages } of [whole, ...stages]) clear(pages)
  const what = `cut at ${cuts.join()}, window ${whole.window.window}`
  expect(
    stages.map(({ window, maxRows }) => ({ window, maxRows })),
    what,
  ).toEqual(stages.map(() => ({ window: whole.window, maxRows: whole.maxRows })))
  for (const chunk of [7, options.chunk]) {
    const wanted = traceAlong(whole, ids, chunk)
    expect(wanted.rows).toHaveLength(ids.length)
    expectSameBits(traceAlong(model, ids, chunk), wanted, `${what}, chunks of ${chunk}`)
  }
  const sum = stages.reduce((bytes, { pages }) => bytes + pages.pageBytes, 0)
  expect(sum).toBe(whole.pages.pageBytes)
  for (const page of upTo(whole.pages.count)) {
    const got = Buffer.concat(stages.map(({ pages }) => pages.read(page)))
    expect(Buffer.compare(got, whole.pages.read(page)), `${what}, page ${page}`).toBe(0)
  }
}

describe.each(FAMILY_NAMES)('%s', (name) => {
  it.each(['f32', 'q8'] as const)('%s: every cut, with windows and without', async (kv) => {
    const subject = familySubject(name, kv)
    const opened = await subject.open()
    const { spec } = opened.manifest
    const ids = familyPrompt(spec, LENGTH)
    for (const window of takesWindow(spec) ? WINDOWS : [FULL]) {
      const options = optionsFor(subject, window, takesWindow(spec) ? 16 : LENGTH)
      for (const cuts of someCuts(spec.layers)) await expectSame(opened, cuts, options, ids)
    }
  })
})

it.each([TINY, ...ODD])('$name: every cut', async (subject) => {
  const opened = await subject.open()
  const { layers, vocab } = opened.manifest.spec
  const ids = someIds(LENGTH, vocab)
  for (const cuts of someCuts(layers))
    await expectSame(opened, cuts, optionsFor(subject, WINDOWS[1], 16), ids)
})

describe.each(familiesIn(CUT))('golden %s', (family) => {
  const { cases } = fileCases(`${CUT}/${family}`)
  it.each([cases[0], cases[cases.length - 1]])('$name: cut at the middle and in three', async (each) => {
    const opened = await openModel(each.path, each.pack ?? {})
    const { spec } = opened.manifest
    const ids = [...each.golden.input_ids, ...(each.golden.feed ?? [])].slice(0, LENGTH)
    while (ids.length <= DECODED) ids.push(...ids)
    const options = optionsFor({ kv: localKv(opened.manifest) }, FULL, takesWindow(spec) ? 16 : LENGTH)
    const middle = Math.ceil(spec.layers / 2)
    for (const cuts of [[middle], [middle, spec.layers]]) await expectSame(opened, cuts, options, ids)
  })
})

describe('rows that yield this and that', () => {
  const YIELDS: Yield[] = ['nothing', 'logits', 'hidden', 'nothing', 'hidden', 'logits', 'nothing']

  it.each([TINY, ODD[1], familySubject('gemma3', 'q8')])('$name: from several sequences', async (subject) => {
    const opened = await subject.open()
    const options = { ...optionsFor(subject, FULL, 8), pages: 8 }
    const whole = await load(subject, options)
    const { layers, vocab } = whole.spec
    const steps = [0, 1, 2].map((step) =>
      someIds(YIELDS.length, vocab, step).map((id, i): Row => ({
        id,
        // The last three rows are another sequence's.
        position: i < 4 ? 4 * step + i : 3 * step + i - 4,
        pages: i < 4 ? [2, 3] : [5, 1],
        yields: step === 1 ? 'nothing' : YIELDS[(i + step) % YIELDS.length],
      })),
    )
    const outputsOf = (model: LocalModel) =>
      steps.map((rows) => {
        const outputs = model.run(rows)
        const count = (what: Yield): number[] => upTo(rows.filter(({ yields }) => yields === what).length)
        return {
          logits: count('logits').map((i) => outputs.logits(i).slice()),
          hidden: count('hidden').map((i) => outputs.hidden(i).slice()),
        }
      })
    const wanted = outputsOf(whole)
    expect(wanted.map(({ logits, hidden }) => [logits.length, hidden.length])).toEqual([
      [2, 2],
      [0, 0],
      [2, 2],
    ])
    for (const cuts of someCuts(layers)) {
      const { model } = await loadChain(opened, cuts, options)
      expect(outputsOf(model), `cut at ${cuts.join()}`).toEqual(wanted)
    }
  })

  it('all rows go on, but from the last layer only those that yield something', async () => {
    const { layers, hidden } = (await TINY.open()).manifest.spec
    const ids = [1, 2, 3, 4]
    const rows = ids.map((id, i): Row => ({
      id,
      position: i,
      pages: [0],
      yields: i < 2 ? 'nothing' : 'hidden',
    }))
    const stage = (to: number) => load(TINY, { range: { from: 0, to, embedding: true, head: false } })
    for (let to = 0; to < layers; to++) expect((await stage(to)).run(rows).stream()).toHaveLength(4 * hidden)
    const last = await stage(layers)
    expect(last.run(rows).stream()).toHaveLength(2 * hidden)
    expect(last.run(rows.slice(0, 2)).stream()).toHaveLength(0)
  })
})

describe('what is asked of the wrong stage', async () => {
  const { layers, hidden, vocab } = (await TINY.open()).manifest.spec
  const row: Row = { id: 1, position: 0, pages: [0], yields: 'logits' }
  const first = await load(TINY, { range: { from: 0, to: 1, embedding: true, head: false } })
  const last = await load(TINY, { range: { from: 1, to: layers, embedding: false, head: true } })
  const refused = (act: () => unknown, message: string): void => expect(act).toThrow(new RangeError(message))

  it('a stage with the embedding takes ids, any other a stream of the right length', () => {
    const stream = first.run([row]).stream()
    expect(stream).toHaveLength(hidden)
    refused(() => first.run([row], stream), 'a stage with the embedding takes ids')
    refused(() => last.run([row]), `no numbers of a stream of 1 x ${hidden}`)
    refused(
      () => last.run([row, { ...row, position: 1, yields: 'nothing' }], stream),
      `${hidden} numbers of a stream of 2 x ${hidden}`,
    )
    expect(last.run([row], stream).logits(0)).toHaveLength(vocab)
  })

  it('yields are of the stage with the head, streams of any other', () => {
    first.run([row])
    refused(() => first.logits(0), 'a stage without the head yields a residual stream')
    refused(() => first.hidden(0), 'a stage without the head yields a residual stream')
    refused(() => last.stream(), 'a stage with the head leaves no residual stream')
  })

  it('the head limits rows with logits, every stage limits rows', () => {
    const rows = upTo(2).map((position) => ({ ...row, position }))
    const stream = first.run(rows).stream()
    refused(() => last.run(rows, stream), '2 rows ask for logits')
    const many = upTo(17).map((position) => ({ ...row, position }))
    refused(() => first.run(many), '17 rows in a step')
    refused(() => last.run([], new Float32Array()), '0 rows in a step')
  })
})
