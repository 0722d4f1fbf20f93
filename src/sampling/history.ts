// A history is what of a sequence the rules look at that change scores: which ids occur, and in which order.

export type History = {
  /** Those of the prompt, then the answer's. */
  ids: number[]
  /** How many are the prompt's. */
  prompt: number
  /** Of each id, whether a text that breaks sequences ends within it (DRY); empty without DRY. */
  breaks: boolean[]
}

/** What of a sequence the penalties look at. */
export type Occurrences = {
  /** The distinct ids of the prompt. */
  prompt: ReadonlySet<number>
  /** How often each id was generated. */
  generated: ReadonlyMap<number, number>
  /** All ids in order, where an option looks at that. */
  history?: History
}

/** One rule: changes a row of scores, (vocab) f32, in place. Ids outside the row are left out. */
export type Processor = (scores: Float32Array, occurrences: Occurrences) => void
