// A model's recommended sampling: used for what a request leaves out, named in every reply, and switched off.

import { describe, expect, it } from 'vitest'
import { recommendedBy } from '../../src/api/dialects/recommended.ts'
import { IsletError } from '../../src/lib/errors.ts'
import type { Recommended } from '../../src/protocol/lane-reports.ts'
import { factsBy } from '../../src/weights/manifest-facts.ts'
import { fakeLanes as lanesOver } from '../helpers/fake-lanes.ts'
import { mockManifest } from '../helpers/mock-lane.ts'
import { appOver, chat, completion, fakeLanes, MODEL, ORIGIN, post, type Fake } from './helpers.ts'

const RECOMMENDED: Recommended = { temperature: 0.3, top_p: 0.9, repetition_penalty: 1.1 }
const PATHS = ['/v1/chat/completions', '/v1/completions', '/v1/responses'] as const

const recommending = (sampling: Recommended | undefined = RECOMMENDED): Fake =>
  fakeLanes(undefined, {
    models: async () => [{ id: MODEL, created: 0, ownedBy: 'islet', ...(sampling && { sampling }) }],
  })

const bodyOf = (path: (typeof PATHS)[number], fields: object): object => {
  if (path === '/v1/completions') return completion({ seed: 5, ...fields })
  return path === '/v1/responses'
    ? { model: MODEL, input: 'Hi', seed: 5, ...fields }
    : chat({ seed: 5, ...fields })
}

async function asked(path: (typeof PATHS)[number], fields: object, fake = recommending()) {
  const response = await post(fake, path, bodyOf(path, fields))
  const text = await response.text()
  expect(response.status, text).toBe(200)
  return { text, request: fake.requests[0] }
}

describe.each(PATHS)('%s', (path) => {
  it('uses it for fields that are left out, and says so', async () => {
    const { text, request } = await asked(path, { top_p: 0.5 })
    expect(request.sampling).toMatchObject({ temperature: 0.3, topP: 0.5, repetitionPenalty: 1.1, seed: 5 })
    const reply = JSON.parse(text) as Record<string, unknown>
    expect(reply).toMatchObject({ islet: { sampling: { temperature: 0.3, repetition_penalty: 1.1 } } })
    expect((reply['islet'] as { sampling: object }).sampling).not.toHaveProperty('top_p')
    if (path === '/v1/responses') expect(reply).toMatchObject({ temperature: 0.3, top_p: 0.5 })
  })

  it('says so at the end of a stream, and keeps it with the turn', async () => {
    const { text, request } = await asked(path, { stream: true })
    const frames = text.split('\n').filter((line) => line.startsWith('data: {'))
    const last = JSON.parse(frames.at(-1)?.slice(6) ?? '') as { islet?: object; response?: { islet: object } }
    expect(last.response?.islet ?? last.islet).toMatchObject({ sampling: RECOMMENDED })
    expect(request.reply).toMatchObject({ sampling: RECOMMENDED })
    expect(request).not.toHaveProperty('said')
  })

  it.each([0, 1])('adds nothing to a temperature of %i, which is the model as it is', async (temperature) => {
    const { text, request } = await asked(path, { temperature })
    expect(request.sampling).toMatchObject({ temperature, topP: 1, repetitionPenalty: 1 })
    expect(JSON.parse(text)).toMatchObject({ islet: { sampling: {} } })
  })

  it('is as ever where a model recommends nothing', async () => {
    const { text, request } = await asked(path, {}, recommending({}))
    const none = await asked(path, {}, fakeLanes())
    expect(none.request.sampling).toMatchObject({ temperature: 1, topP: 1, repetitionPenalty: 1 })
    expect(request.sampling).toEqual(none.request.sampling)
    expect(none.request.reply).not.toHaveProperty('sampling')
    expect((JSON.parse(none.text) as { islet: object }).islet).not.toHaveProperty('sampling')
    expect(JSON.parse(text)).toMatchObject({ islet: { sampling: {} } })
  })
})

it("llama-server's names count as said, and Mirostat takes no rule that it puts out", async () => {
  const { request } = await asked('/v1/chat/completions', { repeat_penalty: 1.3 })
  expect(request.sampling.repetitionPenalty).toBe(1.3)
  const mirostat = await asked('/v1/chat/completions', { mirostat: 2 })
  expect(mirostat.request.sampling).toMatchObject({
    temperature: 0.3,
    topP: 1,
    mirostat: { tau: 5, eta: 0.1 },
  })
  expect(JSON.parse(mirostat.text)).toMatchObject({
    islet: { sampling: { temperature: 0.3, repetition_penalty: 1.1 } },
  })
})

it('is in the model list', async () => {
  const list = (await (await appOver(recommending()).app.request(`${ORIGIN}/v1/models`)).json()) as {
    data: object[]
  }
  expect(list.data[0]).toMatchObject({ id: MODEL, islet: { sampling: RECOMMENDED } })
  const one = await appOver(fakeLanes()).app.request(`${ORIGIN}/v1/models/${MODEL}`)
  expect(await one.json()).not.toHaveProperty('islet')
})

describe('a manifest', () => {
  it('is read once, and of its values those that a request could send', async () => {
    let reads = 0
    const values = {
      temperature: 0.3,
      top_p: 2,
      mirostat: 2,
      seed: 3,
      top_k: '5',
      unknown: 1,
      toString: 1,
      min_p: 0.1,
    }
    const recommended = recommendedBy(async () => {
      reads++
      return { sampling: values as unknown as Recommended }
    })
    expect([await recommended(), await recommended()]).toEqual(
      Array(2).fill({ temperature: 0.3, min_p: 0.1 }),
    )
    expect(reads).toBe(1)
  })

  it('that is not there recommends nothing, and one that could not be read is read again', async () => {
    const missing = recommendedBy(
      factsBy(() => Promise.reject(new IsletError('invalid_file', 'no manifest'))),
    )
    expect(await missing()).toBeUndefined()
    let reads = 0
    const later = recommendedBy(
      factsBy(async () => {
        if (reads++ === 0) throw new Error('network')
        return { sampling: { temperature: 0.5 } }
      }),
    )
    await expect(later()).rejects.toThrow('network')
    expect(await later()).toEqual({ temperature: 0.5 })
  })

  it('is not asked for where recommendations are off', async () => {
    expect(await lanesOver([]).lanes.models()).toEqual([
      { aliases: [], id: 'm', created: 0, ownedBy: 'islet' },
    ])
    const lanes = lanesOver([], { recommended: async () => ({ top_k: 9 }) }).lanes
    expect(await lanes.models()).toMatchObject([{ id: 'm', sampling: { top_k: 9 } }])
    const embeds = (value: boolean) => lanesOver([], { embeds: async () => value }).lanes.models()
    expect((await embeds(true))[0]).toHaveProperty('embeds', true)
    expect((await embeds(false))[0]).not.toHaveProperty('embeds')
    const limits = { trained: 64, prompt: 63, answer: 63 }
    expect(await lanesOver([], { limits: async () => limits }).lanes.models()).toMatchObject([{ limits }])
  })

  it('is read once for all of its facts, again where that failed, and has none where it is missing', async () => {
    let reads = 0
    const facts = factsBy(async () => {
      if (reads++ === 0) throw new Error('network')
      return { ...mockManifest(), sampling: { top_k: 9 }, embedding: { pooling: 'mean' as const } }
    })
    await expect(facts()).rejects.toThrow('network')
    const { context } = mockManifest().spec
    const shape = { context, takesWindow: true }
    const known = { sampling: { top_k: 9 }, embedding: { pooling: 'mean' }, shape }
    expect([await facts(), await facts()]).toEqual([known, known])
    expect(reads).toBe(2)
    expect(await factsBy(() => Promise.reject(new IsletError('invalid_file', 'none')))()).toEqual({})
  })
})
