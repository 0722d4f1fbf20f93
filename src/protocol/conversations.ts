// A conversation entry says what a session holds from now on without an answer: its items, as a kept turn.

import type { GenerateRequest } from './generation.ts'

/**
 * Written as a turn that asked nothing, in a session of its own or behind the turn that it `follows`. `conversation` and
 * `reply` are the API's own words.
 */
export type ConversationEntry = Pick<
  GenerateRequest,
  'tenant' | 'sessionKey' | 'model' | 'session' | 'follows' | 'reply'
> & { conversation: NonNullable<GenerateRequest['conversation']> }
