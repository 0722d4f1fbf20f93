// The key that routes a request to the lane where its history is warm. It is never an identity.

import { contentText, type GenerateRequest } from '../protocol/generation.ts'
import { isConversationId } from '../protocol/ids.ts'
import { plainWritten } from '../protocol/written.ts'
import { hashText } from './http/hash-text.ts'
import type { Order } from './dialects/order.ts'

/** What of a text completion names its session. */
const PREFIX_IDS = 64
const PREFIX_CHARACTERS = 256

/**
 * `prompt_cache_key` as given, else a SHA-256 of tenant, model, end user and the opening of the prompt: a
 * chat that resends its history keeps its key, and two people who both say "Hello" do not meet.
 */
export async function sessionKey(
  tenant: string,
  order: Pick<Order, 'cacheKey' | 'endUser' | 'follows' | 'model' | 'prompt'>,
): Promise<string> {
  const { cacheKey, follows } = order
  // A conversation's turns are known by its id as their key: what only calls itself so is none of them.
  if (cacheKey && isConversationId(cacheKey) && follows === undefined)
    return hashText(JSON.stringify([tenant, cacheKey]))
  if (cacheKey) return cacheKey
  return hashText(JSON.stringify([tenant, order.model, order.endUser ?? '', opening(order.prompt)]))
}

function opening(prompt: GenerateRequest['prompt']): unknown[] {
  if (prompt.kind === 'ids') return ['ids', ...prompt.ids.slice(0, PREFIX_IDS)]
  if (prompt.kind === 'text') return ['text', prompt.text.slice(0, PREFIX_CHARACTERS)]
  const opened: string[][] = []
  for (const message of prompt.messages) {
    const { role, content } = plainWritten(message)
    opened.push([role, contentText(content)])
    if (role === 'user') break
  }
  return ['chat', ...opened]
}
