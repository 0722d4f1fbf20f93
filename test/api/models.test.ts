// The model list in the words of both APIs, and names that mean the model.

import { describe, expect, it } from 'vitest'
import type { ModelLimits } from '../../src/protocol/lane-reports.ts'
import { appOver, chat, fakeLanes, HELLO, MODEL, ORIGIN, type Fake } from './helpers.ts'

const call = (path: string, init: RequestInit, fake: Fake) => appOver(fake).app.request(ORIGIN + path, init)

describe('models for clients of Anthropic, and under other names', () => {
  const card = { id: MODEL, created: 1_700_000_000, ownedBy: 'islet', aliases: ['gpt-4o-mini', 'Org/x y'] }
  const lanes = () => fakeLanes(HELLO, { models: async () => [card] })

  it('have the keys of both APIs', async () => {
    const object = {
      id: MODEL,
      object: 'model',
      created: 1_700_000_000,
      owned_by: 'islet',
      type: 'model',
      name: MODEL,
      display_name: MODEL,
      created_at: '2023-11-14T22:13:20Z',
    }
    const list = (await (await call('/v1/models', {}, lanes())).json()) as object
    expect(list).toEqual({ object: 'list', data: [object], has_more: false, first_id: MODEL, last_id: MODEL })
    expect(await (await call(`/v1/models/${MODEL}`, {}, lanes())).json()).toEqual(object)
    expect(await (await call('/v1/models/ORG/X%20Y', {}, lanes())).json()).toEqual(object)
  })

  it('say what a prompt and an answer may come to, under the names of each API', async () => {
    const listed = async (limits: ModelLimits) =>
      (
        await call(`/v1/models/${MODEL}`, {}, fakeLanes(HELLO, { models: async () => [{ ...card, limits }] }))
      ).json()
    // Of full attention both share the context; with a window an answer is as long as one likes.
    expect(await listed({ trained: 2048, prompt: 2047, answer: 2047 })).toMatchObject({
      context_window: 2048,
      max_model_len: 2048,
      max_input_tokens: 2047,
      max_tokens: 2047,
      meta: { n_ctx_train: 2048 },
    })
    expect(await listed({ trained: 2048, prompt: 32768 })).toMatchObject({
      context_window: 32768,
      max_model_len: 32768,
      max_input_tokens: 32768,
      max_tokens: null,
      meta: { n_ctx_train: 2048 },
    })
  })

  it('are served under an alias, compared without case, and answer in their own', async () => {
    for (const model of ['gpt-4o-mini', 'GPT-4o-Mini', MODEL]) {
      const fake = lanes()
      const init = { method: 'POST', body: JSON.stringify({ ...chat(), model }) }
      expect(await (await call('/v1/chat/completions', init, fake)).json()).toMatchObject({
        model: MODEL,
      })
      expect(fake.requests[0].model).toBe(MODEL)
    }
    const init = { method: 'POST', body: JSON.stringify({ ...chat(), model: 'gpt-4o' }) }
    expect((await call('/v1/chat/completions', init, lanes())).status).toBe(404)
  })
})
