// A chain of stages gives the bits of the whole model in one memory: prefill, decode, batches, forks, any cut.

import { describe, expect, it } from 'vitest'
import { Engine } from '../../src/engine/engine.ts'
import type { Turn } from '../../src/engine/turn.ts'
import type { Model } from '../../src/graph/model.ts'
import { takesWindow, type ModelSpec } from '../../src/models/spec.ts'
import type { WindowOptions } from '../../src/cache/window.ts'
import type { LayerRange } from '../../src/weights/layer-range.ts'
import { chainBed, hubRanges, tableRanges } from '../helpers/chain.ts'
import { FAMILY_NAMES, familyPrompt, familySubject } from '../helpers/family-model.ts'
import { load, ODD, someIds, TINY, type Subject } from '../helpers/subjects.ts'
import { Tracer } from '../helpers/trace.ts'

const ANSWER = 7
const FULL: WindowOptions = { window: undefined, sinks: 0 }
const SHORT: WindowOptions = { window: 40, sinks: 2 }

/** Each prompt is a turn; two steps after one another begin. Gives the hash of each turn's logits. */
async function answers(model: Model, prompts: readonly (readonly number[])[]): Promise<string[]> {
  const engine = new Engine<Model>(model)
  const tracers = prompts.map(() => new Tracer())
  const turns: Turn[] = []
  for (let step = 0; step < 500; step++) {
    const next = turns.length
    if (next < prompts.length && step % 2 === 0)
      turns.push(
        engine.open({
          tenant: 'one',
          prompt: prompts[next],
          maxTokens: ANSWER,
          choose(logits) {
            tracers[next].add(logits)
            return { id: logits.indexOf(Math.max(...logits)), stop: false }
          },
        }),
      )
    await engine.step()
    if (engine.failure !== undefined) throw engine.failure
    for (const turn of turns) if (turn.state === 'done') engine.close(turn)
    if (turns.length === prompts.length && turns.every(({ state }) => state === 'done')) break
  }
  return tracers.map((tracer) => {
    const { hash, rows } = tracer.end()
    expect(rows).toHaveLength(ANSWER)
    return hash
  })
}

function cutsOf(spec: ModelSpec): LayerRange[][] {
  const { layers, vocab } = spec
  const middle = Math.ceil(layers / 2)
  const rows = 64 * Math.ceil(vocab / 128)
  return [
    hubRanges(layers, [middle]),
    hubRanges(layers, [0]),
    ...(layers > 2 ? [hubRanges(layers, [1, 2])] : []),
    tableRanges(spec, [], [rows]),
    tableRanges(spec, [middle], rows > 64 ? [64, rows] : [rows]),
    tableRanges(spec, [1], []),
  ]
}

async function expectSame(subject: Subject, ids: readonly number[]): Promise<void> {
  const opened = await subject.open()
  const { spec } = opened.manifest
  // A second that begins alike, and one that is short; a prefix that sees itself is never cut.
  const others = [[...ids.slice(0, 50), ...ids.slice(3, 20)].slice(0, ids.length), ids.slice(0, 5)]
  const prompts = [ids, ...(spec.prefix === undefined ? others : [ids])]
  for (const window of takesWindow(spec) ? [FULL, SHORT] : [FULL]) {
    const chunk = takesWindow(spec) ? 16 : 80
    const whole = await load(subject, { window, chunk, logitRows: 4, pages: 40, kv: undefined })
    const wanted = await answers(whole, prompts)
    if (spec.prefix === undefined) expect(new Set(wanted).size).toBe(prompts.length)
    for (const ranges of cutsOf(spec)) {
      const what = `${JSON.stringify(ranges)}, window ${window.window}`
      const model = await chainBed(opened, ranges, { chunk }).read(window)
      expect(await answers(model, prompts), what).toEqual(wanted)
      model.release()
    }
  }
}

describe.each(FAMILY_NAMES)('%s', (name) => {
  it('every kind of cut', async () => {
    const subject = familySubject(name, 'q8')
    const { manifest } = await subject.open()
    await expectSame(subject, familyPrompt(manifest.spec, Math.min(75, manifest.spec.context - ANSWER)))
  })
})

it.each([TINY, ...ODD.slice(0, 4)])('$name: every kind of cut', async (subject) => {
  const { manifest } = await subject.open()
  await expectSame(subject, someIds(75, manifest.spec.vocab))
})
