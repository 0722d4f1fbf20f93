// A follow-up goes on from the last whole turn of its session alone, so that a conversation is one line.

import { IsletError } from '../lib/errors.ts'
import type { GenerateRequest } from '../protocol/generation.ts'
import { conversationOf } from '../protocol/ids.ts'
import type { TurnStore } from './turn-store.ts'

/**
 * When a turn that follows another one may have begun at the earliest, behind that one, in milliseconds since 1970; 0 where
 * it follows none. Throws conflict where that is not the conversation's last whole turn, or another one is being answered.
 */
export function earliest(
  { tenant, session, follows }: Pick<GenerateRequest, 'tenant' | 'session' | 'follows'>,
  turns: TurnStore,
  isDriven: boolean,
): number {
  if (follows === undefined || session === undefined) return 0
  const last = turns.turn(tenant, conversationOf(session))
  if (isDriven || turns.hasUnfinished(session))
    throw new IsletError('conflict', 'a response of this conversation is being made: wait until it has ended')
  if (last?.turn === follows) return last.createdAt + 1
  throw new IsletError('conflict', 'the conversation has gone on meanwhile: send this again')
}
