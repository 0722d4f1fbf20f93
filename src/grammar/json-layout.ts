// A JSON layout says where white space may stand in a grammar of JSON, and how much.

import type { CharDfa } from './char-dfa.ts'
import type { Term, Terms } from './term.ts'

export type JsonLayout = {
  readonly terms: Terms
  /** Behind `{ [ , :` and before `} ]`. */
  readonly space: Term
  /** A key of an object behind its opening quote, the closing one included. */
  name(dfa: CharDfa): Term
}
