// A reply holds what wording needs beside the events.
// It is plain JSON, is kept with its turn, and comes back when the turn is read again.

import type { Json } from '../../protocol/generation.ts'
import { IsletError } from '../../lib/errors.ts'

/** What all objects of one reply of the completions endpoints share. */
export type Reply = {
  kind: 'chat' | 'text'
  id: string
  created: number // seconds since 1970
  model: string
  /** A streamed reply ends with a chunk of usage. */
  includeUsage: boolean
}

/** The same for a response: of its own id only what it is without a turn, for a kept one is named after its turn. */
export type ResponseReply = {
  kind: 'response'
  id: string
  created: number
  model: string
  background: boolean
  /** Fields of the request that every response object repeats, as it words them. */
  shown: { [name: string]: Json }
}

export type AnyReply = Reply | ResponseReply

/**
 * A kept reply.
 * @throws IsletError `internal_error` for what no version of this API keeps.
 */
export function readReply(kept: Json): AnyReply {
  const kind = kindOf(kept)
  if (kind === 'chat' || kind === 'text' || kind === 'response') return kept as AnyReply
  throw new IsletError('internal_error', 'A kept reply is of no kind that is known here', { facts: { kept } })
}

/** The reply as the session's own request asked for it: a retry goes on with the id and time that its client may have seen. */
export function continued<R extends AnyReply>(asked: R, session: { reply: Json } | undefined): R {
  return session !== undefined && kindOf(session.reply) === asked.kind ? (session.reply as R) : asked
}

function kindOf(kept: Json): Json | undefined {
  return typeof kept === 'object' && kept !== null && !Array.isArray(kept) ? kept.kind : undefined
}
