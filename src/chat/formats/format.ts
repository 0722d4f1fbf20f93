// A built-in chat format turns messages into parts, as the original code did where it had no template. It
// also knows how its original shortens a prompt, and where its answers end.

import type { TextMessage } from '../conversation.ts'
import type { BuiltinChat } from '../../weights/manifest.ts'
import type { ChatLayout, LayoutIds, ChatPart } from '../parts.ts'

/** What a prompt may take: all positions, and those kept free for the answer. */
export type Budget = { maxLength: number; maxNewTokens: number }

export type LayoutOptions = {
  chat: BuiltinChat
  tools: readonly unknown[]
  /** End with the beginning of the assistant's turn. */
  opening: boolean
}

export type Format = {
  /** Pure. Throws invalid_request for messages that the format cannot say. */
  layout(messages: readonly TextMessage[], options: LayoutOptions): ChatLayout
  /**
   * A plain text as the original's tokenizer hands it to the model; formats without it have the text alone.
   */
  text?: (text: string) => ChatPart[]
  /** A text with a gap that the model shall fill; few can. */
  gap?: (before: string, after: string) => ChatPart[]
  /** Shortens as the original does; formats without it have no rule of their own. */
  fit?: (ids: LayoutIds, budget: Budget) => number[]
  /** The original's limits where the checkpoint's files name none. */
  defaults?: Partial<Budget>
  /** Whether functions can be offered and their results handed back. */
  tools: boolean
  /** Names of tokens that end an answer, besides the tokenizer's own; those it lacks are passed over. */
  ends: readonly string[]
  /** Names of tokens inside an answer that its reader must see. */
  marks?: readonly string[]
  /** Text that ends an answer when functions were offered. */
  toolStops?: readonly string[]
}
