// Among is what one of several answers to a request knows of being one of them.

import type { Score, Turn } from '../engine/turn.ts'
import type { GenerationEvent } from '../protocol/generation.ts'

/** Given in the place of a text by an answer that a step brought none: so another gets its turn. */
export const NO_TEXT: GenerationEvent = { type: 'progress', state: 'prefill', done: 0, total: 0 }

export type Among = {
  /** Its session goes on from another answer: nothing of it is stored. */
  readonly aside: boolean
  /** The same for the answers to one prompt. */
  readonly kin: object
  /** Hears the logits before the answer chooses. */
  readonly heard?: Score
  /** The answer is ready to choose, and may have chosen. */
  hasBegun?: boolean
  /** Once it is open. */
  turn?: Turn
}
