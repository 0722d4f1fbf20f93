// The loss of trimming is counted on texts: tokens whose ids went, and how many more take their place.

import type { Tokenizer } from '../../tokenizer/tokenizer.ts'
import type { TrimmingLoss } from '../../weights/manifest.ts'

/** What texts lose when `trimmed`, whose ids are `kept` of `whole`, cuts them. */
export function trimmingLoss(
  whole: Tokenizer,
  trimmed: Tokenizer,
  kept: Uint32Array,
  texts: Iterable<string>,
): TrimmingLoss {
  const stays = new Set(kept)
  const loss = { tokens: 0, gone: 0, more: 0 }
  for (const text of texts) {
    const ids = whole.encode(text)
    loss.tokens += ids.length
    for (const id of ids) if (!stays.has(id)) loss.gone++
    loss.more += trimmed.encode(text).length - ids.length
  }
  return loss
}
