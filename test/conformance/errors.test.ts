// The checklist, E1 to E11: errors, tries, headers and limits as clients read them.

import OpenAI from 'openai'
import { expect, test } from 'vitest'
import {
  appOver,
  chat,
  clientOver,
  completion,
  fakeLanes,
  finish,
  MODEL,
  ORIGIN,
  post,
  start,
  text,
} from '../api/helpers.ts'
import { bodyOf } from './wire.ts'

const KEY_HASH = '2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683' // of "key"
const failing = (code: string) => fakeLanes([{ type: 'error', code, message: 'm', param: 'p' }])

test('E1: an error is an object of four fields, and the client makes its class of the status', async () => {
  expect(await bodyOf('/v1/chat/completions', chat({ temperature: 9 }))).toEqual({
    error: {
      message: expect.any(String) as string,
      type: 'invalid_request_error',
      param: 'temperature',
      code: 'invalid_request',
    },
  })
  for (const [code, kind] of [
    ['invalid_request', OpenAI.BadRequestError],
    ['invalid_api_key', OpenAI.AuthenticationError],
    ['origin_not_allowed', OpenAI.PermissionDeniedError],
    ['not_found', OpenAI.NotFoundError],
    ['conflict', OpenAI.ConflictError],
    ['overloaded', OpenAI.RateLimitError],
    ['engine_failure', OpenAI.InternalServerError],
  ] as const)
    await expect(
      clientOver(failing(code)).client.chat.completions.create(chat(), { maxRetries: 0 }),
    ).rejects.toBeInstanceOf(kind)
})

test('E2: codes are those that programs look for', async () => {
  const codes = [
    [await bodyOf('/v1/chat/completions', chat({ model: 'other' })), 'model_not_found'],
    [await bodyOf('/v1/chat/completions', chat({ temprature: 1 })), 'unknown_parameter'],
    [await bodyOf('/v1/chat/completions', chat({ audio: {} })), 'unsupported_parameter'],
    [
      await bodyOf('/v1/chat/completions', chat(), failing('context_length_exceeded')),
      'context_length_exceeded',
    ],
  ] as const
  for (const [body, code] of codes) expect(body).toMatchObject({ error: { code } })
  const { app } = appOver(fakeLanes(), { apiKeys: KEY_HASH })
  const refused = await app.request(`${ORIGIN}/v1/models`)
  expect(refused.status).toBe(401)
  expect(await refused.json()).toMatchObject({ error: { code: 'invalid_api_key' } })
})

test('E3: what may pass is tried again, what would fail again is not', async () => {
  for (const [code, tries] of [
    ['overloaded', 2],
    ['model_loading', 2],
    ['invalid_request', 1],
    ['engine_failure', 1],
    ['conflict', 1],
  ] as const) {
    const { client, sent } = clientOver(failing(code))
    await expect(client.chat.completions.create(chat(), { maxRetries: 1 })).rejects.toThrow()
    expect(sent, code).toHaveLength(tries)
  }
  const { headers } = await post(failing('overloaded'), '/v1/chat/completions', chat())
  expect(Number(headers.get('retry-after-ms'))).toBeGreaterThan(0)
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
}, 20_000)

test('E4: every reply has a request id, which the client gives out', async () => {
  const { client } = clientOver(fakeLanes())
  expect((await client.chat.completions.create(chat()))._request_id).toMatch(/^id\d+$/)
  const failed: unknown = await client.chat.completions
    .create(chat({ temperature: 9 }))
    .catch((error: unknown) => error)
  expect((failed as { requestID?: string }).requestID).toMatch(/^id\d+$/)
})

test('E5: what is known of a limit is told, and when it begins anew', async () => {
  let left = 1
  const { app } = appOver(fakeLanes(), { rate: { limit: 1, seconds: 60 }, limiter: async () => left-- > 0 })
  const ask = () =>
    app.request(`${ORIGIN}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(chat()) })
  expect((await ask()).headers.get('x-ratelimit-limit-requests')).toBe('1')
  const { status, headers } = await ask()
  expect(status).toBe(429)
  const told = [
    'x-ratelimit-limit-requests',
    'x-ratelimit-remaining-requests',
    'x-ratelimit-reset-requests',
    'retry-after',
  ]
  expect(told.map((name) => headers.get(name))).toEqual(['1', '0', '60s', '60'])
})

test('E6: pages may send what clients send, and read what they read', async () => {
  const { app } = appOver(fakeLanes(), { apiKeys: KEY_HASH })
  const asked =
    'authorization,content-type,x-stainless-lang,x-stainless-retry-count,x-stainless-helper-method,anthropic-version,x-api-key'
  const preflight = await app.request(`${ORIGIN}/v1/chat/completions`, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://page.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': asked,
    },
  })
  expect(preflight.status).toBe(204)
  const allowed = preflight.headers.get('access-control-allow-headers')?.toLowerCase().split(/, ?/) ?? []
  expect(asked.split(',').filter((name) => !allowed.includes(name))).toEqual([])
  const reply = await app.request(`${ORIGIN}/v1/models`, {
    headers: { origin: 'https://page.example', authorization: 'Bearer key' },
  })
  const exposed = reply.headers.get('access-control-expose-headers')?.toLowerCase().split(/, ?/) ?? []
  for (const name of ['x-request-id', 'retry-after', 'x-islet-session']) expect(exposed).toContain(name)
})

test('E7: a request that the client marks as sent again is one', async () => {
  const fake = fakeLanes()
  await post(fake, '/v1/chat/completions', chat(), { 'x-stainless-retry-count': '1' })
  await post(fake, '/v1/chat/completions', chat(), { 'x-stainless-retry-count': '0' })
  await post(fake, '/v1/chat/completions', chat())
  expect(fake.requests.map(({ retry }) => retry)).toEqual([true, false, false])
  expect(new Set(fake.requests.map(({ bodyHash }) => bodyHash)).size).toBe(1)
})

test('E8: labels and hints change nothing; a constraint is never passed over', async () => {
  const hints = {
    user: 'u',
    metadata: { a: 'b' },
    store: false,
    service_tier: 'auto',
    safety_identifier: 's',
    prompt_cache_key: 'k',
    verbosity: 'low',
  }
  expect(await bodyOf('/v1/chat/completions', chat(hints))).toHaveProperty('choices')
  for (const [field, value] of [
    ['modalities', ['audio']],
    ['audio', { voice: 'v' }],
    ['n', 1000],
    ['top_p', 2],
    ['logit_bias', { a: 1 }],
  ] as const)
    expect(await bodyOf('/v1/chat/completions', chat({ [field]: value }))).toMatchObject({
      error: { param: expect.stringMatching(new RegExp(`^${field}`)) as string },
    })
})

test('E9: max_completion_tokens is the limit of tokens, also beside max_tokens', async () => {
  const fake = fakeLanes()
  await bodyOf('/v1/chat/completions', chat({ max_tokens: 5 }), fake)
  await bodyOf('/v1/chat/completions', chat({ max_tokens: 5, max_completion_tokens: 7 }), fake)
  expect(fake.requests.map(({ maxTokens }) => maxTokens)).toEqual([5, 7])
})

test('E10: stop is a text or several, and none of null or an empty list', async () => {
  const fake = fakeLanes()
  for (const stop of ['\n', ['a', 'b', 'c', 'd'], null, []])
    await bodyOf('/v1/completions', completion({ stop }), fake)
  expect(fake.requests.map(({ stop }) => stop)).toEqual([['\n'], ['a', 'b', 'c', 'd'], [], []])
  expect(await bodyOf('/v1/completions', completion({ stop: [''] }))).toMatchObject({
    error: { param: expect.stringMatching(/^stop/) as string },
  })
})

test('E11: options of a stream need one', async () => {
  const refused = await bodyOf(
    '/v1/chat/completions',
    { model: MODEL, messages: chat().messages, stream_options: { include_usage: true } },
    fakeLanes([start, text('a'), finish]),
  )
  expect(refused).toMatchObject({ error: { param: 'stream_options' } })
})
