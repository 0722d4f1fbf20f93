// A JSON layout says where white space may stand in a grammar of JSON, and how much.

import type { CharDfa } from './char-dfa.ts'
import type { Term, Terms } from './term.ts'

export type JsonLayout = {
  readonly terms: Terms
  /** Behind `{ [ , :` and before `} ]`. */
  readonly space: Term
  /** Around the members of an object; the closing one is a byte. */
  readonly open: string
  readonly close: string
  /** A key up to its value. */
  head(name: string): Term
  /** What stands before a name that the schema leaves open, and what behind it. */
  readonly nameOpening: string
  readonly colon: Term
  /** Such a name behind its opening, the closing one included. */
  name(dfa: CharDfa): Term
}
