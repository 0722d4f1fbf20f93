// A client that leaves: production stops at once, streamed or not, before the first event or in the middle.

import { describe, expect, it } from 'vitest'
import { ORIGIN, HELLO, appOver, chat, clientOver, fakeLanes, finish, post, start, text } from './helpers.ts'

describe('a client that leaves', () => {
  function* endless() {
    yield start
    for (let i = 0; i < 200; i++) yield text(`${i} `)
    yield finish
  }

  it('stops production within two events when it breaks off (S13)', async () => {
    const fake = fakeLanes(endless)
    const stream = await clientOver(fake).client.chat.completions.create({ ...chat(), stream: true })
    let seen = 0
    for await (const chunk of stream) {
      if (chunk.choices[0].delta.content && ++seen === 3) break
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(fake.produced).toBeLessThanOrEqual(1 + 3 + 2)
    expect(fake.closed).toBe(1)
  })

  it('is not produced for ahead of its reading', async () => {
    const fake = fakeLanes(endless)
    const response = await post(fake, '/v1/chat/completions', chat({ stream: true }))
    const reader = response.body!.getReader()
    await reader.read()
    await reader.read()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(fake.produced).toBeLessThanOrEqual(3)
    await reader.cancel()
    expect(fake.closed).toBe(1)
  })

  it('cancels a reply that is not streamed', async () => {
    const leaving = new AbortController()
    function* slow() {
      setTimeout(() => leaving.abort(), 30)
      yield start
      for (let i = 0; i < 200; i++) {
        yield { wait: 5 }
        yield text('.')
      }
      yield finish
    }
    const fake = fakeLanes(slow)
    const { app } = appOver(fake)
    const request = new Request(`${ORIGIN}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify(chat()),
      signal: leaving.signal,
    })
    expect((await app.fetch(request)).status).toBe(499)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(fake.produced).toBeLessThan(12)
    expect(fake.closed).toBe(1)
  })

  it('cancels while the first event of a stream is awaited', async () => {
    let returned = 0
    const leaving = new AbortController()
    const fake = fakeLanes(HELLO, {
      generate: () => ({
        [Symbol.asyncIterator]: () => ({
          next: () => {
            setTimeout(() => leaving.abort(), 10)
            return new Promise(() => undefined)
          },
          return: async () => {
            returned++
            return { done: true, value: undefined }
          },
        }),
      }),
    })
    const { app } = appOver(fake, { pingMs: 40 })
    const answer = app.fetch(
      new Request(`${ORIGIN}/v1/chat/completions`, {
        method: 'POST',
        body: JSON.stringify(chat({ stream: true })),
        signal: leaving.signal,
      }),
    )
    await (await answer).body?.cancel()
    expect(returned).toBeGreaterThanOrEqual(1)
  })
})
