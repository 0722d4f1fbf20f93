// The result of a run over a corpus of schemas, as docs/results/grammar-corpus.json keeps it.

import type { Machine } from './results.ts'

/** Milliseconds. */
export type Times = { p50: number; p99: number; most: number }

export type CorpusAnswers = {
  /** Answers that were asked for, one a schema, and what became of them. */
  asked: number
  whole: number
  closedEarly: number
  tokens: number
  /** ajv cannot read the schema: nobody judged these. */
  unjudged: number
  /** Names and what ajv says; none may be left without a reason. */
  refusedByAjv: { name: string; says: string; reason: string }[]
}

export type CorpusResult = {
  machine: Machine
  schemas: number
  compiled: number
  /** Refusals by message, the most frequent first; and those whose pointer names nothing. */
  refusals: { message: string; count: number }[]
  badPointers: string[]
  compileMs: Times
  invalid: { all: number; accepted: string[] }
  /** `bounded`: accepted within the default bounds, too. */
  valid: { all: number; accepted: number; bounded: number }
  /** By model. */
  answers: Record<string, CorpusAnswers>
}
