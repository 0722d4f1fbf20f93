// A conversation's last whole turn tells what it holds: the items before it, and its answer's.

import { errorCode, IsletError } from '../../../lib/errors.ts'
import type { Json } from '../../../protocol/generation.ts'
import { sessionOfConversation } from '../../../protocol/ids.ts'
import { preview } from '../../validate.ts'
import type { TurnOf } from '../dialect.ts'
import { kindOf } from '../reply.ts'
import type { KeptItem } from './items.ts'
import type { Held } from './object.ts'
import { outputItems } from './view.ts'

/** A conversation as it stands behind `turn`, oldest items first. */
export type HeldItems = { id: string; turn: string; session: string; items: KeptItem[]; held: Held }

/** What is kept with items that nothing was answered to. */
export type HeldReply = { kind: 'conversation'; held: Held }

/**
 * What a conversation holds now; one that is being answered is as it was before.
 * @throws IsletError `not_found`, with `param` where a field of the body named it.
 */
export async function heldIn(turnOf: TurnOf, id: string, param?: string): Promise<HeldItems> {
  try {
    const session = sessionOfConversation(id)
    const view = await turnOf(id)
    const reply = view.reply as Json & HeldReply
    const items = view.conversation as KeptItem[]
    const answered = kindOf(reply) === 'response' ? [...items, ...outputItems(view)] : items
    return { id, turn: view.turn, session, items: answered, held: reply.held }
  } catch (thrown) {
    if (errorCode(thrown) !== 'not_found') throw thrown
    throw new IsletError('not_found', `There is no conversation ${preview(id)}`, { param })
  }
}
