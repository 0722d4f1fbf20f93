// The result of a comparison of several answers to one request with one and with sessions, as docs/results/choices.json keeps it.

import type { Machine } from './results.ts'

export type ChoicesResult = {
  machine: Machine
  model: string
  pairs: number
  /** Answers to a request, and sessions beside them. */
  answers: number
  /** Medians of pairs: milliseconds until one answer has its first token, and until all have, of a prompt that is new. */
  prefill: { prompt: number; one: number; all: number; ratio: number }[]
  /** Medians of pairs: tokens a second of all together, and how many times that of sessions the answers make. */
  together: {
    prompt: number
    tokens: number
    cached: boolean
    answers: number
    sessions: number
    ratio: number
  }[]
}
