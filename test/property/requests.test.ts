// Generated requests over every route of the worker with the embedded model: each reply is a 2xx of its schema or a 4xx in its
// dialect, and the next good request answers. `npm run fuzz` sends 10,000.

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROUTES } from '../../src/api/routes.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { startWorker, type TestWorker } from '../helpers/worker.ts'
import { problemOf } from './judge.ts'
import { requests, type Generated } from './requests.ts'
import { Run, told, type Subject } from './run.ts'

const SEED = 20_261_129
const SLOW_MS = 300_000

/** Fails with the smallest request that is answered badly. */
async function expectAnswered(subject: Subject, numRuns: number): Promise<void> {
  const run = new Run(subject)
  const property = fc.asyncProperty(requests(), async (request) => {
    const { problem } = await run.send(request)
    const after = await run.good()
    if (problem !== undefined || after !== undefined) throw new Error(`${problem ?? after}\n${told(request)}`)
  })
  await fc.assert(property, { seed: SEED, numRuns, endOnFailure: false })
}

describe('generated requests', () => {
  let worker: TestWorker
  beforeAll(async () => {
    worker = await startWorker(TINY_FOLDER)
  })
  afterAll(() => worker?.stop())

  it('are answered by the embedded model', { timeout: SLOW_MS }, async () => {
    const send: Subject['send'] = (path, init) => fetch(`${worker.url}${path}`, init)
    await expectAnswered({ send, model: worker.model }, 400)
    expect(worker.log()).not.toMatch(/internal_error|Uncaught/)
  })
})

describe('the generator', () => {
  const sample = fc.sample(requests(), { seed: SEED, numRuns: 3000 })

  it('comes to every route, and to each kind of mistake', () => {
    const routes = new Set(sample.map(({ route }) => route))
    expect(routes.size).toBe(ROUTES.length)
    const kinds = [
      'valid',
      'streamed',
      'cut',
      'wrong type',
      'left out',
      'deep',
      'huge number',
      'doubled key',
      'unknown key',
      'odd bytes',
      'no object',
      'compressed',
      'long text',
      'method',
    ]
    expect([...new Set(sample.map(({ kind }) => kind))]).toEqual(expect.arrayContaining(kinds))
  })

  it('makes the same of the same seed', () => {
    const again = fc.sample(requests(), { seed: SEED, numRuns: 50 })
    expect(again.map(told)).toEqual(sample.slice(0, 50).map(told))
  })
})

describe('the judge', () => {
  const asked: Generated = {
    route: 'POST /v1/completions',
    kind: 'valid',
    method: 'POST',
    path: '/v1/completions',
    headers: {},
  }
  const reply = (status: number, body: unknown, type = 'application/json', id = true) =>
    problemOf(asked, {
      status,
      headers: new Headers({ 'content-type': type, ...(id && { 'x-request-id': 'a' }) }),
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const choice = { index: 0, text: 'a', logprobs: null, finish_reason: 'stop' }
  const whole = { id: 'a', object: 'text_completion', created: 1, model: 'm', choices: [choice] }
  const error = {
    error: { message: 'm', type: 'invalid_request_error', param: null, code: 'invalid_request' },
  }
  const stream = (...frames: unknown[]) =>
    frames.map((frame) => `data: ${typeof frame === 'string' ? frame : JSON.stringify(frame)}\n\n`).join('')

  it('takes what the document allows', () => {
    expect(reply(200, whole)).toBeUndefined()
    expect(reply(400, error)).toBeUndefined()
    expect(reply(200, stream(whole, '[DONE]'), 'text/event-stream')).toBeUndefined()
    expect(reply(200, stream(whole, error), 'text/event-stream')).toBeUndefined()
  })

  it.each([
    ['a 500', 500, error, undefined],
    ['a status that is not there', 202, whole, undefined],
    ['a body of another shape', 200, { ...whole, choices: [{ ...choice, text: 5 }] }, undefined],
    ['another content type', 200, whole, 'text/plain'],
    ['an error without its object', 400, { error: 'no' }, undefined],
    ['an error of an unknown code', 400, { error: { ...error.error, code: 'other' } }, undefined],
    ['an error that is a page', 404, '<html>', 'text/html'],
    ['a frame of another shape', 200, stream({ a: 1 }), 'text/event-stream'],
    ['a stream that goes on behind its end', 200, stream('[DONE]', whole), 'text/event-stream'],
    ['a stream of nothing', 200, ':\n\n', 'text/event-stream'],
    ['a stream that breaks off', 200, `${stream(whole)}data: {`, 'text/event-stream'],
  ] as const)('does not take %s', (_, status, body, type) => {
    expect(reply(status, body, type)).toBeTypeOf('string')
  })

  it('misses the name of the request', () => {
    expect(reply(200, whole, undefined, false)).toBe('no x-request-id')
  })
})
