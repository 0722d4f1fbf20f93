// A failure has its own status while there is one to give; behind that it is the last frame, and no answer looks whole.

import { describe, expect, it } from 'vitest'
import { IsletError, type ErrorCode } from '../../../src/lib/errors.ts'
import { fakeLanes, finish, sessionOf, start, text, type Step } from '../../api/helpers.ts'
import { DIALECTS } from './dialects.ts'
import { ERROR, progress } from './scripts.ts'
import { keeping, post, refusalOf, serve, streamOf } from './serve.ts'

const STATUS: Partial<Record<ErrorCode, number>> = {
  invalid_request: 400,
  unsupported_value: 400,
  context_length_exceeded: 400,
  not_found: 404,
  conflict: 409,
  overloaded: 429,
  engine_failure: 500,
  out_of_memory: 500,
  model_loading: 503,
  checksum_mismatch: 503,
  lane_lost: 503,
}

/** How a lane tells a failure: as its last event, or thrown, and across RPC the class is lost. */
const TELLINGS: Record<string, (code: string, message: string, param?: string) => Step> = {
  'as an event': (code, message, param) => ({ type: 'error', code, message, param }),
  thrown: (code, message, param) => ({ fail: new IsletError(code as ErrorCode, message, { param }) }),
  'thrown across RPC': (code, message, param) => ({
    fail: Object.assign(new Error(message), { code, param }),
  }),
}

const SECRET = 'secret at /srv/x.ts:3'

/** Failures that nobody named, so that nobody is told of them. */
const UNNAMED: Record<string, Step> = {
  'a TypeError': { fail: new TypeError(SECRET) },
  'an error of the host': { fail: Object.assign(new Error(SECRET), { code: 'ENOENT' }) },
  'an event of an unknown code': { type: 'error', code: 'never_heard_of', message: SECRET },
}

/** What is no Error. */
const VALUES: Record<string, unknown> = {
  'a text': SECRET,
  null: null,
  undefined: undefined,
  'a number': 5,
  'an object': { message: SECRET },
  'an object of an unknown code': { code: 'ENOENT', message: SECRET },
}

/** Steps behind which a stream has begun. */
const BEGUN: Record<string, Step[]> = {
  'the start': [start],
  'a report': [progress('queued')],
  'some text': [start, text('Hel'), text('lo')],
  thoughts: [start, { type: 'text', text: '', reasoning: 'hm', ids: [1] }],
}

describe.each(DIALECTS)('$name', (dialect) => {
  describe('before the first byte', () => {
    for (const [code, status] of Object.entries(STATUS)) {
      it.each(Object.entries(TELLINGS))(`${code} is a ${status}, %s`, async (_, tell) => {
        const failing = tell(code, 'so it is', 'prompt')
        for (const stream of [false, true]) {
          for (const store of [false, true]) {
            const fake = keeping([failing])
            const told = await refusalOf(dialect, await post(serve(fake).send, dialect, { stream, store }))
            expect(told).toMatchObject({ status, code, message: 'so it is', param: 'prompt' })
            expect(fake.closed).toBe(1)
          }
        }
      })
    }

    it.each(Object.entries(UNNAMED))('%s is a 500 that says nothing of the inside', async (_, failing) => {
      for (const stream of [false, true]) {
        for (const store of [false, true]) {
          const { send, logged } = serve(keeping([failing]))
          const response = await post(send, dialect, { stream, store })
          const body = await response.clone().text()
          expect(body).not.toMatch(/secret|srv|TypeError|never_heard_of|ENOENT|stack/)
          const told = await refusalOf(dialect, response)
          expect(told).toMatchObject({ status: 500, code: 'internal_error' })
          expect(logged).toHaveLength(1)
          expect(logged[0]).toMatchObject({ requestId: 'id1', message: SECRET })
        }
      }
    })

    it.each(Object.entries(VALUES))('%s that is thrown is a 500 as an Error is', async (_, value) => {
      for (const stream of [false, true]) {
        for (const extra of [{}, { models: () => throwing(value) }]) {
          const { send, logged } = serve(fakeLanes([{ fail: value }], extra))
          const response = await post(send, dialect, { stream }, { origin: 'http://localhost:3000' })
          expect(await response.clone().text()).not.toContain('secret')
          expect(response.headers.get('access-control-allow-origin')).toBe('http://localhost:3000')
          expect(response.headers.get('x-request-id')).toBe('id1')
          const told = await refusalOf(dialect, response)
          expect(told).toMatchObject({ status: 500, code: 'internal_error' })
          expect(logged).toHaveLength(1)
          expect(logged[0]).toMatchObject({ requestId: 'id1', code: 'internal_error' })
        }
      }
    })

    it('an object of a known code that is thrown has its status', async () => {
      for (const stream of [false, true]) {
        const fake = fakeLanes([{ fail: { code: 'overloaded', message: 'full' } }])
        const told = await refusalOf(dialect, await post(serve(fake).send, dialect, { stream }))
        expect(told).toMatchObject({ status: 429, code: 'overloaded', message: 'full' })
      }
    })

    it('what the list of models throws is told like any other failure', async () => {
      for (const [failing, status, code] of [
        [new TypeError(SECRET), 500, 'internal_error'],
        [new IsletError('model_loading', 'it loads'), 503, 'model_loading'],
      ] as const) {
        const fake = fakeLanes([], { models: () => Promise.reject(failing) })
        const response = await post(serve(fake).send, dialect, { stream: true })
        expect(await response.clone().text()).not.toContain('secret')
        expect(await refusalOf(dialect, response)).toMatchObject({ status, code })
        expect(fake.requests).toEqual([])
      }
    })
  })

  describe('behind it', () => {
    for (const [after, steps] of Object.entries(BEGUN)) {
      it.each(Object.entries(TELLINGS))(
        `behind ${after} it is the last frame of a 200, %s`,
        async (_, tell) => {
          const failing = [...steps, tell('engine_failure', 'a kernel trapped')]
          for (const store of [false, true]) {
            const fake = keeping(failing)
            const { frames } = await streamOf(serve(fake).send, dialect, { store, usage: true })
            const failures = frames.map((frame) => dialect.frameFailure(frame))
            const last = failures.pop()
            expect(last).toMatchObject({ code: 'engine_failure', message: 'a kernel trapped' })
            expect(failures.every((failure) => failure === undefined)).toBe(true)
            expect(frames.some((frame) => dialect.ends(frame) || dialect.isLast(frame))).toBe(false)
            expect(fake.closed).toBe(1)
          }
        },
      )

      it(`behind ${after} a whole reply has its status all the same`, async () => {
        const response = await post(serve(keeping([...steps, ERROR])).send, dialect, {})
        expect(await refusalOf(dialect, response)).toMatchObject({ status: 500, code: 'engine_failure' })
      })

      it.each(Object.entries(UNNAMED))(
        `behind ${after} %s shows nothing of the inside`,
        async (_, failing) => {
          const { send, logged } = serve(keeping([...steps, failing]))
          const { text: wire, frames } = await streamOf(send, dialect)
          expect(wire).not.toMatch(/secret|srv|TypeError|never_heard_of|ENOENT|stack/)
          expect(dialect.frameFailure(frames[frames.length - 1])?.code).toBe('internal_error')
          expect(logged).toHaveLength(1)
          expect(logged[0]).toMatchObject({ requestId: 'id1', message: SECRET })
        },
      )
    }

    it('silence gives the status too', async () => {
      const silent = serve(keeping([{ wait: 150 }, start, ERROR]), { pingMs: 10 })
      const { frames, comments } = await streamOf(silent.send, dialect)
      expect(comments).toBeGreaterThan(0)
      expect(dialect.frameFailure(frames[frames.length - 1])?.code).toBe('engine_failure')
    })
  })

  describe('an answer without its end', () => {
    it.each([{ steps: [] }, { steps: [start] }, { steps: [start, text('a')] }])(
      'is an error: $steps.length events',
      async ({ steps }) => {
        const whole = await post(serve(keeping(steps)).send, dialect, {})
        expect(await refusalOf(dialect, whole)).toMatchObject({ status: 500, code: 'engine_failure' })
        const { frames } = await streamOf(serve(keeping(steps)).send, dialect)
        expect(dialect.frameFailure(frames[frames.length - 1])?.code).toBe('engine_failure')
        expect(frames.some((frame) => dialect.ends(frame))).toBe(false)
      },
    )
  })

  describe('a stored answer that cannot be read on', () => {
    const read = async (first: Step, way: (typeof dialect.readOn)[number]) => {
      const { lanes } = fakeLanes([first])
      const request = fakeLanes().requests[0]
      const fake = fakeLanes([], { resume: () => lanes.generate(request) })
      const path = way.path({ id: 'resp_1_abc_t', session: 'sess_1_abc' }, 0)
      return serve(fake).send(path)
    }
    for (const way of dialect.readOn) {
      it(`has the status of what is said first: ${way.name}`, async () => {
        for (const [code, status] of Object.entries(STATUS)) {
          for (const tell of Object.values(TELLINGS))
            expect(await refusalOf(dialect, await read(tell(code, 'm'), way))).toMatchObject({ status, code })
        }
        for (const failing of Object.values(UNNAMED)) {
          const response = await read(failing, way)
          expect(await response.clone().text()).not.toContain('secret')
          expect(await refusalOf(dialect, response)).toMatchObject({ status: 500, code: 'internal_error' })
        }
      })
    }
  })
})

async function throwing(value: unknown): Promise<never> {
  throw value
}

it('a lane that ends well is no failure', async () => {
  const fake = fakeLanes([sessionOf(null), start, finish])
  expect((await post(serve(fake).send, DIALECTS[0], {})).status).toBe(200)
})
