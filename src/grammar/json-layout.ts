// A JSON layout says where white space may stand in a grammar of JSON, and how much.

import type { Term, Terms } from './term.ts'

export type JsonLayout = {
  readonly terms: Terms
  /** Behind `{ [ , :` and before `} ]`. */
  readonly space: Term
}
