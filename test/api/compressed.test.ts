// Compressed bodies: read like any other, within the limit of what comes out, or refused by name.

import { deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { inflated } from '../../src/api/http/inflate.ts'
import { appOver, chat, fakeLanes, ORIGIN } from './helpers.ts'

function send(body: Uint8Array, encoding: string, maxBodyBytes = 8_000_000) {
  const fake = fakeLanes()
  const headers = { 'content-encoding': encoding }
  const response = appOver(fake, { maxBodyBytes }).app.request(`${ORIGIN}/v1/chat/completions`, {
    method: 'POST',
    headers,
    body,
  })
  return { fake, response }
}

const plain = Buffer.from(JSON.stringify(chat({ metadata: 'ü'.repeat(30_000) })))
// What does not compress: several slices go in.
const noise = Buffer.from(
  JSON.stringify(chat({ metadata: Array.from({ length: 9000 }, (_, i) => (i * 48271) % 65537).join(' ') })),
)

describe('a compressed body', () => {
  it.each([
    ['gzip', gzipSync(plain)],
    ['GZIP', gzipSync(noise)],
    ['x-gzip', gzipSync(plain)],
    ['deflate', deflateSync(noise)],
    ['identity', plain],
    ['', plain],
  ])('%s is read, and known by its text', async (encoding, body) => {
    const { fake, response } = send(body, encoding)
    expect((await response).status).toBe(200)
    const text = encoding === 'GZIP' || encoding === 'deflate' ? noise : plain
    const uncompressed = send(text, 'identity')
    await uncompressed.response
    expect(fake.requests[0].bodyHash).toBe(uncompressed.fake.requests[0].bodyHash)
  })

  it.each(['br', 'zstd', 'gzip, gzip', 'deflate, gzip'])('%s is a 415 that names it', async (encoding) => {
    const response = await send(gzipSync(plain), encoding).response
    expect([response.status, response.headers.get('accept-encoding')]).toEqual([415, 'gzip, deflate'])
    const { error } = (await response.json()) as { error: { code: string; message: string } }
    expect(error.code).toBe('unsupported_encoding')
    expect(error.message).toContain(`"${encoding}"`)
  })

  it('that is cut off, or not what it says, is a 400', async () => {
    const whole = gzipSync(noise)
    for (const body of [
      whole.subarray(0, whole.length - 20),
      plain,
      Buffer.concat([whole, plain]),
      Buffer.alloc(0),
    ]) {
      const response = await send(body, 'gzip').response
      expect(response.status).toBe(400)
      const { error } = (await response.json()) as { error: { message: string } }
      expect(error.message).toMatch(/gzip|empty/)
    }
  })

  it('is limited by what comes out of it', async () => {
    const body = gzipSync(plain)
    expect((await send(body, 'gzip', plain.length).response).status).toBe(200)
    expect((await send(body, 'gzip', plain.length - 1).response).status).toBe(413)
  })
})

describe('inflating', () => {
  it('stops with its reader', async () => {
    const bomb = gzipSync(Buffer.alloc(200_000_000))
    let [at, left] = [0, false]
    const source = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => controller.enqueue(bomb.subarray(at, (at += 4096))),
        cancel: () => void (left = true),
      },
      { highWaterMark: 0 },
    )
    const reader = inflated(source, 'gzip').getReader()
    for (let bytes = 0; bytes < 8_000_000;) bytes += (await reader.read()).value?.byteLength ?? Infinity
    await reader.cancel()
    expect(left).toBe(true)
    expect(at).toBeLessThan(bomb.length / 2)
  })
})
