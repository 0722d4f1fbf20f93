// Baichuan-13B-Chat and Baichuan2-Chat put a role token before each message.

import { plainMessage, refuseMessages, type TextMessage } from '../conversation.ts'
import type { ChatPart } from '../parts.ts'
import type { BuiltinChat } from '../../weights/manifest.ts'
import type { Format } from './format.ts'

/**
 * Both generations of the checkpoint name these ids in generation_config.json; a file without them means them
 * too.
 */
export const BAICHUAN_MARKS = { userId: 195, assistantId: 196 } as const

export const baichuan1: Format = {
  layout(messages, { chat, opening }) {
    const rounds = roundsOf(messages, chat, [{ special: 'eos' }])
    if (messages[0]?.role !== 'user') throw refuseMessages('needs the first message to be of the user')
    return { head: [], rounds, tail: opening ? [assistantMark(chat)] : [] }
  },
  /** At least half of all positions are the prompt's; the mark of the answer comes on top. */
  fit({ rounds, tail }, { maxLength, maxNewTokens }) {
    const room = Math.max(Math.floor(maxLength / 2), maxLength - maxNewTokens)
    return [...newestRounds(rounds, room).slice(-room), ...tail]
  },
  defaults: { maxNewTokens: 2048 },
  tools: false,
  ends: [],
}

export const baichuan2: Format = {
  layout(messages, { chat, opening }) {
    const [first, ...others] = messages
    const system = first?.role === 'system' ? first.content : ''
    const rounds = roundsOf(first?.role === 'system' ? others : messages, chat, [])
    const open = opening && messages.at(-1)?.role !== 'assistant'
    return { head: [system], rounds, tail: open ? [assistantMark(chat)] : [] }
  },
  /** The system text always counts; what is still too long loses its front, that text first. */
  fit({ head, rounds, tail }, { maxLength, maxNewTokens }) {
    const room = maxLength - maxNewTokens
    const ids = [...head, ...newestRounds(rounds, room - head.length), ...tail]
    return room > 0 ? ids.slice(-room) : ids
  },
  defaults: { maxNewTokens: 2048 },
  tools: false,
  ends: [],
}

function roundsOf(
  messages: readonly TextMessage[],
  chat: BuiltinChat,
  afterAnswer: ChatPart[],
): ChatPart[][] {
  const rounds: ChatPart[][] = []
  for (const message of messages) {
    plainMessage(message)
    const isUser = message.role === 'user'
    if (isUser || rounds.length === 0) rounds.push([])
    const mark = isUser ? { id: chat.userId ?? BAICHUAN_MARKS.userId } : assistantMark(chat)
    rounds[rounds.length - 1].push(mark, message.content, ...(isUser ? [] : afterAnswer))
  }
  if (rounds.length === 0) throw refuseMessages('needs a message of the user')
  return rounds
}

function assistantMark(chat: BuiltinChat): ChatPart {
  return { id: chat.assistantId ?? BAICHUAN_MARKS.assistantId }
}

/** Whole rounds from the end while they fit into `room`; the newest one in any case. */
function newestRounds(rounds: readonly number[][], room: number): number[] {
  let taken: number[] = []
  for (const round of rounds.toReversed()) {
    if (taken.length > 0 && taken.length + round.length > room) break
    taken = [...round, ...taken]
    if (taken.length >= room) break
  }
  return taken
}
