// A respondent makes an HTTP response of a lane's events.
// It decides when the status is given, ends what a client that leaves asked for, and reads a kept turn again.

import type { GenerationEvent } from '../../protocol/generation.ts'
import { IsletError } from '../../lib/errors.ts'
import type { SessionEvent } from '../dialects/chunks.ts'
import type { ApiContext, ApiDeps } from '../context.ts'
import { eventError } from './errors.ts'
import { reportFailure } from './log.ts'
import { readReply, type AnyReply } from '../dialects/reply.ts'
import { speakerOf } from '../speakers.ts'
import {
  closeEvents,
  LATE,
  settledWithin,
  SSE_HEADERS,
  sseBody,
  type EventIterator,
  type EventResult,
  type Speaker,
} from './sse.ts'

const PING_MS = 10_000
/** nginx's "client closed request": nobody reads it, logs may. */
const CLIENT_LEFT = 499

/** Names the session of a generation reply. */
export const SESSION_HEADER = 'x-islet-session'

/** The answer to a client that has left. */
export function clientLeft(): Response {
  return new Response(null, { status: CLIENT_LEFT })
}

/** Events of a lane, ended when the client leaves. */
export function openEvents(c: ApiContext, generation: AsyncIterable<GenerationEvent>): EventIterator {
  const events = generation[Symbol.asyncIterator]()
  cancelOnLeave(c, events)
  return events
}

/**
 * Status before bytes: an error that comes first, or right after the session's name, has its own status. Once anything
 * else came, or nothing for `pingMs`, the 200 is given and errors become frames.
 */
export async function streamed(
  c: ApiContext,
  deps: ApiDeps,
  events: EventIterator,
  speaker: Speaker,
): Promise<Response> {
  const pingMs = deps.config.pingMs ?? PING_MS
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
  return streamFrom(c, deps, { events, ahead, speaker, pingMs }, session)
}

/**
 * Reads a kept turn again from its first event on, in the manner of its own reply; `word` may refuse that or change it.
 * @throws IsletError `not_found` and whatever else the lane says first.
 */
export async function resumed(
  c: ApiContext,
  deps: ApiDeps,
  id: string,
  word: (reply: AnyReply, speaker: Speaker) => Speaker,
): Promise<Response> {
  // A HEAD would take the turn from whoever reads it.
  if (c.req.method === 'HEAD') {
    c.header('allow', 'GET, OPTIONS')
    throw new IsletError('method_not_allowed', 'HEAD is not allowed for a stream; use GET')
  }
  const events = openEvents(c, deps.lanes(c).resume(c.var.tenant, id))
  try {
    const first = events.next()
    const result = await first
    if (!result.done && result.value.type === 'error') throw eventError(result.value)
    const session = sessionIn(result)
    if (session === undefined)
      throw new IsletError('engine_failure', 'A kept turn did not begin with its session')
    const reply = readReply(session.reply)
    const speaker = word(reply, speakerOf(reply))
    const source = { events, ahead: [first], speaker, pingMs: deps.config.pingMs ?? PING_MS }
    return streamFrom(c, deps, source, session)
  } catch (thrown) {
    await closeEvents(events)
    throw thrown
  }
}

type Source = { events: EventIterator; ahead: Promise<EventResult>[]; speaker: Speaker; pingMs: number }

function streamFrom(
  c: ApiContext,
  deps: ApiDeps,
  source: Source,
  session: SessionEvent | undefined,
): Response {
  const onError = (thrown: unknown): void => reportFailure(deps, c, thrown)
  return c.body(sseBody({ ...source, onError }), 200, { ...SSE_HEADERS, ...sessionHeader(session) })
}

/** The header that names a session, if there is one. */
export function sessionHeader(session: SessionEvent | undefined): Record<string, string> {
  return session === undefined ? {} : { [SESSION_HEADER]: session.session }
}

function sessionIn(result: EventResult | typeof LATE): SessionEvent | undefined {
  return result !== LATE && !result.done && result.value.type === 'session' ? result.value : undefined
}

/** A Worker drops what runs for a client that left, its `finally` too, unless something waits for it: so wait. */
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
