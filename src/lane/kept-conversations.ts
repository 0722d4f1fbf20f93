// A kept conversation is a session that holds items before anything is answered, and between answers.

import { IsletError } from '../lib/errors.ts'
import type { ConversationEntry } from '../protocol/conversations.ts'
import { PLAIN_REQUEST } from '../protocol/plain-request.ts'
import { conversationOf } from '../protocol/ids.ts'
import { earliest } from '../storage/follow-up.ts'
import type { TurnRecord } from '../storage/turn-record.ts'
import type { Sessions, SessionsParts } from './sessions.ts'

/**
 * Writes what a conversation holds, and gives its session: a new one on `lane`, or that of the entry. Throws conflict as
 * `earliest` does, invalid_request for one that is too large, and overloaded.
 */
export function keepConversation(
  entry: ConversationEntry,
  lane: string,
  sessions: Sessions,
  { now, newId, lifetimes }: Pick<SessionsParts, 'now' | 'newId' | 'lifetimes'>,
): string {
  const { tenant, follows, conversation } = entry
  const { window, sinks } = sessions.window
  const session = entry.session ?? `sess_${lane}_${newId()}`
  const createdAt = Math.max(now(), earliest(entry, sessions.turns, sessions.isDriven(session)))
  const before = follows === undefined ? undefined : sessions.turns.turn(tenant, follows)
  const record: TurnRecord = {
    session,
    turn: `${session.slice('sess_'.length)}_${newId()}`,
    state: 'done',
    createdAt,
    usedAt: now(),
    expiresAt: now() + lifetimes.turns,
    request: requestOf(entry, session),
    model: '',
    // A row has one id at least.
    prompt: { kind: 'none', ids: [0], truncatedTokens: 0, tools: false },
    echo: undefined,
    conversation,
    cachedTokens: undefined,
    generated: [],
    logprobs: [],
    end: {
      type: 'finish',
      reason: 'stop',
      usage: { promptTokens: 0, cachedTokens: 0, completionTokens: 0 },
      window: { window, sinks, outOfSight: 0 },
    },
  }
  const draft = sessions.turns.draft(record)
  const need = { tenant, bytes: draft.bytes, sessions: follows === undefined ? 1 : 0, keep: session }
  if (!sessions.room.admit(need))
    throw new IsletError('overloaded', 'room is being made for this conversation: try again')
  // What was held before an answer is needed no longer; a response stays.
  sessions.turns.insert(record, before?.prompt.kind === 'none' ? before : undefined, draft)
  return session
}

/** The request of a turn that asked nothing. */
function requestOf({ tenant, model, reply }: ConversationEntry, session: string): TurnRecord['request'] {
  return {
    ...PLAIN_REQUEST,
    requestId: '',
    tenant,
    sessionKey: conversationOf(session),
    model,
    maxTokens: 0,
    store: true,
    reply,
  }
}
