// A turn bed runs turns on one engine by a clock of its own, which goes on with their rests.

import { Answer } from '../../src/answer/answer.ts'
import { rulesFor } from '../../src/answer/prepare-prompt.ts'
import { Engine } from '../../src/engine/engine.ts'
import type { EngineOptions } from '../../src/engine/engine-options.ts'
import type { Model } from '../../src/graph/model.ts'
import { FirstTokens } from '../../src/lane/first-tokens.ts'
import { HandOuts } from '../../src/lane/hand-outs.ts'
import { Isolate } from '../../src/lane/isolate.ts'
import { Pacer } from '../../src/lane/pacer.ts'
import { Reader } from '../../src/lane/reader.ts'
import { TurnHost } from '../../src/lane/turn-host.ts'
import { runTurn } from '../../src/lane/turn-run.ts'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import { createScratch } from '../../src/sampling/candidates.ts'
import { unstored, type TurnRecord } from '../../src/storage/turn-record.ts'
import { byteTokenizer } from './byte-tokenizer.ts'
import { mockManifest } from './mock-lane.ts'
import { MockModel, type MockOptions } from './mock-model.ts'
import { request } from './request.ts'

export const text = { manifest: mockManifest(), tokenizer: byteTokenizer([]) }
export const idsOf = (length: number, from = 31): number[] =>
  Array.from({ length }, (_, i) => (i * 7 + from) % 251)
export const settled = () => new Promise((resolve) => setImmediate(resolve))

/** An engine with its pacer, by a clock that goes on with its rests; `stepMs` pass in each step. */
export function bed({
  stepMs = 0,
  options = {},
  ...model
}: MockOptions & { stepMs?: number; options?: EngineOptions } = {}) {
  const clock = {
    time: 1000,
    waits: [] as number[],
    now: () => clock.time,
    async wait(ms: number) {
      clock.waits.push(ms)
      clock.time += ms
      await settled()
    },
  }
  const mock = new MockModel({
    ...model,
    onForward(rows) {
      clock.time += stepMs
      model.onForward?.(rows)
    },
  })
  const engine = new Engine<Model>(mock, options)
  const first = new FirstTokens()
  const pacer = new Pacer(clock, first)
  const loaded = { engine, model: mock, pacer, first, scratch: createScratch(mock.spec.vocab) }
  const loader = {
    clock,
    readText: () => Promise.resolve(text),
    readModel: () => Promise.resolve(mock),
    readPrefix: () => Promise.resolve(undefined),
  }
  const handOuts = new HandOuts(clock)
  const limits = () => ({ maxPrompt: 512, maxPositions: 512 })
  const vault = { id: 'lane', find: () => undefined, save: () => undefined }
  const ledger = { settle: () => undefined, vault, handOuts }
  const host = new TurnHost({ isolate: new Isolate(), loader, limits, ledger }, false)
  /** A turn of its own, to be read; `before` was generated already. */
  const turn = (
    changes: Partial<GenerateRequest> = {},
    { ids = idsOf(20), before = [] as number[], background = false } = {},
  ) => {
    const abort = new AbortController()
    const prompt = { ids, truncatedTokens: 0, kind: 'ids' as const, tools: false }
    const asked = request({ prompt, ...changes })
    const record: TurnRecord = { ...unstored(asked, prompt, undefined), generated: before }
    const answer = new Answer(asked, text.tokenizer, ids, rulesFor(prompt, text))
    answer.replay(before, [])
    const { signal } = abort
    const run = { record, text, host, signal, reader: new Reader(), answer, loaded, background }
    return { abort, record, events: runTurn(run), signal, answer }
  }
  return { clock, model: mock, engine, first, pacer, handOuts, loaded, host, turn }
}
