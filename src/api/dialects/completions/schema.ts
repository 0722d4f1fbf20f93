// The schema of text completions is the body of POST /v1/completions, which brings its whole prompt.

import type { Asked } from '../dialect.ts'
import { parseCompletion } from '../schema.ts'
import type { CompletionReply } from './writer.ts'

export { completionSchema } from '../schema.ts'

/**
 * Reads a body.
 * @throws IsletError with `param`, for anything missing, malformed or not implemented.
 */
export function askCompletion(body: Record<string, unknown>, newSeed: () => number): Asked<CompletionReply> {
  const { prompt, ...order } = parseCompletion(body, newSeed)
  return { order, reply: { includeUsage: order.includeUsage }, prompt: () => Promise.resolve({ prompt }) }
}
