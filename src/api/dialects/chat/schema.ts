// The schema of chat completions is the body of POST /v1/chat/completions, which brings its whole prompt.

import type { Asked } from '../dialect.ts'
import { parseChat } from '../schema.ts'
import type { ChatReply } from './writer.ts'

export { chatSchema } from '../schema.ts'

/**
 * Reads a body.
 * @throws IsletError with `param`, for anything missing, malformed or not implemented.
 */
export function askChat(body: Record<string, unknown>, newSeed: () => number): Asked<ChatReply> {
  const { prompt, ...order } = parseChat(body, newSeed)
  return { order, reply: { includeUsage: order.includeUsage }, prompt: () => Promise.resolve({ prompt }) }
}
