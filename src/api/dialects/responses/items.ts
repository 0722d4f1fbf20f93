// Kept items are a conversation's own, each under an id that stays; a prompt repeats them as messages.

import type { ChatMessage } from '../../../protocol/generation.ts'
import { conversationItems, inputMessages, type InputItems } from './input.ts'

export type KeptItem = { id: string } & Record<string, unknown>

/** Checked items as they are kept; `base` makes their ids, and is used once. */
export function newItems(input: string | InputItems, base: string): KeptItem[] {
  return conversationItems(inputMessages(input), base)
}

/** The messages that kept items stand for. */
export function itemMessages(items: readonly KeptItem[]): ChatMessage[] {
  return inputMessages(items.map(withPlainText) as unknown as InputItems)
}

/** One text is said as one text, as the model's own answers are. */
function withPlainText(item: KeptItem): KeptItem {
  const { content } = item
  if (item.type !== 'message' || !Array.isArray(content) || content.length !== 1) return item
  const [{ text }] = content as { text: unknown }[]
  return { ...item, content: text }
}
