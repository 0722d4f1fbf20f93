// Bodies, pages and retries end where they are said to end.

import { describe, expect, it } from 'vitest'
import { failureOf } from '../../src/api/http/errors.ts'
import { IsletError } from '../../src/lib/errors.ts'
import type { SessionView } from '../../src/protocol/lane-reports.ts'
import { appOver, chat, fakeLanes, HELLO, ORIGIN } from './helpers.ts'

describe('a body', () => {
  const bytes = new TextEncoder().encode(JSON.stringify(chat()))
  const piece = (from: number, to?: number): Uint8Array => bytes.slice(from, to)
  const statusOf = async (limit: number, parts: readonly Uint8Array[]): Promise<number> => {
    const body = new ReadableStream({
      start(controller) {
        for (const part of parts) controller.enqueue(part)
        controller.close()
      },
    })
    const { app } = appOver(fakeLanes(), { maxBodyBytes: limit })
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit
    return (await app.request(`${ORIGIN}/v1/chat/completions`, init)).status
  }

  it('may have as many bytes as are allowed, in any pieces, and not one more', async () => {
    for (const parts of [[bytes], [piece(0, 9), piece(9)]]) {
      expect(await statusOf(bytes.length, parts)).toBe(200)
      expect(await statusOf(bytes.length - 1, parts)).toBe(413)
    }
  })
})

describe('a page of sessions', () => {
  const view = (id: string): SessionView => ({
    id,
    model: 'm',
    state: 'done',
    createdAt: 0,
    usedAt: 0,
    expiresAt: 0,
    tokens: 1,
    completionTokens: 1,
    window: { window: undefined, sinks: 0, outOfSight: 0 },
    memory: { pages: 0, bytes: 0 },
    storage: { pages: 0, bytes: 0 },
  })

  it.each([
    [2, 1, false],
    [2, 2, false],
    [2, 3, true],
  ])('of %i, where there are %i, has more: %s', async (limit, count, more) => {
    const views = Array.from({ length: count }, (_, i) => view(`sess_0_${i}`))
    const { app } = appOver(fakeLanes(HELLO, { sessions: async (_, page) => views.slice(0, page.limit) }))
    const page = await (await app.request(`${ORIGIN}/v1/sessions?limit=${limit}`)).json()
    expect(page).toMatchObject({ has_more: more, last_id: `sess_0_${Math.min(limit, count) - 1}` })
  })
})

describe('an error', () => {
  const headersOf = (code: IsletError['code']) => failureOf(new IsletError(code, 'so')).headers

  it('that would be the same again tells clients not to send it again', () => {
    for (const code of ['conflict', 'engine_failure', 'out_of_memory', 'invalid_file'] as const)
      expect(headersOf(code)).toEqual({ 'x-should-retry': 'false' })
    for (const code of ['overloaded', 'model_loading', 'lane_lost', 'checksum_mismatch'] as const)
      expect(headersOf(code)).toHaveProperty('retry-after')
  })

  it('that nobody named tells nothing of itself', () => {
    const failure = failureOf(new TypeError('/home/secret.ts'))
    expect(failure.status).toBe(500)
    expect(JSON.stringify(failure)).not.toContain('secret')
  })
})
