// A grammar error says which part of a schema, pattern or grammar cannot be promised, by its JSON pointer.

/** Thrown while a grammar is made; whoever asked turns it into the client's 400. */
export class GrammarError extends Error {
  /** Within the schema, such as `/properties/a/not`; '' for the whole. */
  readonly pointer: string

  constructor(message: string, pointer = '') {
    super(message)
    this.pointer = pointer
  }
}

/** Limits of one grammar, counted in what is made and never by the clock. */
export const LIMITS = {
  schemaBytes: 65_536,
  depth: 32,
  nodes: 5_000,
  regexStates: 4_000,
  patternChars: 1_000,
  enumValues: 5_000,
  /** Bytes of the shortest value. */
  shortest: 65_536,
  /** See work-budget.ts. */
  work: 100_000,
  /** Of an answer's form with all its functions: 128 of 100 properties take 80,000. */
  formWork: 150_000,
  /** Items and further keys of which none may come twice, where so many are asked for. */
  distinct: 64,
} as const
