// Sent buffers are bytes that replies have carried; once these are on their way they are let go.

import { discard } from '../lib/byte-reader.ts'
import type { StageReply } from './messages.ts'

/** The host copies a reply some time after it is given: as many as the steps that a chain has under way, at most, are still to go. */
const UNDER_WAY = 4

export class SentBuffers {
  readonly #kept: ArrayBufferLike[] = []

  /** Lets go of what was sent long ago: of a large vocabulary half a megabyte a token, which would linger as garbage. */
  sent({ logits, stream }: Pick<StageReply, 'logits' | 'stream'>): void {
    for (const part of [logits, stream]) if (part !== undefined) this.#kept.push(part.buffer)
    while (this.#kept.length > UNDER_WAY) discard(this.#kept.shift())
  }
}
