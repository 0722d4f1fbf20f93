// A whole answer that takes long comes behind white space: the same JSON, and no failure that passes for an answer.

import { describe, expect, it } from 'vitest'
import type { GenerationEvent } from '../../../src/protocol/generation.ts'
import { fakeLanes, finish, SESSION, sessionOf, start, text, type Step } from '../../api/helpers.ts'
import { DIALECTS } from './dialects.ts'
import { progress } from './scripts.ts'
import { keeping, post, refusalOf, serve, wholeOf } from './serve.ts'

const QUICK = [start, text('Hel'), text('lo'), finish]
const SLOW: Step[] = [start, { wait: 60 }, text('Hel'), { wait: 60 }, text('lo'), finish]
const failure: GenerationEvent = { type: 'error', code: 'engine_failure', message: 'the engine failed' }

/** All bytes up to where the connection breaks, and what broke it. */
async function brokenOff(response: Response): Promise<{ heard: string; error: unknown }> {
  const decoder = new TextDecoder()
  let heard = ''
  try {
    for await (const bytes of response.body as ReadableStream<Uint8Array>) heard += decoder.decode(bytes)
  } catch (error) {
    return { heard, error }
  }
  return { heard, error: undefined }
}

describe.each(DIALECTS)('$name', (dialect) => {
  it('is the same answer behind spaces, named as its session is, and left as it is on its way', async () => {
    const quick = await wholeOf(serve(keeping(QUICK)).send, dialect, {})
    const response = await post(serve(keeping(SLOW), { quietMs: 10, spaceMs: 10 }).send, dialect, {})
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    // What is compressed on its way is held back, and nobody hears of a client that left.
    expect(response.headers.get('content-encoding')).toBe('identity')
    expect(response.headers.get('cache-control')).toContain('no-transform')
    expect(response.headers.get('x-islet-session')).toBe(SESSION)
    const body = await response.text()
    expect(body).toMatch(/^ {3,}\{/)
    expect(dialect.whole(JSON.parse(body))).toEqual(quick)
  })

  it('that comes in time has no space before it', async () => {
    const response = await post(serve(keeping(QUICK), { quietMs: 500, spaceMs: 500 }).send, dialect, {})
    expect(await response.text()).toMatch(/^\{/)
    expect(response.headers.get('content-encoding')).toBe(null)
  })

  it.each<{ name: string; steps: Step[] }>([
    { name: 'in the queue', steps: [progress('queued'), { wait: 60 }, failure] },
    { name: 'while the model loads', steps: [progress('loading'), { wait: 60 }, failure] },
    { name: 'soon after its admission', steps: [{ wait: 60 }, start, failure] },
  ])('that fails $name has a status of its own', async ({ steps }) => {
    const { send } = serve(keeping(steps), { quietMs: 15, spaceMs: 15 })
    expect(await refusalOf(dialect, await post(send, dialect, {}))).toMatchObject({ status: 500 })
  })

  it('that fails behind its status breaks off within the error, which no parser takes', async () => {
    const { send, logged } = serve(keeping([start, { wait: 40 }, text('a'), failure]), {
      quietMs: 10,
      spaceMs: 10,
    })
    const response = await post(send, dialect, {})
    expect(response.status).toBe(200)
    const { heard, error } = await brokenOff(response)
    expect(error).toBeInstanceOf(Error)
    expect(() => JSON.parse(heard) as unknown).toThrow(SyntaxError)
    expect(dialect.wholeFailure(JSON.parse(`${heard}}`))).toMatchObject({ message: 'the engine failed' })
    expect(logged).toMatchObject([{ code: 'engine_failure' }])
  })

  it('ends when its body is cancelled, as a client does that leaves', async () => {
    const endless = [
      start,
      ...Array.from({ length: 200 }, (): Step[] => [{ wait: 5 }, text('.')]).flat(),
      finish,
    ]
    const fake = fakeLanes((request) => [sessionOf(request.reply), ...endless])
    const { send, logged } = serve(fake, { quietMs: 10, spaceMs: 10 })
    const reader = (await post(send, dialect, {})).body?.getReader()
    await reader?.read()
    await reader?.cancel()
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(fake.closed).toBe(1)
    expect(fake.produced).toBeLessThan(30)
    expect(logged).toEqual([])
  })
})
