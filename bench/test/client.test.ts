// The benchmark's client against a small server that answers as the worker does, with known delays.

import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { caseName, measuredTokens, parseCase, promptIds } from '../lib/cases.ts'
import { Client, timeCase } from '../lib/client.ts'
import { median } from '../lib/results.ts'

const PREFILL_MS = 120
const TOKEN_MS = 10

let server: Server
let client: Client
let bodies: { prompt: number[]; max_tokens: number; model: string; stream: boolean }[] = []
const ports = new Set<number | undefined>()

beforeAll(async () => {
  server = createServer((request, response) => {
    ports.add(request.socket.remotePort)
    let text = ''
    request.on('data', (data: Buffer) => (text += data.toString()))
    request.on('end', () => void answer(JSON.parse(text) as (typeof bodies)[0]))
    const answer = async (body: (typeof bodies)[0]): Promise<void> => {
      bodies.push(body)
      if (body.model === 'unknown') {
        response.writeHead(404)
        return void response.end('{"error":{"message":"no such model"}}')
      }
      const frame = (value: unknown): boolean => response.write(`data: ${JSON.stringify(value)}\n\n`)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(': ping\n\n')
      await sleep(PREFILL_MS)
      const count = body.model === 'short' ? body.max_tokens - 1 : body.max_tokens
      for (let i = 0; i < count; i++) {
        if (i > 0) await sleep(TOKEN_MS)
        if (body.model === 'failing' && i === 2) frame({ error: { message: 'engine stopped' } })
        frame({ choices: [{ text: ' é' }], usage: null })
      }
      frame({ choices: [{ text: '', finish_reason: 'length' }], usage: null })
      frame({
        choices: [],
        usage: {
          prompt_tokens: body.prompt.length,
          completion_tokens: count,
          prompt_tokens_details: { cached_tokens: body.model === 'caching' ? 1 : 0 },
        },
      })
      response.end('data: [DONE]\n\n')
    }
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  client = new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})

afterAll(() => {
  client.close()
  server.close()
})

describe('timeCase', () => {
  test('prefill is the time to the first text, one token asked for', async () => {
    bodies = []
    const timing = await timeCase(client, 'fake', parseCase('prefill:40'), promptIds(40, 3))
    expect(timing.seconds).toBeGreaterThan((PREFILL_MS - 5) / 1e3)
    expect(timing.seconds).toBeLessThan((PREFILL_MS + 200) / 1e3)
    expect(bodies[0]).toMatchObject({ max_tokens: 1, stream: true, temperature: 0, ignore_eos: true })
    expect(bodies[0].prompt).toEqual(promptIds(40, 3))
  })

  test('decode is the time of M tokens after the first, without the prefill', async () => {
    bodies = []
    const timing = await timeCase(client, 'fake', parseCase('decode:8@16'), promptIds(16, 4))
    expect(bodies[0].max_tokens).toBe(9)
    expect(timing.chunks).toBe(9)
    expect(timing.seconds).toBeGreaterThan((8 * TOKEN_MS - 5) / 1e3)
    expect(timing.seconds).toBeLessThan((8 * TOKEN_MS + 100) / 1e3)
  })

  test('requests share one connection', () => expect(ports.size).toBe(1))

  test.each([
    ['unknown', /status 404.*no such model/],
    ['failing', /engine stopped/],
    ['short', /asked for 5 tokens, got 4/],
    ['caching', /1 tokens were reused/],
  ])('%s is an error, not a number', async (model, message) => {
    await expect(timeCase(client, model, parseCase('decode:4@8'), promptIds(8, 5))).rejects.toThrow(message)
  })
})

describe('cases', () => {
  test('parse and print', () => {
    expect(parseCase('decode:64@256')).toEqual({ prompt: 256, decode: 64 })
    expect(measuredTokens(parseCase('decode:64@256'))).toBe(64)
    expect(measuredTokens(parseCase('decode:64@256x8'))).toBe(512)
    expect(measuredTokens(parseCase('prefill:256'))).toBe(256)
    for (const name of ['prefill:256', 'decode:64@1024', 'decode:64@256x8'])
      expect(caseName(parseCase(name))).toBe(name)
    expect(() => parseCase('prefill:x')).toThrow(/prefill:N or decode:M@N/)
  })

  test('prompts have distinct first ids, also when longer than the text', () => {
    const prompts = Array.from({ length: 100 }, (_, serial) => promptIds(4000, serial))
    expect(new Set(prompts.map((ids) => ids[0])).size).toBe(100)
    expect(prompts.every((ids) => ids.length === 4000 && ids.every((id) => id >= 0 && id < 49152))).toBe(true)
  })

  test('median', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 3, 2])).toBe(2.5)
  })
})
