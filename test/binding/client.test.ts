// islet/binding over a service that a test lists: what is handed on, what an abort does, what a whole reply is read from.

import { expect, test } from 'vitest'
import { workersAI } from '../../src/binding/client.ts'

type Call = [model: string, inputs: Record<string, unknown>, options: Record<string, unknown> | undefined]

/** A service whose `run` gives what `answer` says. */
function serviceOf(answer: () => unknown) {
  const calls: Call[] = []
  const others: unknown[] = []
  const run = async (...call: Call): Promise<unknown> => {
    calls.push(call)
    return answer()
  }
  const models = async (...given: unknown[]): Promise<string> => (others.push(given), 'listed')
  return { calls, others, ai: workersAI({ run, models }) }
}

/** A stream of these pieces, which notes that it was cancelled; with `hang` it never ends. */
function streamOf(pieces: string[], hang = false) {
  const seen = { cancelled: undefined as unknown, pulled: 0 }
  const left = [...pieces]
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        seen.pulled++
        const piece = left.shift()
        if (piece !== undefined) return controller.enqueue(new TextEncoder().encode(piece))
        if (hang) return new Promise(() => undefined)
        controller.close()
      },
      cancel(reason) {
        seen.cancelled = reason
      },
    },
    { highWaterMark: 0 },
  )
  return { seen, stream }
}

type Given = Record<string, unknown>
const run = (ai: Ai, inputs: Given, options?: Given): Promise<unknown> =>
  (ai.run as unknown as (...call: unknown[]) => Promise<unknown>)('m', inputs, options)

test('without a signal the call goes on as it is', async () => {
  const { ai, calls } = serviceOf(() => 'reply')
  expect(await run(ai, { prompt: 'Hi' }, { seed: 1, returnRawResponse: true })).toBe('reply')
  expect(await run(ai, { prompt: 'Hi', stream: true })).toBe('reply')
  expect(calls[0]).toEqual(['m', { prompt: 'Hi' }, { seed: 1, returnRawResponse: true }])
  expect(calls[1].slice(0, 2)).toEqual(['m', { prompt: 'Hi', stream: true }])
})

test('a stream with a signal passes, and an abort cancels it', async () => {
  const leaving = new AbortController()
  const { seen, stream } = streamOf(['data: 1\n\n', 'data: 2\n\n'], true)
  const { ai, calls } = serviceOf(() => stream)
  const given = (await run(ai, { stream: true }, { signal: leaving.signal, top_k: 2 })) as ReadableStream
  expect(calls).toEqual([['m', { stream: true }, { top_k: 2 }]])
  const reader = given.getReader()
  await reader.read()
  const next = reader.read().then(() => reader.read())
  leaving.abort(new Error('left'))
  await expect(next).rejects.toThrow('left')
  expect(seen.cancelled).toMatchObject({ message: 'left' })
  expect(seen.pulled).toBeLessThanOrEqual(4)
})

test('a whole reply with a signal is read from a stream', async () => {
  const { signal } = new AbortController()
  const reply = { response: 'a\n\ndata: b', usage: {} }
  const { ai, calls } = serviceOf(
    () => streamOf([':\n\n', ':\n\ndata', `: ${JSON.stringify(reply)}\n`, '\n']).stream,
  )
  expect(await run(ai, { prompt: 'Hi' }, { signal, seed: 1 })).toEqual(reply)
  expect(calls[0]).toEqual(['m', { prompt: 'Hi', stream: true }, { seed: 1, form: 'whole' }])
  const raw = (await run(ai, { prompt: 'Hi' }, { signal, returnRawResponse: true })) as Response
  expect(raw.headers.get('content-type')).toBe('application/json')
  expect(await raw.json()).toEqual(reply)
})

test('an error at its end is thrown', async () => {
  const { signal } = new AbortController()
  const error = { name: 'InferenceUpstreamError', message: '3043: broken', internalCode: 3043 }
  const { ai } = serviceOf(() => streamOf([`data: ${JSON.stringify({ error })}\n\n`]).stream)
  await expect(run(ai, {}, { signal })).rejects.toMatchObject({
    name: error.name,
    message: error.message,
    code: 3043,
  })
})

test('an abort ends the wait for the service, and what comes then is cancelled', async () => {
  const leaving = new AbortController()
  const { seen, stream } = streamOf([], true)
  const late = Promise.withResolvers<unknown>()
  const { ai } = serviceOf(() => late.promise)
  const asked = run(ai, {}, { signal: leaving.signal })
  leaving.abort(new Error('left'))
  await expect(asked).rejects.toThrow('left')
  late.resolve(stream)
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect(seen.cancelled).toMatchObject({ message: 'left' })
})

test('a signal that has aborted asks for nothing', async () => {
  const { ai, calls } = serviceOf(() => undefined)
  await expect(run(ai, {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
  expect(calls).toEqual([])
})

test('what else Workers AI has is asked of the service', async () => {
  const { ai, others } = serviceOf(() => undefined)
  expect(await ai.models({ search: 'a' })).toBe('listed')
  expect(others).toEqual([[{ search: 'a' }]])
  expect(ai.aiGatewayLogId).toBeNull()
})
