// A kept turn is resumed over HTTP in the dialect of the request that began it, without what the client has.

import { IsletError } from '../lib/errors.ts'
import type { ApiContext, ApiDeps } from './context.ts'
import type { Dialect } from './dialects/dialect.ts'
import { readReply } from './dialects/registry.ts'
import type { Reply } from './dialects/reply.ts'
import { eventError } from './http/errors.ts'
import { closeEvents, sessionIn } from './http/events.ts'
import { clientLeft, openEvents, streamFrom } from './http/respond.ts'
import type { Writer } from './http/sse.ts'

/**
 * Reads a kept turn again from its first event on, in the dialect of its own reply; `writerOf` may refuse
 * that or take another writer.
 * @throws IsletError `not_found` and whatever else the lane says first.
 */
export async function resumed(
  c: ApiContext,
  deps: ApiDeps,
  id: string,
  writerOf: (reply: Reply, dialect: Dialect) => Writer,
): Promise<Response> {
  // A HEAD would take the turn from whoever reads it.
  if (c.req.method === 'HEAD') {
    c.header('allow', 'GET, OPTIONS')
    throw new IsletError('method_not_allowed', 'HEAD is not allowed for a stream; use GET')
  }
  const events = openEvents(c, deps.lanes(c).resume(c.var.tenant, id))
  if (events === undefined) return clientLeft()
  try {
    const first = events.next()
    const result = await first
    if (!result.done && result.value.type === 'error') throw eventError(result.value)
    const session = sessionIn(result)
    if (session === undefined)
      throw new IsletError('engine_failure', 'A kept turn did not begin with its session')
    const { reply, dialect } = readReply(session.reply)
    return streamFrom(c, deps, { events, ahead: [first], writer: writerOf(reply, dialect) }, session)
  } catch (thrown) {
    await closeEvents(events)
    throw thrown
  }
}

/** Writes nothing of the first `count` frames, which the client has. A failure is always written. */
export function skipping(writer: Writer, count: number): Writer {
  let left = count
  return {
    ...writer,
    write(event) {
      const frames = writer.write(event)
      const heard = Math.min(left, frames.length)
      left -= heard
      return frames.slice(heard)
    },
  }
}
