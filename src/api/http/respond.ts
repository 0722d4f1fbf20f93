// A streamed response begins with its status once it is known whether an answer begins or an error.
// What a client asked for ends when the client leaves.

import type { GenerationEvent, SessionEvent } from '../../protocol/generation.ts'
import { jsonText } from '../../lib/json-value.ts'
import { limitsOf, type ApiContext, type ApiDeps } from '../context.ts'
import { eventError } from './errors.ts'
import {
  closeEvents,
  LATE,
  sessionIn,
  settledWithin,
  type EventIterator,
  type EventResult,
} from './events.ts'
import { reportFailure } from './log.ts'
import { SSE_HEADERS, sseBody, type Writer } from './sse.ts'

/** nginx's "client closed request": nobody reads it, logs may. */
const CLIENT_LEFT = 499

/** Names the session of an answer, and the turn: who reads a session on sees whether it is the same answer. */
export const SESSION_HEADER = 'x-islet-session'
export const TURN_HEADER = 'x-islet-turn'

/** A body of JSON, which keeps digits and order of what a client sent. */
export function sentJson(c: ApiContext, body: object, headers: Record<string, string> = {}): Response {
  return c.body(jsonText(body), 200, { 'content-type': 'application/json', ...headers })
}

/** The answer to a client that has left. */
export function clientLeft(): Response {
  return new Response(null, { status: CLIENT_LEFT })
}

/**
 * Events of a lane, ended when the client leaves; undefined when it has left already, so that no lane is
 * asked.
 */
export function openEvents(
  c: ApiContext,
  generation: AsyncIterable<GenerationEvent>,
): EventIterator | undefined {
  const events = generation[Symbol.asyncIterator]()
  // A signal that has aborted tells no listener of it.
  if (c.req.raw.signal.aborted) {
    void closeEvents(events)
    return undefined
  }
  cancelOnLeave(c, events)
  return events
}

/**
 * Status before bytes: an error that comes first, or right after the session's name, has its own status. Once
 * anything else came, or nothing for `pingMs`, the 200 is given and errors become frames.
 */
export async function streamed(
  c: ApiContext,
  deps: ApiDeps,
  events: EventIterator,
  writer: Writer,
): Promise<Response> {
  const { pingMs } = limitsOf(deps)
  const ahead = [events.next()]
  let result = await settledWithin(ahead[0], pingMs)
  const session = sessionIn(result)
  if (session !== undefined) {
    ahead.push(events.next())
    result = await settledWithin(ahead[1], pingMs)
  }
  if (result !== LATE && !result.done && result.value.type === 'error') {
    await closeEvents(events)
    throw eventError(result.value)
  }
  return streamFrom(c, deps, { events, ahead, writer }, session)
}

type Source = { events: EventIterator; ahead: Promise<EventResult>[]; writer: Writer }

/**
 * The response of status 200 whose body is a stream: the events `ahead`, which were asked for, and those that
 * follow.
 */
export function streamFrom(
  c: ApiContext,
  deps: ApiDeps,
  source: Source,
  session: SessionEvent | undefined,
): Response {
  const { pingMs } = limitsOf(deps)
  const onError = (thrown: unknown): void => reportFailure(deps, c, thrown)
  const body = sseBody({ ...source, pingMs, onError })
  return c.body(body, 200, { ...SSE_HEADERS, ...sessionHeader(session) })
}

/** The headers that name a session and its turn, if there is one. */
export function sessionHeader(session: SessionEvent | undefined): Record<string, string> {
  return session === undefined ? {} : { [SESSION_HEADER]: session.session, [TURN_HEADER]: session.turn }
}

/**
 * A Worker drops what runs for a client that left, its `finally` too, unless something waits for it: so wait.
 */
function cancelOnLeave(c: ApiContext, events: EventIterator): void {
  c.req.raw.signal.addEventListener('abort', () => {
    const closing = closeEvents(events)
    try {
      c.executionCtx.waitUntil(closing)
    } catch {
      // Outside Workers there is no such context, and nothing is dropped.
    }
  })
}
