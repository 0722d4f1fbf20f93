// A reply is what a dialect needs beside the events of an answer: plain JSON that is kept with the turn.
// It comes back when the turn is read again, so what is in it, and in what order, does not change.

import type { Json } from '../../protocol/generation.ts'

/** What names a reply, whatever was asked. */
export type ReplyHead = {
  /** The dialect. */
  kind: string
  id: string
  created: number // seconds since 1970
  model: string
}

/** What the reply of every dialect has; each adds fields of its own. */
export type Reply = ReplyHead & {
  /** Parameters of the body that were accepted without effect. */
  ignored?: string[]
  /** What was taken of the model's recommended sampling; absent where it recommends none. */
  sampling?: { [field: string]: number }
}

/**
 * The reply as the session's own request asked for it: a retry goes on with the id and time that its client
 * may have seen.
 */
export function continued<R extends Reply>(asked: R, session: { reply: Json } | undefined): R {
  return session !== undefined && kindOf(session.reply) === asked.kind ? (session.reply as R) : asked
}

/** The dialect that kept JSON names, if it is a reply. */
export function kindOf(kept: Json): Json | undefined {
  return typeof kept === 'object' && kept !== null && !Array.isArray(kept) ? kept.kind : undefined
}
