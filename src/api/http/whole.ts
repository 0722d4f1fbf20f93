// A whole answer that takes long is sent behind white space, whose failing write tells that the client left.

import type { SessionEvent } from '../../protocol/generation.ts'
import { IsletError } from '../../lib/errors.ts'
import { jsonText } from '../../lib/json-value.ts'
import { pulledBytes } from '../../lib/pulled-bytes.ts'
import { limitsOf, type ApiContext, type ApiDeps } from '../context.ts'
import { collect, type Collected } from './collect.ts'
import { failureOf, type Failure } from './errors.ts'
import { closeEvents, LATE, sessionIn, settledWithin, type EventIterator } from './events.ts'
import { reportFailure } from './log.ts'
import { clientLeft, sentJson, sessionHeader } from './respond.ts'

/**
 * A request that no lane has admitted for so long, milliseconds, is given its status all the same: proxies
 * wait for a minute.
 */
const ADMISSION_MS = 30_000

/** Compressors hold white space back, `wrangler dev`'s too: of a body that has an encoding they keep their hands. */
const UNBUFFERED = {
  'content-type': 'application/json',
  'content-encoding': 'identity',
  'cache-control': 'no-cache, no-transform',
}

/** How a dialect words a whole answer, and an error. */
export type Wording = { whole(collected: Collected): object; errorBody(failure: Failure): object }

/**
 * Status before bytes: an error that comes before the engine admits the request, or within `quietMs` after it, has
 * its own status; so has a lane that is lost, and clients try again that do not behind a status. Then the 200 is given,
 * and a space each `spaceMs` until the answer is whole.
 */
export async function whole(
  c: ApiContext,
  deps: ApiDeps,
  events: EventIterator,
  wording: Wording,
): Promise<Response> {
  const { quietMs, spaceMs } = limitsOf(deps)
  const seen = watched(events)
  const answer = collect(seen.events, c.req.raw.signal)
  // Where it fails behind the client's back there is nobody to tell.
  answer.catch(() => undefined)
  await settledWithin(Promise.race([answer, seen.admitted]), ADMISSION_MS)
  const collected = await settledWithin(answer, quietMs)
  if (collected === undefined) return clientLeft()
  if (collected !== LATE) return sentJson(c, wording.whole(collected), sessionHeader(collected.session))
  const body = spaced(answer, events, wording, {
    spaceMs,
    onError: (thrown) => reportFailure(deps, c, thrown),
  })
  return c.body(body, 200, { ...UNBUFFERED, ...sessionHeader(seen.session()) })
}

type Watched = { events: EventIterator; admitted: Promise<void>; session(): SessionEvent | undefined }

/** The same events, and what has come of them: the engine's admission, and the session's name. */
function watched(events: EventIterator): Watched {
  const { promise: admitted, resolve: admit } = Promise.withResolvers<void>()
  let session: SessionEvent | undefined
  return {
    events: {
      async next() {
        const result = await events.next()
        session ??= sessionIn(result)
        if (result.done || result.value.type === 'start') admit()
        return result
      },
      async return() {
        await closeEvents(events)
        return { done: true, value: undefined }
      },
    },
    admitted,
    session: () => session,
  }
}

type Spacing = { spaceMs: number; onError(thrown: unknown): void }

/**
 * White space, then the answer. One that fails ends within the error object, without its last brace, and the
 * connection breaks: no client takes it for an answer, and who looks at the bytes reads why.
 */
function spaced(
  answer: Promise<Collected | undefined>,
  events: EventIterator,
  { whole: wholeOf, errorBody }: Wording,
  { spaceMs, onError }: Spacing,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let cancelled = false
  let failure: unknown
  return pulledBytes({
    async pull(controller) {
      if (failure !== undefined) throw failure
      try {
        const collected = await settledWithin(answer, spaceMs)
        if (cancelled) return
        if (collected === LATE) return controller.enqueue(encoder.encode(' '))
        if (collected !== undefined) controller.enqueue(encoder.encode(jsonText(wholeOf(collected))))
        controller.close()
      } catch (thrown) {
        if (cancelled) return
        onError(thrown)
        failure = new IsletError('internal_error', 'the answer failed behind its status', { cause: thrown })
        controller.enqueue(encoder.encode(jsonText(errorBody(failureOf(thrown))).slice(0, -1)))
      }
    },
    async cancel() {
      cancelled = true
      await closeEvents(events)
    },
  })
}
