// These tests run a lane from request to events, on the mock model and a tokenizer of bytes.

import { describe, expect, test } from 'vitest'
import type { Turn } from '../../src/engine/turn.ts'
import { Isolate } from '../../src/lane/isolate.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { BOS, byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { ask, eventsOf, idsOf, mockLane, mockManifest, textOf } from '../helpers/mock-lane.ts'
import { greedyAlone, MockModel } from '../helpers/mock-model.ts'
import { request } from '../helpers/request.ts'

const hello = [BOS, ...new TextEncoder().encode('Hello')]
const decode = (ids: readonly number[]): string => byteTokenizer().decode(ids)
const textPrompt = (text: string) => ({ kind: 'text' as const, text })
const idPrompt = (length: number, seed = 1) => ({
  kind: 'ids' as const,
  ids: Array.from({ length }, (_, i) => (i * 7 + seed * 31) % 251),
})

describe('one request', () => {
  test('start, text, finish', async () => {
    const { lane } = mockLane()
    const events = await ask(lane, request({ maxTokens: 20, ignoreEos: true }))
    expect(eventsOf(events, 'start')).toEqual([
      { type: 'start', promptTokens: 6, cachedTokens: 0, truncatedTokens: 0 },
    ])
    expect(idsOf(events)).toEqual(greedyAlone(hello, 20))
    expect(textOf(events)).toBe(decode(greedyAlone(hello, 20)))
    expect(events.at(-1)).toEqual({
      type: 'finish',
      reason: 'length',
      usage: { promptTokens: 6, cachedTokens: 0, completionTokens: 20 },
      window: { window: undefined, sinks: 0, outOfSight: 0 },
    })
  })

  test('a chat goes through the template', async () => {
    const { lane } = mockLane()
    const messages = [{ role: 'user', content: 'Hi' }]
    const events = await ask(
      lane,
      request({ prompt: { kind: 'chat', messages }, maxTokens: 5, ignoreEos: true }),
    )
    const ids = [BOS, ...new TextEncoder().encode('<user>Hi</><assistant>')]
    expect(idsOf(events)).toEqual(greedyAlone(ids, 5))
  })

  test('an end id ends it and is not shown, unless ignored', async () => {
    const answer = greedyAlone(hello, 10)
    const endIds = [answer[4]]
    const events = await ask(mockLane({ endIds }).lane, request({ maxTokens: 10 }))
    expect(idsOf(events)).toEqual(answer.slice(0, 4))
    expect(events.at(-1)).toMatchObject({ reason: 'stop', usage: { completionTokens: 5 } })
    const ignored = await ask(mockLane({ endIds }).lane, request({ maxTokens: 10, ignoreEos: true }))
    expect(idsOf(ignored)).toEqual(answer)
  })

  test('a stop string is cut off, also across tokens', async () => {
    const whole = decode(greedyAlone(hello, 60))
    const stop = whole.slice(20, 23)
    const events = await ask(mockLane().lane, request({ maxTokens: 60, ignoreEos: true, stop: [stop] }))
    expect(textOf(events)).toBe(whole.slice(0, whole.indexOf(stop)))
    expect(events.at(-1)).toMatchObject({ reason: 'stop', stopString: stop })
  })

  test('log probabilities: one entry a token, likeliest first', async () => {
    const events = await ask(mockLane().lane, request({ maxTokens: 12, ignoreEos: true, topLogprobs: 3 }))
    const entries = eventsOf(events, 'text').flatMap(({ logprobs }) => logprobs ?? [])
    expect(entries.length).toBe(12)
    for (const { logprob, top } of entries) {
      expect(top.length).toBe(3)
      expect(top[0].logprob).toBe(logprob) // greedy: the token itself is the likeliest
      expect(top[0].logprob).toBeGreaterThanOrEqual(top[2].logprob)
      expect(logprob).toBeLessThan(0)
    }
  })

  test('echo repeats the prompt first', async () => {
    const events = await ask(mockLane().lane, request({ echo: true, maxTokens: 4, ignoreEos: true }))
    expect(textOf(events)).toBe(`Hello${decode(greedyAlone(hello, 4))}`)
    expect(idsOf(events).length).toBe(4)
  })
})

describe('warm equals cold', () => {
  test('an answer that does not encode back to its ids is reused up to where they part', async () => {
    const { lane } = mockLane()
    const first = await ask(lane, request({ maxTokens: 40, ignoreEos: true }))
    // The mock answers with arbitrary bytes: what is no UTF-8 comes back as U+FFFD.
    const resent = `Hello${textOf(first)} and more`
    const ids = [BOS, ...new TextEncoder().encode(resent)]
    const old = [...hello, ...idsOf(first)]
    const common = ids.findIndex((id, i) => id !== old[i])
    expect(common).toBeGreaterThanOrEqual(hello.length)
    expect(common).toBeLessThan(old.length)
    const second = await ask(lane, request({ prompt: textPrompt(resent), maxTokens: 9, ignoreEos: true }))
    expect(eventsOf(second, 'start')[0].cachedTokens).toBe(common)
    expect(idsOf(second)).toEqual(greedyAlone(ids, 9))
  })

  test('the hash of the logits is the same cold, warm, for every chunk and beside others', async () => {
    const asked = request({ prompt: idPrompt(90), maxTokens: 12, ignoreEos: true, hashLogits: true })
    const hashes = new Set<string | undefined>()
    const keep = async (lane: ReturnType<typeof mockLane>['lane']): Promise<void> => {
      hashes.add(eventsOf(await ask(lane, asked), 'finish')[0].logitsHash)
    }
    for (const chunk of [4, 16, 64]) {
      const { lane } = mockLane({ config: { chunk, windows: [40] } })
      await keep(lane)
      await keep(lane)
      const other = ask(lane, request({ prompt: idPrompt(70, 5), maxTokens: 40, ignoreEos: true }))
      await Promise.all([keep(lane), other])
    }
    expect(hashes.size).toBe(1)
    expect([...hashes][0]).toMatch(/^[0-9a-f]{64}$/)
  })

  test('tenants do not see each other in cached_tokens', async () => {
    const { lane } = mockLane()
    await ask(lane, request({ tenant: 'a' }))
    const other = await ask(lane, request({ tenant: 'b' }))
    expect(eventsOf(other, 'start')[0].cachedTokens).toBe(0)
  })
})

describe('limits', () => {
  test('a prompt that is too long is refused, or cut after BOS', async () => {
    const { lane } = mockLane({ config: { windows: [40], maxPrompt: 30 } })
    const long = 'abcdefghij'.repeat(5)
    const refused = await ask(lane, request({ prompt: textPrompt(long) }))
    expect(refused.at(-1)).toMatchObject({ type: 'error', code: 'context_length_exceeded', param: 'prompt' })
    const cut = await ask(
      lane,
      request({ prompt: textPrompt(long), truncation: 'auto', maxTokens: 6, ignoreEos: true }),
    )
    expect(eventsOf(cut, 'start')[0]).toMatchObject({ promptTokens: 30, truncatedTokens: 21 })
    const ids = [BOS, ...new TextEncoder().encode(long.slice(-29))]
    expect(idsOf(cut)).toEqual(greedyAlone(ids, 6, { window: 40, sinks: 4 }))
  })

  test('with full attention the context is the limit of both', async () => {
    const { lane } = mockLane()
    const refused = await ask(lane, request({ prompt: idPrompt(512) }))
    expect(refused.at(-1)).toMatchObject({ code: 'context_length_exceeded' })
    const cut = await ask(
      lane,
      request({ prompt: idPrompt(600), truncation: 'auto', maxTokens: 50, ignoreEos: true }),
    )
    expect(eventsOf(cut, 'finish')[0].usage).toMatchObject({ promptTokens: 462, completionTokens: 50 })
    const short = await ask(lane, request({ prompt: idPrompt(500), maxTokens: 50, ignoreEos: true }))
    expect(eventsOf(short, 'finish')[0]).toMatchObject({ reason: 'length', usage: { completionTokens: 12 } })
  })

  test('ids outside the vocabulary and foreign models are refused', async () => {
    const { lane } = mockLane()
    const outside = await ask(lane, request({ prompt: { kind: 'ids', ids: [1, 2, 259] } }))
    expect(outside.at(-1)).toMatchObject({ type: 'error', code: 'invalid_request', param: 'prompt' })
    const foreign = await ask(lane, request({ model: 'other' }))
    expect(foreign.at(-1)).toMatchObject({ type: 'error', code: 'model_not_found', param: 'model' })
  })

  test('past the window the report says how much is out of sight', async () => {
    const { lane } = mockLane({ config: { windows: [40] } })
    const events = await ask(lane, request({ prompt: idPrompt(100), maxTokens: 10, ignoreEos: true }))
    // The last query stood at position 108: it saw 4 sinks and [69, 108].
    expect(eventsOf(events, 'finish')[0].window).toEqual({ window: 40, sinks: 4, outOfSight: 65 })
  })
})

describe('several readers', () => {
  test('parallel requests of one session queue or fork, and answer as alone', async () => {
    const { lane, models } = mockLane({ model: { pageCount: 40 } })
    const prompts = [1, 2, 3, 4, 5, 6].map((seed) => [...idPrompt(50).ids, seed, seed])
    const answers = await Promise.all(
      prompts.map((ids) =>
        ask(lane, request({ prompt: { kind: 'ids', ids }, maxTokens: 30, ignoreEos: true })),
      ),
    )
    for (const [i, ids] of prompts.entries()) expect(idsOf(answers[i])).toEqual(greedyAlone(ids, 30))
    expect(models[0].steps.some(([, logits]) => logits > 1)).toBe(true)
  })

  test('a reader that stops reading holds nobody up', async () => {
    const { lane } = mockLane({ model: { pageCount: 8 } })
    const slow = decodeEvents(
      lane.generate(request({ prompt: idPrompt(60), maxTokens: 60, ignoreEos: true })),
    )
    for (let i = 0; i < 8; i++) await slow.next()
    const other = await ask(lane, request({ prompt: idPrompt(60, 2), maxTokens: 20, ignoreEos: true }))
    expect(idsOf(other)).toEqual(greedyAlone(idPrompt(60, 2).ids, 20))
    let last
    for await (const event of slow) last = event
    expect(last).toMatchObject({ type: 'finish', usage: { completionTokens: 60 } })
  })

  test('one that was admitted and sent back while its reader waited goes on', async () => {
    const isolate = new Isolate()
    const prompt = idPrompt(40)
    const turn = { tenant: 'other', prompt: prompt.ids, choose: () => ({ id: 7, stop: false }) }
    let first: Turn | undefined
    // What other readers do while this one rests.
    const wait = async (): Promise<void> => {
      await new Promise(setImmediate)
      const engine = isolate.inPlace?.engine
      if (engine === undefined || first === undefined) return
      engine.close(first)
      for (let step = 0; step < 60; step++) await engine.step()
      engine.open({ ...turn, maxTokens: 4 })
      for (let step = 0; step < 60; step++) await engine.step()
      first = undefined
    }
    const { lane } = mockLane({ model: { pageCount: 8 }, parts: { isolate, clock: { now: Date.now, wait } } })
    await ask(lane, request())
    first = isolate.inPlace?.engine.open({ ...turn, maxTokens: 50 })
    const events = await ask(lane, request({ prompt, maxTokens: 50, ignoreEos: true }))
    expect(first).toBeUndefined()
    expect(idsOf(events)).toEqual(greedyAlone(prompt.ids, 50))
  })

  test('a reader that leaves stops its sequence at once, and its work stays cached', async () => {
    const { lane, models } = mockLane({ config: { windows: [40] } })
    const events = decodeEvents(lane.generate(request({ maxTokens: 500, ignoreEos: true })))
    for (;;) if ((await events.next()).value?.type === 'text') break
    await events.return(undefined)
    await new Promise((resolve) => setTimeout(resolve, 20))
    const steps = models[0].steps.length
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(models[0].steps.length).toBe(steps)
    expect(steps).toBeLessThan(40)
    const again = await ask(lane, request())
    expect(eventsOf(again, 'start')[0].cachedTokens).toBe(5)
  })

  test('a reader that leaves the queue frees its place', async () => {
    const { lane, models } = mockLane({ model: { pageCount: 8 } })
    const first = decodeEvents(
      lane.generate(request({ prompt: idPrompt(100), maxTokens: 20, ignoreEos: true })),
    )
    while ((await first.next()).value?.type !== 'start') continue
    const queued = decodeEvents(lane.generate(request({ prompt: idPrompt(100, 2), maxTokens: 20 })))
    expect((await queued.next()).value).toMatchObject({ type: 'progress', state: 'queued' })
    await queued.return(undefined)
    for await (const _ of first) continue
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(models[0].rowsRun).toBe(119)
  })
})

describe('loading', () => {
  test('a bad request is an error before any weights; a good one sees progress', async () => {
    let finish: (model: MockModel) => void = () => undefined
    const { lane } = mockLane({
      parts: {
        readModel: (_text, _window, onProgress) => {
          onProgress(10, 100)
          return new Promise((resolve) => (finish = resolve))
        },
      },
    })
    const bad = await ask(lane, request({ prompt: { kind: 'ids', ids: [-1] } }))
    expect(bad).toMatchObject([{ type: 'error', code: 'invalid_request' }])
    const good = ask(lane, request({ ignoreEos: true }))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(lane.health()).toMatchObject({ state: 'loading', done: 10, total: 100 })
    finish(new MockModel())
    const events = await good
    expect(events[0]).toEqual({ type: 'progress', state: 'loading', done: 10, total: 100 })
    expect(events.at(-1)?.type).toBe('finish')
    expect(lane.health()).toMatchObject({ state: 'ready', model: 'mock', linearMemoryBytes: 65536 })
  })

  test('a cold lane reads manifest and tokenizer once, and again after a failure', async () => {
    let reads = 0
    const { lane } = mockLane({
      parts: {
        readText: async () => {
          reads += 1
          await new Promise((resolve) => setTimeout(resolve, 0))
          if (reads === 1)
            throw Object.assign(new Error('the tokenizer is damaged'), { code: 'checksum_mismatch' })
          return { manifest: mockManifest(), tokenizer: byteTokenizer() }
        },
      },
    })
    expect((await ask(lane, request())).at(-1)).toMatchObject({ code: 'checksum_mismatch' })
    expect(reads).toBe(1)
    const answers = await Promise.all([ask(lane, request()), ask(lane, request())])
    for (const events of answers) expect(events.at(-1)?.type).toBe('finish')
    expect(reads).toBe(2)
  })

  test('a load that failed is tried again by the next request', async () => {
    let attempts = 0
    const { lane, logged } = mockLane({
      parts: {
        readModel: async () => {
          attempts += 1
          if (attempts === 1)
            throw Object.assign(new Error('shard 2 is damaged'), { code: 'checksum_mismatch' })
          return new MockModel()
        },
      },
    })
    expect((await ask(lane, request())).at(-1)).toMatchObject({
      code: 'checksum_mismatch',
      message: 'shard 2 is damaged',
    })
    expect(logged).toMatchObject([{ code: 'checksum_mismatch' }])
    expect((await ask(lane, request())).at(-1)).toMatchObject({ type: 'finish' })
  })

  test('two lanes of an isolate load once', async () => {
    const isolate = new Isolate()
    const a = mockLane({ parts: { isolate } })
    const b = mockLane({ parts: { isolate } })
    const answers = await Promise.all([ask(a.lane, request()), ask(b.lane, request())])
    for (const events of answers) expect(events.at(-1)?.type).toBe('finish')
    expect(a.models.length + b.models.length).toBe(1)
  })

  test('a load whose lane is gone is taken over', async () => {
    let now = 0
    const clock = {
      now: () => now,
      wait: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    }
    const isolate = new Isolate()
    const gone = mockLane({ parts: { isolate, clock, readModel: () => new Promise(() => undefined) } })
    gone.lane.health()
    await new Promise((resolve) => setTimeout(resolve, 5))
    const next = mockLane({ parts: { isolate, clock } })
    expect(next.lane.health().state).toBe('loading')
    expect(next.models.length).toBe(0)
    now = 20_000
    expect((await ask(next.lane, request())).at(-1)?.type).toBe('finish')
  })

  test('a request that already waits takes over when the lane that loads dies', async () => {
    const isolate = new Isolate(50)
    const gone = mockLane({ parts: { isolate, readModel: () => new Promise(() => undefined) } })
    gone.lane.health()
    const next = mockLane({ parts: { isolate } })
    const [events, others] = await Promise.all([ask(next.lane, request()), ask(next.lane, request())])
    expect(events.at(-1)?.type).toBe('finish')
    expect(others.at(-1)?.type).toBe('finish')
    expect(next.models.length).toBe(1)
  })

  const trapping = (times: number): { model: { onForward: () => void } } => ({
    model: {
      onForward: () => {
        if (times-- > 0) throw new WebAssembly.RuntimeError('memory access out of bounds')
      },
    },
  })

  test('a trapped engine is rebuilt under its request, which goes on', async () => {
    const { lane, models } = mockLane(trapping(1))
    const events = await ask(lane, request({ maxTokens: 20, ignoreEos: true }))
    expect(idsOf(events)).toEqual(greedyAlone(hello, 20))
    expect(models.length).toBe(2)
  })

  test('a request under which engines fail again is given up, and the next gets a new one', async () => {
    const { lane, models, logged } = mockLane(trapping(2))
    const failed = await ask(lane, request())
    expect(failed.at(-1)).toMatchObject({ type: 'error', code: 'engine_failure' })
    expect(JSON.stringify(failed)).not.toContain('out of bounds')
    expect(JSON.stringify(logged)).toContain('out of bounds')
    expect((await ask(lane, request())).at(-1)?.type).toBe('finish')
    expect(models.length).toBe(3)
  })
})
